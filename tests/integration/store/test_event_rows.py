"""Rows written by hand are read by PostgreSQL as what was meant, whatever an event holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ioc.domain.event import UNTIMED, Flag
from ioc.domain.event_time import effective_time
from ioc.store.log import copy_rows as event_rows
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from tests.builders import NOON, message

OLD = NOON - timedelta(days=1)
VARIED = [
    message(id="1"),
    message(id=None, data={"tên": "Đập Hòa Bình", "n": None, "deep": {"a": [1, 2.5, True]}}),
    message(id="3", time=None, key_time=UNTIMED, flags=(Flag.ANONYMOUS,)),
    message(id="4", lat=20.81, lon=105.33, area="04795", zone="HB", flags=(Flag.SUSPECT, Flag.UNKNOWN_FIELD)),
    message(id="5", time=datetime(1970, 1, 1, tzinfo=UTC)),
    message(id="6", time=NOON + timedelta(minutes=9)),
    message(id="7", time=OLD, registered_at=NOON, received_at=NOON - timedelta(microseconds=1)),
    message(id="8", time=OLD, registered_at=NOON, flags=(Flag.HISTORY,)),
    message(id="ệ" * 200, time=datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), data={"text": "x" * 40_000}),
]


@pytest.fixture
async def log(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    yield EventLog(database)
    await database.close()


async def test_what_is_read_back_is_what_was_written(log):
    await log.append(VARIED, NOON)
    found = [entry.event for entry in await log.read(0, OLD, 100)]
    for event, given in zip(found, VARIED, strict=True):
        since = None if Flag.HISTORY in given.flags else given.registered_at
        effective, fault = effective_time(given.time, NOON, since)
        assert (event.effective, event.flags) == (effective, (*given.flags, *([fault] if fault else [])))
        for name in (
            "feed",
            "device",
            "key",
            "id",
            "time",
            "received_at",
            "data",
            "area",
            "zone",
            "lat",
            "lon",
            "door",
        ):
            assert getattr(event, name) == getattr(given, name), name
        assert event.revision == 0


async def test_a_field_in_the_wrong_place_is_seen(log, monkeypatch):
    """The control: were the columns in another order than the rows, the test above could not pass."""
    swapped = list(event_rows.COLUMNS)
    swapped[3], swapped[4] = swapped[4], swapped[3]
    monkeypatch.setattr("ioc.store.log.event_log.COLUMNS", tuple(swapped))
    await log.append([message(id="6", time=NOON + timedelta(minutes=9))], NOON)
    [entry] = await log.read(0, OLD, 10)
    assert entry.event.time != NOON + timedelta(minutes=9)
