"""`ioc replay` on a running instance: recorded files are stored and charted, once however often, and raise nothing."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import httpx2
import pytest

from ioc.domain.moment import LOCAL_ZONE
from tests.acceptance.instance import ROOT, Device, Instance, items, wait_until

DATA = ROOT.parent / "shared" / "data"
SUMMARY = re.compile(
    r"(?P<stored>\d+) stored, (?P<duplicate>\d+) duplicate, (?P<rejected>\d+) rejected "
    r"\((?P<rows>\d+) rows, (?P<empty>\d+) without a value, (?P<bad>\d+) unreadable\)"
)
HANOI = timezone(timedelta(hours=7))
ROWS_MAX = 8_000
"""All of each file but the traffic's, of which the first year is enough."""
Cells = dict[str, str]

RECORDED = {
    "rain": ("hydrology/rainfall_mm_daily.csv", "rainfall", {"rain_24h_mm": "Hoa Binh"}, "Date"),
    "river": ("hydrology/water_level_cm_daily.csv", "river_level", {"level_cm": "Hoa Binh"}, "date"),
    "lake": (
        "hydrology/hoa_binh_reservoir_daily.csv", "reservoir",
        {"level_m": "reservoir_level_m", "inflow_m3s": "inflow_m3s", "bottom_outlet_m3s": "bottom_outlet_m3s"}, "Date",
    ),
    "air": ("air/hanoi_2025_mar.csv", "air_quality", {"pm2_5": "pm25", "no2": "no2"}, "timestamp"),
    "traffic": ("traffic/i94_hourly_volume.csv", "traffic_flow", {"vehicles": "traffic_volume"}, "date_time"),
}  # fmt: skip
REPEATED = ("rain", "air")


def summary(text: str) -> dict[str, int]:
    """Return the final count that a replay has printed."""
    found = SUMMARY.search(text)
    assert found, text
    return {name: int(number) for name, number in found.groupdict().items()}


def number(cell: str) -> float | None:
    """Return a cell's number, without its unit; None where there is none."""
    found = re.match(r"-?\d+(\.\d+)?", cell.strip())
    return float(found[0]) if found else None


def day_means(rows: list[Cells], column: str, time_column: str) -> dict[str, tuple[float, int]]:
    """Return {day: (mean, count)}, computed plainly from the file: a day is Vietnam's."""
    days: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        found = number(row[column])
        if found is not None:
            time = datetime.fromisoformat(row[time_column])
            local = time if time.tzinfo is None else time.astimezone(HANOI)
            days[local.date().isoformat()].append(found)
    return {day: (sum(values) / len(values), len(values)) for day, values in days.items()}


def charted(client: httpx2.Client, device: str, field: str, **more: str) -> dict[str, tuple[float, int]]:
    """Return {day: (mean, count)} as the API charts it in steps of a day."""
    found = items(client, "/api/v1/series", **{"device": device, "field": field, "step": "1d",
                  "from": "1999-01-01T00:00:00Z", "to": "2027-12-31T00:00:00Z", **more})  # fmt: skip
    return {
        datetime.fromisoformat(item["t"]).astimezone(LOCAL_ZONE).date().isoformat(): (item["v"], item["n"])
        for item in found
    }


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_file_is_stored_charted_and_raises_nothing(
    instance: Instance, operator: httpx2.Client, tmp_path: Path, name: str
) -> None:
    """Every reading once, each day's mean as computed from the file, no alert, all duplicates when repeated."""
    recorded, feed, columns, time_column = RECORDED[name]
    if not (DATA / recorded).exists():
        pytest.skip(f"../shared/data/{recorded} is absent")
    file = tmp_path / Path(recorded).name
    file.write_text("\n".join((DATA / recorded).read_text(encoding="utf-8").split("\n")[:ROWS_MAX]), encoding="utf-8")
    with file.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    device = instance.device(f"rec-{name}", feed, "04897")
    words = ["replay", str(file), "--feed", feed, "--device", device.id, "--history"]
    words += ["--time-column", time_column]
    for field, column in columns.items():
        words += ["--column", f"{field}={column}"]

    first = instance.cli(*words)
    assert first.returncode == 0, first.stderr[-2_000:]
    count = summary(first.stderr)
    with_value = sum(any(number(row[column]) is not None for column in columns.values()) for row in rows)
    missing = len(rows) - with_value
    expected_count = {
        "stored": with_value,
        "duplicate": 0,
        "rejected": 0,
        "rows": len(rows),
        "empty": missing,
        "bad": 0,
    }
    assert count == expected_count
    assert re.search(r"replay .*: about \d+ rows", first.stderr)

    for field, column in columns.items():
        expected = day_means(rows, column, time_column)

        def complete(field: str = field, expected: dict[str, tuple[float, int]] = expected) -> bool:
            found = _by_year(operator, device.id, field, expected)
            return sum(n for _, n in found.values()) == sum(n for _, n in expected.values())

        wait_until(complete, seconds=60, what=f"the chart of {field}")
        found = _by_year(operator, device.id, field, expected)
        assert found.keys() == expected.keys()
        assert {day: n for day, (_, n) in found.items()} == {day: n for day, (_, n) in expected.items()}
        assert {day: mean for day, (mean, _) in found.items()} == pytest.approx(
            {day: mean for day, (mean, _) in expected.items()}
        )
    assert items(operator, "/api/v1/alerts", device=device.id) == []

    if name not in REPEATED:
        return
    again = instance.cli(*words)
    assert again.returncode == 0, again.stderr[-2_000:]
    assert summary(again.stderr) == {**count, "stored": 0, "duplicate": with_value}


def _by_year(
    client: httpx2.Client, device: str, field: str, expected: dict[str, tuple[float, int]]
) -> dict[str, tuple[float, int]]:
    """Ask for ten years at a time: one answer holds at most 5,000 points."""
    found: dict[str, tuple[float, int]] = {}
    for year in range(2000, 2027, 9):
        if any(f"{year}" <= day < f"{year + 9}" for day in expected):
            found |= charted(client, device, field, **{"from": f"{year}-01-01T00:00:00+07:00",
                             "to": f"{year + 9}-01-01T00:00:00+07:00"})  # fmt: skip
    return found


@pytest.fixture
def own_file(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a CSV of a test's own."""

    def write(text: str) -> Path:
        path = tmp_path / "own.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="module")
def gauge(instance: Instance) -> Device:
    """A river gauge that nothing else feeds."""
    return instance.device("own-river", "river_level", "04897")


def test_a_file_of_ones_own_with_bad_rows(
    gauge: Device, operator: httpx2.Client, own_file: Callable[[str], Path]
) -> None:
    """What can be read is stored with its factor; what cannot is named by file and line, with exit code 1."""
    rows = ("2020-05-01,12.5", "2020-05-02,không đo", "2020-05-03,", "2020-05-04,13.25", "32/13,9", "2020-05-06,9999")
    file = own_file("\n".join(("Ngày,Mực nước (m)", *rows, "")))
    words = ["replay", str(file), "--feed", "river_level", "--device", gauge.id, "--time-column", "Ngày",
             "--column", "level_cm=Mực nước (m)*100", "--history"]  # fmt: skip
    done = gauge.instance.cli(*words)
    assert done.returncode == 1, done.stderr
    assert summary(done.stderr) == {"stored": 2, "duplicate": 0, "rejected": 1, "rows": 6, "empty": 1, "bad": 2}
    for line in (3, 6, 7):
        assert f"{file}:{line}: " in done.stderr
    assert "Traceback" not in done.stderr
    events = items(operator, "/api/v1/events", device=gauge.id)
    assert [(event["time"], event["data"]["level_cm"]) for event in reversed(events)] == [
        ("2020-04-30T17:00:00.000Z", 1250.0), ("2020-05-03T17:00:00.000Z", 1325.0),
    ]  # fmt: skip
    assert all("history" in event["flags"] for event in events)
    assert gauge.instance.cli(*words).returncode == 1


def test_shifted_readings_are_of_now_and_evaluated(
    instance: Instance, operator: httpx2.Client, own_file: Callable[[str], Path]
) -> None:
    """With --shift an old flood happens again: its alert opens now."""
    lake = instance.device("own-lake", "reservoir", "04795")
    file = own_file("time,gates\n2017-10-11T06:00:00Z,0\n2017-10-11T06:10:00Z,1\n2017-10-11T06:20:00Z,4\n")
    began = datetime.now(UTC)
    done = instance.cli("replay", str(file), "--feed", "reservoir", "--device", lake.id, "--column", "gates_open=gates",
                        "--speed", "0", "--shift")  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = wait_until(
        lambda: alerts if len(alerts := items(operator, "/api/v1/alerts", device=lake.id)) > 2 else None,
        what="the alerts",
    )
    told = {(alert["rule"], alert["severity"]) for alert in found}
    assert told == {
        ("reservoir.gates", "critical"), ("reservoir.gates-4", "critical"), ("reservoir.gates-ordered", "high"),
    }  # fmt: skip
    newest = items(operator, "/api/v1/events", device=lake.id)[0]
    assert newest["data"]["gates_open"] == 4
    assert abs(datetime.fromisoformat(newest["effective"]) - began) < timedelta(seconds=60)


def test_a_wrong_column_or_feed_is_a_usage_error(gauge: Device, own_file: Callable[[str], Path]) -> None:
    """Exit code 2 and what there is instead; nothing is sent."""
    file = str(own_file("time,mm\n2020-05-01,1\n"))
    base = ["replay", file, "--device", gauge.id, "--history"]
    missing = gauge.instance.cli(*base, "--feed", "river_level", "--column", "level_cm=cm")
    assert (missing.returncode, "mm" in missing.stderr) == (2, True), missing.stderr
    feedless = gauge.instance.cli(*base, "--feed", "no_such_feed", "--column", "level_cm=mm")
    assert feedless.returncode == 2, feedless.stderr
    assert "Traceback" not in missing.stderr + feedless.stderr
