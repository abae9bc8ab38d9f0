"""The keeper makes partitions ahead and drops what is past its time; a second pass finds nothing to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ioc.clock import SteppedLogClock
from ioc.store.engine import Database
from ioc.store.keeper import Keeper, Retention
from ioc.store.partitions import ensure_partitions


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
        event_days=90, dead_letter_days=30, outbound_days=30, series_5m_days=731, series_1h_days=3_653
    )
    keeper = Keeper(database=database, log_clock=SteppedLogClock(now), retention=retention)
    try:
        await keeper.work(now)
        first = await _partitions(database)
        await keeper.work(now)
        assert await _partitions(database) == first
        assert await ensure_partitions(database, now) > 0  # without retention in mind there would be more
    finally:
        await database.close()
