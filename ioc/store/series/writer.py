"""Roll-ups: merge a folded stretch of the log, derive hours and days, keep the newest values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

from ioc.domain.moment import LOCAL_ZONE
from ioc.errors import FencedError
from ioc.store.postgres.engine import Connection, Database
from ioc.store.quality.source_ledger import leave_accounts, merge_sources
from ioc.store.series import statements as sql

CURSOR = "rollup"
STEP_5M = 300
STEP_1H = 3_600
STEP_1D = 86_400
LATEST_AGE_MAX = timedelta(days=31)
"""How far back a newest value is looked for where the one that stood was taken back."""
Hour = tuple[str, str, str, datetime]
"""(feed, device, field, its beginning)."""


class FoldedStretch(Protocol):
    """What the roll-up room hands over (its Fold), by shape."""

    series: dict[Any, Any]
    newest: dict[Any, Any]
    seen: dict[Any, Any]
    ledger: dict[Any, Any]
    sources: dict[Any, Any]
    revised: list[Any]
    removal: Any


class SeriesStore:
    """The roll-up tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cursor(self) -> tuple[int, datetime]:
        """Return the position (and its log_time) up to which everything is merged."""
        async with self._database.connection() as connection:
            await connection.execute(sql.START_CURSOR, CURSOR)
            row = await connection.fetchrow("SELECT position, log_time FROM cursor WHERE name = $1", CURSOR)
        return row["position"], row["log_time"]

    async def merge(self, total: FoldedStretch, *, after: int, position: int, log_time: datetime) -> None:
        """Merge a stretch and move the cursor in one transaction.

        Raises:
            FencedError: another worker moved the cursor; nothing was merged.
        """
        async with self._database.transaction() as connection:
            status = await connection.execute(sql.MOVE_CURSOR, CURSOR, after, position, log_time)
            if status != "UPDATE 1":
                raise FencedError(f"the roll-up cursor is no longer at {after}")
            await self._merge_series(connection, total)
            await self._merge_newest(connection, total)
            await merge_sources(connection, total.sources)
            touched = _touched(total)
            for entry in total.revised:
                touched |= await self._recompute(connection, entry, position)
            await self._derive(connection, sorted(touched))
            if total.removal is not None:
                await self._forget(connection, total.removal)

    async def _merge_series(self, connection: Connection, total: FoldedStretch) -> None:
        rows = [
            (*key[:3], STEP_5M, key[3], b.n, b.total, b.low, b.high, b.first, b.first_at, b.last, b.last_at)
            for key, b in sorted(total.series.items())
        ]
        if rows:
            await connection.execute(sql.MERGE_SERIES, *[list(column) for column in zip(*rows, strict=True)])
        counts = [
            (feed, bucket, c.stored, c.late, c.suspect, c.clock_fault)
            for (feed, bucket), c in sorted(total.ledger.items())
        ]
        if counts:
            await connection.execute(sql.MERGE_LEDGER, *[list(column) for column in zip(*counts, strict=True)])

    async def _merge_newest(self, connection: Connection, total: FoldedStretch) -> None:
        newest = [
            (*key, n.value, n.effective, n.log_time, n.position, ",".join(n.flags))
            for key, n in sorted(total.newest.items())
        ]
        if newest:
            await connection.execute(sql.MERGE_LATEST, *[list(column) for column in zip(*newest, strict=True)])
        seen = [
            (device, feed, s.effective, s.log_time, s.position, s.events, s.late)
            for (device, feed), s in sorted(total.seen.items())
        ]
        if seen:
            await connection.execute(sql.MERGE_SEEN, *[list(column) for column in zip(*seen, strict=True)])

    async def _forget(self, connection: Connection, removal: Any) -> None:
        """A device left the registry: whoever is registered under its name later begins anew. Its charts stay."""
        device = await connection.fetchval(sql.REMOVED, removal.position, removal.log_time)
        await connection.execute(sql.FORGET_SEEN, device)
        await connection.execute(sql.FORGET_NEWEST, device)
        await leave_accounts(connection, device)

    async def _recompute(self, connection: Connection, entry: Any, position: int) -> set[Hour]:
        """A revision replaced an earlier reading: compute its 5-minute bucket again from the log.

        Return the hours that must be derived again, those included of fields that the revision no longer has. A newest
        value that it no longer says is again that of the reading before.
        """
        event = entry.event
        start, hour = _floor(event.effective, STEP_5M), _floor(event.effective, STEP_1H)
        fields = await connection.fetch(
            sql.CLEAR_BUCKETS, event.device, event.feed, STEP_5M, start, STEP_1H, hour, STEP_1D, local_day(hour)
        )
        await connection.execute(
            sql.RECOMPUTE, event.device, event.feed, start, start + timedelta(seconds=STEP_5M), STEP_5M, position
        )
        since = event.effective - LATEST_AGE_MAX
        for row in await connection.fetch(sql.FORGET_LATEST, entry.position, entry.log_time):
            await connection.execute(sql.RESTORE_LATEST, event.device, event.feed, row["field"], position, since)
        names = {row["field"] for row in fields} | set(event.data)
        return {(event.feed, event.device, name, hour) for name in names}

    async def _derive(self, connection: Connection, hours: Iterable[tuple[str, str, str, datetime]]) -> None:
        """Compute the touched hours from their 5-minute buckets, then the touched local days from their hours."""
        hours = list(hours)
        if not hours:
            return
        days = sorted({(feed, device, name, local_day(hour)) for feed, device, name, hour in hours})
        for step, below, keys in ((STEP_1H, STEP_5M, hours), (STEP_1D, STEP_1H, days)):
            await connection.execute(
                sql.DERIVE, *[list(column) for column in zip(*keys, strict=True)], step, below,
                timedelta(seconds=step),
            )  # fmt: skip


def _touched(total: FoldedStretch) -> set[Hour]:
    """Return the hours of which a bucket was merged."""
    return {(feed, device, name, _floor(bucket, STEP_1H)) for feed, device, name, bucket in total.series}


def _floor(moment: datetime, seconds: int) -> datetime:
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, tz=moment.tzinfo)


def local_day(moment: datetime) -> datetime:
    """Return the moment at which the local day (Asia/Ho_Chi_Minh, no daylight saving) of ``moment`` begins."""
    local = moment.astimezone(LOCAL_ZONE)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(moment.tzinfo)
