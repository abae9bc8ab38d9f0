"""Roll-ups: merge a folded stretch of the log, derive hours and days, keep the newest values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

from ioc.domain.moment import LOCAL_ZONE
from ioc.errors import FencedError
from ioc.store import series_sql as sql
from ioc.store.engine import Connection, Database

CURSOR = "rollup"
STEP_5M = 300
STEP_1H = 3_600
STEP_1D = 86_400


class FoldedStretch(Protocol):
    """What the roll-up room hands over (its Fold), by shape."""

    series: dict[Any, Any]
    newest: dict[Any, Any]
    seen: dict[Any, Any]
    ledger: dict[Any, Any]
    revised: list[Any]


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
            for event in total.revised:
                await self._recompute(connection, event)
            await self._derive(connection, self._touched(total))

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

    async def _recompute(self, connection: Connection, event: Any) -> None:
        """A revision replaced an earlier reading: compute its 5-minute bucket again from the log."""
        start = _floor(event.effective, STEP_5M)
        await connection.execute(
            "DELETE FROM series WHERE device = $1 AND feed = $2 AND step = $3 AND bucket = $4",
            event.device,
            event.feed,
            STEP_5M,
            start,
        )
        await connection.execute(
            sql.RECOMPUTE, event.device, event.feed, start, start + timedelta(seconds=STEP_5M), STEP_5M
        )

    def _touched(self, total: FoldedStretch) -> list[tuple[str, str, str, datetime]]:
        keys = {(feed, device, name, _floor(bucket, STEP_1H)) for feed, device, name, bucket in total.series}
        keys |= {
            (event.feed, event.device, name, _floor(event.effective, STEP_1H))
            for event in total.revised
            for name in event.data
        }
        return sorted(keys)

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


def _floor(moment: datetime, seconds: int) -> datetime:
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, tz=moment.tzinfo)


def local_day(moment: datetime) -> datetime:
    """Return the moment at which the local day (Asia/Ho_Chi_Minh, no daylight saving) of ``moment`` begins."""
    local = moment.astimezone(LOCAL_ZONE)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(moment.tzinfo)
