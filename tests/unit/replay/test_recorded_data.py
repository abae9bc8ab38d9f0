"""The recorded files of ../shared/data, with the commands of docs/replay.md. Skipped by name where they are absent."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from ioc.replay import ReplayOptions, replay
from ioc.replay.mapping import resolve_columns
from ioc.replay.reading import BadRow, RecordedReading, RecordReader, find_time_column
from ioc.replay.source import RecordSource

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"
DOCUMENT = ROOT / "docs" / "replay.md"


def _commands():
    """Return (file, feed, columns, time column) of each command in the document that reads ../shared/data."""
    found = []
    text = DOCUMENT.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^\s+(ioc replay \.\./shared/data/.*)$", text, re.MULTILINE):
        words = shlex.split(line)
        options = list(pairwise(words))
        columns = tuple(value for name, value in options if name == "--column")
        named = dict(options)
        found.append((words[2].removeprefix("../shared/data/"), named["--feed"], columns, named.get("--time-column")))
    return found


COMMANDS = _commands()


def _reader(name, columns, time_column):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"../shared/data/{name} is absent")
    source = RecordSource(path)
    return RecordReader(
        source, resolve_columns(columns, source.columns, strict=True), find_time_column(time_column, source.columns)
    )


def test_the_document_shows_every_kind_of_recorded_file():
    assert {name.split("/")[0] for name, *_ in COMMANDS} == {"hydrology", "air", "traffic"}
    assert {feed for _, feed, *_ in COMMANDS} == {
        "rainfall",
        "river_level",
        "reservoir",
        "air_quality",
        "traffic_flow",
    }


@pytest.mark.parametrize(("name", "feed", "columns", "time_column"), COMMANDS)
def test_the_documented_command_reads_every_row_of_its_file(name, feed, columns, time_column):
    items = list(_reader(name, columns, time_column).readings())
    readings = [item for item in items if isinstance(item, RecordedReading)]
    assert [item for item in items if isinstance(item, BadRow)] == []
    assert len(readings) > 0.5 * len(items)
    fields = {text.partition("=")[0] for text in columns}
    assert {field for reading in readings for field in reading.values} == fields


def _largest(name, column, field):
    readings = _reader(name, (column,), None).readings()
    return max(
        (item for item in readings if isinstance(item, RecordedReading)),
        key=lambda item: float(str(item.values[field])),
    )


def test_the_wettest_day_on_record_is_read_as_recorded():
    wettest = _largest("hydrology/rainfall_mm_daily.csv", "rain_24h_mm=Hoa Binh", "rain_24h_mm")
    assert wettest.values["rain_24h_mm"] == pytest.approx(240, abs=1)
    assert (wettest.moment.year, wettest.moment.month) in {(2000, 9), (2005, 9)}


def test_the_flood_of_august_2002_is_read_as_recorded():
    highest = _largest("hydrology/water_level_cm_daily.csv", "level_cm=Hoa Binh", "level_cm")
    assert highest.values["level_cm"] == pytest.approx(2120, abs=5)
    assert (highest.moment.year, highest.moment.month) == (2002, 8)


def test_gaps_in_the_air_record_are_missing_and_not_zero():
    readings = [
        item
        for item in _reader("air/hanoi_2025_may.csv", ("pm2_5=pm25", "pm10=pm10"), None).readings()
        if isinstance(item, RecordedReading)
    ]
    assert any("pm10" not in reading.values for reading in readings)
    assert all(reading.values.get("pm2_5") != 0 for reading in readings[:5])


async def test_a_recorded_month_goes_through_a_door_and_again_as_duplicates(door, heard):
    path = DATA / "air" / "hanoi_2025_may.csv"
    if not path.exists():
        pytest.skip("../shared/data/air/hanoi_2025_may.csv is absent")
    options = ReplayOptions(
        file=path,
        feed="air_quality",
        device="aq-hb-01",
        columns=("pm2_5=pm25", "temperature_c=temperature"),
        url=door.url,
        key="k",
        history=True,
    )
    first = await replay(options, report=heard)
    second = await replay(options, report=heard)
    assert first.exit_code == 0
    assert first.stored > 600
    assert (second.stored, second.duplicate) == (0, first.stored)
