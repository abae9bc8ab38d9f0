"""How far a reader is behind is asked of the log: one that stands still cannot hide it, and calm is no lag."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from ioc.domain.event import EntryKind
from ioc.store.log.event_log import EventLog
from ioc.store.log.partitions import ensure_partitions
from ioc.store.operations.cursor_lag import cursor_lags
from ioc.store.postgres.engine import Database

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
CURSORS = "INSERT INTO cursor (name, position, log_time) SELECT name, $1, $2 FROM unnest($3::text[]) AS name"


@pytest.fixture
async def log(database_dsn: str) -> AsyncIterator[tuple[Database, EventLog]]:
    database = Database(database_dsn, name="test", connections_max=2)
    await database.open()
    await ensure_partitions(database, NOW)
    try:
        yield database, EventLog(database)
    finally:
        await database.close()


async def tick(database: Database, log: EventLog, at: datetime) -> None:
    async with database.transaction() as connection:
        await log.append_entries(connection, [(EntryKind.TICK, "", None)], at)


async def test_the_lag_is_the_age_of_the_oldest_entry_that_is_not_read(log: tuple[Database, EventLog]):
    database, events = log
    await tick(database, events, NOW)
    position, log_time = await events.head()
    async with database.connection() as connection:
        await connection.execute(CURSORS, position, log_time, ["rules", "rollup"])
        assert await cursor_lags(connection, NOW + timedelta(hours=1)) == {"rules": 0.0, "rollup": 0.0}
    for seconds in (3_600, 3_605, 3_609):  # an hour of calm, then three entries that rules do not read
        await tick(database, events, NOW + timedelta(seconds=seconds))
    head, head_time = await events.head()
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE cursor SET position = $1, log_time = $2 WHERE name = 'rollup'", head, head_time
        )
        lags = await cursor_lags(connection, NOW + timedelta(seconds=3_610))
    assert lags == {"rules": 10.0, "rollup": 0.0}, "not the hour before"
