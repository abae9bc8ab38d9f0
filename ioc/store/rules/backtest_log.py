"""The log as a backtest reads it: the events of some feeds and what the registry said, in pieces of bounded size.

By stretches of positions, not through a server-side cursor: a cursor over ten million events would hold one snapshot
for minutes, and every table that changes many times a second would grow meanwhile. A stretch that holds nothing for
these feeds is passed over by the index, and no row of it is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from ioc.domain.event import Entry, EntryKind, Event, Flag
from ioc.errors import StoreUnavailableError
from ioc.store.postgres.engine import Database

STRETCH = 1_000
"""Positions read at once. PostgreSQL reads for a live alert and for a backtest alike, so the longer it reads for this
one, the longer that one waits: 8,000 took it 25 ms, and a live alert's p95 was half as high again."""
REST_SHARE = 0.2
"""How long it rests after each stretch, in shares of the time that reading and folding it took."""
OUTAGES_MAX = 100_000
ATTEMPTS = 20
RETRY_SECONDS = 1.0
"""A server that restarts is waited for; reading a stretch again harms nothing."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

STRETCH_OF = """
SELECT position, log_time, kind, key, feed, device, effective, data, flags, area, zone, lat, lon, revision, subject
FROM event
WHERE position > $1 AND position <= $2 AND log_time >= $3
  AND CASE WHEN kind = 'event'
           THEN feed = ANY($4) AND ($5::text[] IS NULL OR device = ANY($5)) AND NOT flags @> '{history}'
           ELSE kind IN ('gap', 'device', 'area', 'calendar') END
ORDER BY position
"""
REGISTRY = """
SELECT position, log_time, kind, subject, data FROM event
WHERE kind <> 'event' AND kind IN ('device', 'area', 'calendar') AND position > $1 AND position <= $2
ORDER BY position LIMIT 2000
"""
LIMITS = """
SELECT DISTINCT ON (subject) position, log_time, kind, subject, data FROM event WHERE kind = 'limit'
ORDER BY subject, position DESC
"""
IN_FORCE = """
SELECT DISTINCT ON (subject) subject, data FROM event WHERE kind = 'rule' ORDER BY subject, position DESC
"""
LAST_TICK = """
SELECT max(log_time) FROM (
    (SELECT log_time FROM event WHERE kind = 'tick' AND position <= $1 ORDER BY position DESC LIMIT 1)
    UNION ALL (SELECT log_time FROM event WHERE kind = 'gap' AND position <= $1 ORDER BY position DESC LIMIT 1)
) AS newest
"""
GAPS = """
SELECT position FROM event WHERE kind = 'gap' AND position > $1 AND position <= $2 ORDER BY position LIMIT $3
"""
AT_OR_AFTER = "SELECT position, log_time FROM event WHERE position >= $1 ORDER BY position LIMIT 1"
HISTORY = """
SELECT position, log_time, kind, key, feed, device, effective, data, flags, area, zone, lat, lon, revision, subject
FROM event
WHERE feed = $1 AND effective >= $2 AND effective < $3 AND (effective, position) > ($2, $4)
  AND kind = 'event' AND flags @> '{history}' AND ($5::text[] IS NULL OR device = ANY($5))
ORDER BY effective, position LIMIT $6
"""
COUNT_HISTORY = """
SELECT count(*) FROM event
WHERE feed = ANY($1) AND effective >= $2 AND effective < $3 AND kind = 'event' AND flags @> '{history}'
"""


class BacktestLog:
    """Reads one database's log for one backtest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def head(self) -> tuple[int, datetime]:
        """Return the last position and its log_time."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow("SELECT position, log_time FROM log_head WHERE id = 1")
        return row["position"], row["log_time"]

    async def position_before(self, moment: datetime) -> int:
        """Return the last position whose log_time is before ``moment``; 0: there is none.

        log_time rises with the position, so halving finds it in some twenty looks at the primary key.
        """
        async with self._database.connection() as connection:
            low, high = 0, int(await connection.fetchval("SELECT position FROM log_head WHERE id = 1"))
            while low < high:
                middle = (low + high + 1) // 2
                row = await connection.fetchrow(AT_OR_AFTER, middle)
                if row is not None and row["log_time"] < moment:
                    low = max(middle, min(row["position"], high))
                else:
                    high = middle - 1
        return low

    async def log_time_after(self, position: int) -> datetime | None:
        """Return the log_time of the first entry after a position; None: there is none."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(AT_OR_AFTER, position + 1)
        return None if row is None else row["log_time"]

    async def rules_in_force(self) -> dict[str, dict[str, Any]]:
        """Return each rule that the log has in force now, by id: its body, hash and version."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(IN_FORCE)
        return {
            row["subject"]: row["data"]
            for row in rows
            if row["data"] is not None and row["data"]["body"].get("enabled", True)
        }

    async def rule(self, identifier: str) -> dict[str, Any] | None:
        """Return the newest form of a rule that the log has, also of one that is switched off; None: it has none."""
        async with self._database.connection() as connection:
            found: dict[str, Any] | None = await connection.fetchval(
                "SELECT data FROM event WHERE kind = 'rule' AND subject = $1 AND data IS NOT NULL "
                "ORDER BY position DESC LIMIT 1",
                identifier,
            )
        return found

    async def registry(self, until: int) -> AsyncIterator[Entry]:
        """Yield what the log says of devices, areas and the calendar up to a position, in order."""
        after = 0
        while True:
            async with self._database.connection() as connection:
                rows = await connection.fetch(REGISTRY, after, until)
            for row in rows:
                yield _registry_entry(row)
            if not rows:
                return
            after = rows[-1]["position"]

    async def limits(self) -> list[Entry]:
        """Return the limits by device, class and area that the log has now: they say themselves when they are valid."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(LIMITS)
        return [_registry_entry(row) for row in rows if row["data"] is not None]

    async def last_tick(self, until: int) -> datetime | None:
        """Return the log_time of the last tick or gap up to a position."""
        async with self._database.connection() as connection:
            found: datetime | None = await connection.fetchval(LAST_TICK, until)
        return found

    async def outages(self, after: int, until: int) -> list[tuple[datetime | None, int]]:
        """Return the gap entries of a stretch, each with the log_time of the tick or gap before it (None: none)."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(GAPS, after, until, OUTAGES_MAX)
            return [(await connection.fetchval(LAST_TICK, row["position"] - 1), row["position"]) for row in rows]

    async def read(
        self, after: int, until: int, *, feeds: Sequence[str], devices: Sequence[str] | None
    ) -> AsyncIterator[tuple[int, list[Entry]]]:
        """Yield (position read up to, entries) of stretch after stretch.

        Yields events of ``feeds`` (and ``devices``, None: all), what the registry said, and gaps. No imported history.
        One after the other: reading ahead while a stretch is folded would take a second processor from what is live.
        """
        names, chosen = sorted(feeds), None if devices is None else sorted(devices)
        after_time, loop = BEGINNING, asyncio.get_running_loop()
        while after < until:
            began = loop.time()
            end = min(after + STRETCH, until)
            rows = await self._stretch(after, end, after_time, names, chosen)
            if rows:
                after_time = rows[-1]["log_time"]
            yield end, [_entry(row) for row in rows]
            after = end
            await asyncio.sleep((loop.time() - began) * REST_SHARE)

    async def _stretch(
        self, after: int, until: int, after_time: datetime, feeds: list[str], devices: list[str] | None
    ) -> list[asyncpg.Record]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._database.connection() as connection:
                    rows: list[asyncpg.Record] = await connection.fetch(
                        STRETCH_OF, after, until, after_time, feeds, devices
                    )
            except StoreUnavailableError:
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return rows
        raise AssertionError("the last attempt returns or raises")

    async def count_history(self, feeds: Sequence[str], start: datetime, end: datetime) -> int:
        """Return how many imported events of ``feeds`` have their effective time in [start, end)."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(COUNT_HISTORY, sorted(feeds), start, end))

    async def history(
        self, feed: str, start: datetime, end: datetime, *, devices: Sequence[str] | None
    ) -> AsyncIterator[Entry]:
        """Yield the imported events of a feed by effective time, as if each had come in at its own time."""
        position, chosen = -1, None if devices is None else sorted(devices)
        while True:
            async with self._database.connection() as connection:
                rows = await connection.fetch(HISTORY, feed, start, end, position, chosen, STRETCH)
            for row in rows:
                yield _imported_entry(row)
            if len(rows) < STRETCH:
                return
            start, position = rows[-1]["effective"], rows[-1]["position"]


def _entry(row: asyncpg.Record) -> Entry:
    """Return a row of a stretch as the fold wants it. What no rule asks for stays in the log."""
    position, log_time, kind, key, feed, device, effective, data, flags, area, zone, lat, lon, revision, subject = row
    if kind != "event":
        return Entry(position, log_time, EntryKind(kind), subject=subject, value=data)
    event = Event(
        feed, device, key, effective, log_time, data, None, None, lat, lon, area, zone, tuple(flags), revision
    )
    return Entry(position, log_time, EntryKind.EVENT, event)


def _imported_entry(row: asyncpg.Record) -> Entry:
    flags = tuple(flag for flag in row["flags"] if flag != Flag.HISTORY)
    moment = row["effective"]
    event = Event(
        row["feed"], row["device"], row["key"], moment, moment, row["data"], None, None, row["lat"], row["lon"],
        row["area"], row["zone"], flags, row["revision"],
    )  # fmt: skip
    return Entry(row["position"], moment, EntryKind.EVENT, event)


def _registry_entry(row: asyncpg.Record) -> Entry:
    kind = EntryKind(row["kind"])
    return Entry(row["position"], row["log_time"], kind, subject=row["subject"], value=row["data"])
