"""The keeper makes partitions ahead and drops what is past its time; a second pass finds nothing to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from ioc.domain.event import EntryKind
from ioc.runtime.clock import SteppedLogClock
from ioc.runtime.metrics import Metrics
from ioc.store.log.event_log import EventLog
from ioc.store.log.partitions import ensure_partitions
from ioc.store.operations.keeper import Keeper, Retention
from ioc.store.postgres.engine import Database
from tests.builders import message

REGISTRY = (EntryKind.RULE, EntryKind.DEVICE, EntryKind.AREA, EntryKind.CALENDAR, EntryKind.LIMIT)


async def _partitions(database):
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT inhrelid AS oid, inhrelid::regclass::text AS name FROM pg_inherits")
    return {row["name"]: row["oid"] for row in rows}


@pytest.mark.parametrize("now", [datetime(2026, 11, 23, 13, tzinfo=UTC), datetime(2027, 5, 31, tzinfo=UTC)])
async def test_what_retention_would_drop_is_not_made(database_dsn, now):
    """The keeper once made a month's partition and dropped it again at every pass."""
    database = Database(database_dsn, name="test")
    await database.open()
    retention = Retention(
        event_days=90,
        dead_letter_days=30,
        outbound_days=30,
        series_5m_days=731,
        series_1h_days=3_653,
        media_days=365,
    )
    keeper = Keeper(
        database=database, log_clock=SteppedLogClock(now), retention=retention, metrics=Metrics(CollectorRegistry())
    )
    try:
        await keeper.work(now)
        first = await _partitions(database)
        await keeper.work(now)
        assert await _partitions(database) == first
        assert await ensure_partitions(database, now) > 0  # without retention in mind there would be more
    finally:
        await database.close()


async def test_retention_drops_readings_and_keeps_what_the_log_says_of_the_registry(database_dsn):
    """Whoever folds the kept log from its beginning must know every rule and device, however old their entries are."""
    database = Database(database_dsn, name="test")
    await database.open()
    log = EventLog(database)
    old, now = datetime(2026, 5, 1, 8, tzinfo=UTC), datetime(2026, 11, 23, 13, tzinfo=UTC)
    retention = Retention(
        event_days=90,
        dead_letter_days=30,
        outbound_days=30,
        series_5m_days=731,
        series_1h_days=3_653,
        media_days=365,
    )
    keeper = Keeper(
        database=database, log_clock=SteppedLogClock(now), retention=retention, metrics=Metrics(CollectorRegistry())
    )
    try:
        await ensure_partitions(database, old)
        for moment in (old, old + timedelta(days=20)):  # in a partition of its own, and in the default one
            await log.append([message(id=f"{moment:%d}")], moment)
            async with database.transaction() as connection:
                registry = [(kind, "x", {"version": 1}) for kind in REGISTRY]
                await log.append_entries(connection, [(EntryKind.TICK, "", None), *registry], moment)
        assert len(await log.read(0, old, 50)) == 2 * (2 + len(REGISTRY))
        await keeper.work(now)
        kept = await log.read(0, old, 50)
        assert [entry.kind for entry in kept] == [*REGISTRY, *REGISTRY]
        each = len(REGISTRY)  # behind a reading and a tick, both of which have gone
        assert [entry.position for entry in kept] == [*range(3, 3 + each), *range(5 + each, 5 + 2 * each)]
        assert all(entry.value == {"version": 1} for entry in kept)
        await keeper.work(now)
        assert await log.read(0, old, 50) == kept
    finally:
        await database.close()
