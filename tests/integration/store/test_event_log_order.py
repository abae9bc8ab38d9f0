"""Positions are in commit order: a reader by position skips nothing. Without the lock it does (must fail)."""

from __future__ import annotations

import asyncio
import random
import re
from datetime import timedelta

import pytest

from ioc.store.log import statements as event_log_sql
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from tests.builders import NOON, message

WRITERS = 6
BATCHES = 25


async def race(dsn: str) -> tuple[int, int]:
    """Write from several connections while one reader follows; return (stored, seen by the reader)."""
    database = Database(dsn, name="race", connections_max=WRITERS + 2)
    await database.open()
    log = EventLog(database)
    seen: list[int] = []
    done = asyncio.Event()

    async def write(writer: int) -> None:
        rng = random.Random(writer)
        for number in range(BATCHES):
            batch = [message(f"d{writer}", id=f"{number}-{n}") for n in range(rng.randint(1, 40))]
            await log.append(batch, NOON)
            await asyncio.sleep(rng.random() / 200)

    async def read() -> None:
        position = 0
        while True:
            last_round = done.is_set()
            entries = await log.read(position, NOON - timedelta(days=1), 500)
            seen.extend(entry.position for entry in entries)
            position = entries[-1].position if entries else position
            if last_round and not entries:
                return
            await asyncio.sleep(0)

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(writer) for writer in range(WRITERS)))
    done.set()
    await reader
    async with database.connection() as connection:
        stored = await connection.fetchval("SELECT count(*) FROM event")
    await database.close()
    assert len(seen) == len(set(seen))
    return stored, len(seen)


async def test_a_reader_by_position_sees_every_event(database_dsn):
    stored, seen = await race(database_dsn)
    assert stored > 500
    assert seen == stored


async def test_without_the_lock_a_reader_skips_events(database_dsn, monkeypatch):
    """The must-fail mutant: positions from a plain sequence, taken before the commit, no head lock."""
    database = Database(database_dsn, name="mutant")
    await database.open()
    async with database.connection() as connection:
        await connection.execute("CREATE SEQUENCE mutant_position INCREMENT BY 100")
    await database.close()
    unlocked, replaced = re.subn(
        r"UPDATE log_head .*? RETURNING [^)]*",
        "SELECT nextval('mutant_position') + $4::bigint * 0 AS before, '2020-01-01 00:00+00'::timestamptz AS log_time, "
        "$5::timestamptz AS x, pg_sleep(random() / 100)",
        event_log_sql.CLAIM, flags=re.DOTALL,
    )  # fmt: skip
    assert replaced == 1
    monkeypatch.setattr(event_log_sql, "CLAIM", unlocked)
    skipped = 0
    for _ in range(3):
        stored, seen = await race(database_dsn)
        skipped += stored - seen
        if skipped:
            break
    if not skipped:
        pytest.fail("the mutant skipped nothing: this test proves nothing")
