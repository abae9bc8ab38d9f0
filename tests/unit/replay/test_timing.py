"""Recorded times: read in their form, and moved to now when that is asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from ioc.errors import InvalidInputError
from ioc.replay.mapping import ColumnMapping
from ioc.replay.reading import RecordReader, find_time_column, read_time
from ioc.replay.source import RecordSource
from ioc.replay.timing import plan_timing

NOW = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "time_format", "moment"),
    [
        ("2017-10-10", None, datetime(2017, 10, 9, 17, tzinfo=UTC)),
        ("2025-05-01T00:01:05.095138+07:00", None, datetime(2025, 4, 30, 17, 1, 5, 95138, tzinfo=UTC)),
        ("10/10/2017 19:00", "%d/%m/%Y %H:%M", datetime(2017, 10, 10, 12, tzinfo=UTC)),
        ("10/10/2017 19:00 +0000", "%d/%m/%Y %H:%M %z", datetime(2017, 10, 10, 19, tzinfo=UTC)),
        ("1507593600", "epoch", datetime(2017, 10, 10, tzinfo=UTC)),
        (1507593600000, "epoch_ms", datetime(2017, 10, 10, tzinfo=UTC)),
    ],
)
def test_reads_a_time_naive_means_vietnam(cell, time_format, moment):
    assert read_time(cell, time_format) == moment


@pytest.mark.parametrize(
    ("cell", "time_format"), [("", None), ("soon", None), ("1e99", "epoch"), ("nan", "epoch"), ("2017", "%d/%m")]
)
def test_what_is_no_time_is_a_value_error(cell, time_format):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the words, the row is bad
        read_time(cell, time_format)


def test_finds_the_usual_time_columns_and_asks_when_there_is_none():
    assert find_time_column(None, ("Date", "a")) == "Date"
    assert find_time_column(None, ("city", "timestamp")) == "timestamp"
    assert find_time_column("when", ("when", "time")) == "when"
    with pytest.raises(InvalidInputError, match="which column"):
        find_time_column(None, ("a", "b"))
    with pytest.raises(InvalidInputError, match="no column"):
        find_time_column("when", ("a", "b"))


@pytest.fixture
def reader(tmp_path):
    """Three hours and, out of order, the hour before the last."""
    path = tmp_path / "a.csv"
    path.write_text(
        "time,a\n2025-05-01T00:00:00Z,1\n2025-05-01T01:00:00Z,2\n2025-05-01T03:00:00Z,3\n2025-05-01T02:00:00Z,4\n"
    )
    return RecordReader(RecordSource(path), (ColumnMapping("a", "a"),), "time")


def _plan(reader, **how):
    timing = plan_timing(reader, speed=60, now=NOW, **how)
    assert timing is not None
    return timing


def _times(reader, timing):
    return [timing.time(reading) for reading in reader.readings()]


def test_without_shift_the_recorded_times_are_carried(reader):
    timing = _plan(reader, paced=True, shift=False)
    assert _times(reader, timing)[0] == datetime(2025, 5, 1, tzinfo=UTC)
    assert [timing.due_seconds(reading) for reading in reader.readings()] == [0, 60, 180, 120]


def test_paced_and_shifted_each_reading_carries_the_time_of_its_turn(reader):
    timing = _plan(reader, paced=True, shift=True)
    assert _times(reader, timing) == [NOW + timedelta(minutes=minute) for minute in (0, 1, 3, 2)]


def test_unpaced_and_shifted_the_latest_is_now_and_the_spacing_stays(reader):
    timing = _plan(reader, paced=False, shift=True)
    assert _times(reader, timing) == [NOW - timedelta(hours=hour) for hour in (3, 2, 0, 1)]
    assert {timing.due_seconds(reading) for reading in reader.readings()} == {0.0}
