"""Seventeen recorded years through the fold: the alert days are those that plain SQL finds in the same rows."""

from __future__ import annotations

import csv
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count, groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ioc.domain.alert import TransitionKind
from ioc.domain.event import Entry, EntryKind, Event, canonical, hash16
from ioc.packs.loader import load_pack
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state.memory import Memory

RECORD = Path(__file__).parents[4].parent / "shared" / "data" / "hydrology"
READ_AT = timedelta(hours=12)
"""19:00 in Việt Nam, when the observers' day ends."""
STEP = {
    "rule": "test.river-step", "title": {"vi": "Nước lên nhanh", "en": "Rising fast"}, "domain": "disaster",
    "feed": "river_level", "delta": "level_cm", "levels": [{"severity": "high", "when": "delta > 100.0"}],
    "summary": {"vi": "{device} +{delta} cm", "en": "{device} +{delta} cm"},
}  # fmt: skip
JUDGED = ("rain.24h", "reservoir.outlets", "reservoir.inflow")
FILES = {
    "rainfall": ("rainfall_mm_daily.csv", dict.fromkeys(("Hoa Binh", "Kim Boi", "Mai Chau"), "rain_24h_mm")),
    "river_level": ("water_level_cm_daily.csv", dict.fromkeys(("Hoa Binh", "Son Tay", "Ha Noi"), "level_cm")),
    "reservoir": ("hoa_binh_reservoir_daily.csv", {name: name for name in ("inflow_m3s", "bottom_outlet_m3s")}),
}
ABOVE_AND_BACK = """
SELECT device, day FROM reading r WHERE feed = :feed AND field = :field AND (
    SELECT p.value > :above FROM reading p
    WHERE p.feed = r.feed AND p.device = r.device AND p.field = r.field AND p.day <= r.day
      AND (p.value > :above OR p.value {back})
    ORDER BY p.day DESC LIMIT 1)
"""
"""The days on which it stood above, or had not come back since."""
RISEN = """
SELECT device, day FROM (
    SELECT device, day, value - lag(value) OVER (PARTITION BY device ORDER BY day) AS risen
    FROM reading WHERE feed = 'river_level') WHERE risen > 100
"""
OPENINGS = """
SELECT max(value) FROM (
    SELECT value, sum(begins) OVER (ORDER BY day) AS opening FROM (
        SELECT day, value, value > 0 AND coalesce(lag(value) OVER (ORDER BY day), 0) = 0 AS begins
        FROM reading WHERE field = 'bottom_outlet_m3s'))
WHERE value > 0 GROUP BY opening
"""
"""The highest release of each time that some water went through the bottom outlets."""
COUNT = "SELECT count(*) FROM reading WHERE field = :field AND value > :above AND device IN ('Hoa Binh', 'lake')"

pytestmark = pytest.mark.skipif(not RECORD.exists(), reason="the recorded years of Hòa Bình are not in shared/data")


def rows() -> list[tuple[date, str, str, dict[str, float]]]:
    """Return (day, feed, device, data) in the order of the days; the lake's columns are one device's fields."""
    found = []
    for feed, (name, columns) in FILES.items():
        with (RECORD / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                day = date.fromisoformat(row.get("Date") or row["date"])
                devices: dict[str, dict[str, float]] = defaultdict(dict)
                for column, field in columns.items():
                    if row[column].strip():
                        devices["lake" if feed == "reservoir" else column][field] = float(row[column])
                found += [(day, feed, device, data) for device, data in devices.items()]
    return sorted(found, key=lambda row: row[0])


@pytest.fixture(scope="module")
def record() -> list[tuple[date, str, str, dict[str, float]]]:
    """Every reading of the record."""
    return rows()


@pytest.fixture(scope="module")
def table(record: list[tuple[date, str, str, dict[str, float]]]) -> Iterator[sqlite3.Connection]:
    """The same rows as a table, in a database that is none of ours."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE reading (feed, device, field, day, value)")
    connection.executemany(
        "INSERT INTO reading VALUES (?, ?, ?, ?, ?)",
        [
            (feed, device, field, day.isoformat(), value)
            for day, feed, device, data in record
            for field, value in data.items()
        ],
    )
    connection.execute("CREATE INDEX by_day ON reading (feed, device, field, day)")
    yield connection
    connection.close()


class Played(NamedTuple):
    """What the fold made of the record."""

    days: dict[str, set[tuple[str, str]]]
    opened: Counter[str]


@pytest.fixture(scope="module")
def played(record: list[tuple[date, str, str, dict[str, float]]]) -> Played:
    """The record, folded."""
    pack = load_pack("hoabinh", shapes=False)
    bodies: list[dict[str, Any]] = [dict(rule.body) for rule in pack.rules if rule.id in JUDGED]
    rules, memory = RuleSet(pack.feeds, timezone=pack.zone), Memory()
    first = datetime.combine(record[0][0], datetime.min.time(), UTC)
    positions = count(1)
    for body in [*bodies, STEP]:
        value = {"body": body, "hash": hash16(canonical(body)).hex(), "version": 1}
        step(rules, memory, Entry(next(positions), first, EntryKind.RULE, subject=str(body["rule"]), value=value))
    assert not rules.refused
    days: dict[str, set[tuple[str, str]]] = defaultdict(set)
    opened: Counter[str] = Counter()
    for day, readings in groupby(record, key=lambda row: row[0]):
        now = datetime.combine(day, datetime.min.time(), UTC) + READ_AT
        devices = set()
        for _, feed, device, data in readings:
            position = next(positions)
            event = Event(feed, device, hash16(str(position).encode()), now, now, data=dict(data))
            said = step(rules, memory, Entry(position, now, EntryKind.EVENT, event=event))
            opened.update(made.rule for made in said if made.kind is TransitionKind.OPENED)
            devices.add(device)
        step(rules, memory, Entry(next(positions), now + timedelta(hours=2), EntryKind.TICK))
        for rule, key in memory.open_alerts():
            if key in devices:
                days[rule].add((key, day.isoformat()))
    return Played(days, opened)


@pytest.fixture(scope="module")
def alert_days(played: Played) -> dict[str, set[tuple[str, str]]]:
    """(device, day) by rule: the days on which the alert fires two hours after the device read."""
    return played.days


@pytest.fixture(scope="module")
def openings(played: Played) -> Counter[str]:
    """How often an alert of each rule opened."""
    return played.opened


@pytest.mark.parametrize(
    ("rule", "feed", "field", "above", "back"),
    [
        ("rain.24h", "rainfall", "rain_24h_mm", 100, "<= 100"),
        ("reservoir.outlets", "reservoir", "bottom_outlet_m3s", 200, "< 150"),
        ("reservoir.inflow", "reservoir", "inflow_m3s", 8_000, "< 7500"),
    ],
)
def test_alert_days_are_those_that_sql_finds(table, alert_days, rule, feed, field, above, back):
    found = table.execute(ABOVE_AND_BACK.format(back=back), {"feed": feed, "field": field, "above": above}).fetchall()
    assert len(found) > 20
    assert alert_days[rule] == set(found)


def test_of_the_openings_of_the_bottom_outlets_those_that_matter_are_alerts(table, openings):
    """Of 96 times with any water 45 never passed 200 m³/s; two releases began inside a trickle that went on."""
    peaks = [peak for (peak,) in table.execute(OPENINGS)]
    assert (len(peaks), sum(peak <= 200 for peak in peaks)) == (96, 45)
    assert openings["reservoir.outlets"] == 53


def test_steps_of_the_river_are_those_that_sql_finds(table, alert_days):
    found = table.execute(RISEN).fetchall()
    assert len(found) > 100
    assert alert_days["test.river-step"] == set(found)


def test_the_record_is_the_one_that_the_limits_were_set_by(table):
    """Rain above 100 mm on 23 days, inflow above 8,000 m³/s on 49 and above 12,000 on 3 (2000-2016)."""
    for field, above, days in (("rain_24h_mm", 100, 23), ("inflow_m3s", 8_000, 49), ("inflow_m3s", 12_000, 3)):
        assert table.execute(COUNT, {"field": field, "above": above}).fetchone() == (days,)
