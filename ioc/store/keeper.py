"""The keeper: partitions ahead of time, and what is past its time dropped. One pass is safe to repeat."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from ioc.clock import LogClock
from ioc.domain.event import UNTIMED
from ioc.errors import StoreUnavailableError
from ioc.store.engine import Database
from ioc.store.partitions import ONLY_PASSING, delete_old, drop_partitions, ensure_partitions

PASS_SECONDS = 600.0
RETRY_SECONDS = 5.0
CHANGE_DAYS = 14
DRILL_AHEAD = timedelta(days=40)
DRILL_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each kind of row is kept, in days."""

    event_days: int
    dead_letter_days: int
    outbound_days: int
    series_5m_days: int
    series_1h_days: int


class DrillBoard(Protocol):
    """A drill's clock, and the word up to when there are partitions: nobody steps it past that."""

    partitions_until: datetime

    def now(self) -> datetime:
        """Return the drill's time."""
        ...


class DrillKeeper:
    """Keeps a drill's partitions well ahead of its clock, which may pass a month in a second; drops nothing."""

    def __init__(self, *, database: Database, board: DrillBoard) -> None:
        self._database = database
        self._board = board

    async def run(self) -> None:
        """Make partitions whenever the clock has come near their end; an unreachable database is waited for."""
        while True:
            try:
                if self._board.partitions_until - self._board.now() < DRILL_AHEAD / 2:
                    await self.work()
            except StoreUnavailableError as error:
                structlog.get_logger().warning("keeper_waits", error=str(error))
            await asyncio.sleep(DRILL_POLL_SECONDS)

    async def work(self) -> None:
        """Do one pass, and say up to when the clock may go."""
        now = self._board.now()
        await ensure_partitions(self._database, now, days_ahead=DRILL_AHEAD.days)
        self._board.partitions_until = now + DRILL_AHEAD


class Keeper:
    """Works through its passes until cancelled."""

    def __init__(self, *, database: Database, log_clock: LogClock, retention: Retention) -> None:
        self._database = database
        self._log_clock = log_clock
        self._retention = retention

    async def run(self) -> None:
        """Do a pass every ten minutes; an unreachable database is waited for."""
        while True:
            try:
                await self.work(self._log_clock.now())
            except StoreUnavailableError as error:
                structlog.get_logger().warning("keeper_waits", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                await asyncio.sleep(PASS_SECONDS)

    async def work(self, now: datetime) -> None:
        """Do one pass."""
        keep_from = now - timedelta(days=self._retention.event_days)
        made = await ensure_partitions(self._database, now, keep_from=keep_from.date())
        dropped = await drop_partitions(self._database, table="event", before=keep_from.date())
        dropped += await drop_partitions(self._database, table="event_key", before=keep_from.date())
        # The default partitions hold what has no time or a strange one: old rows go by the time of the log.
        deleted = await delete_old(
            self._database, table="event_default", column="log_time", before=keep_from, only=ONLY_PASSING
        )
        deleted += await delete_old(self._database, table="event_key_default", column="log_time", before=keep_from)
        deleted += await delete_old(
            self._database,
            table="dead_letter",
            column="log_time",
            before=now - timedelta(days=self._retention.dead_letter_days),
        )
        deleted += await delete_old(
            self._database,
            table="outbound",
            column="closed_at",
            before=now - timedelta(days=self._retention.outbound_days),
        )
        deleted += await delete_old(
            self._database, table="change", column="log_time", before=now - timedelta(days=CHANGE_DAYS)
        )
        deleted += await self._trim_series(now)
        if made or dropped or deleted:
            structlog.get_logger().info("kept", partitions_made=made, dropped=dropped, deleted=deleted)

    async def _trim_series(self, now: datetime) -> int:
        deleted = 0
        for step, days in ((300, self._retention.series_5m_days), (3_600, self._retention.series_1h_days)):
            async with self._database.connection() as connection:
                status = await connection.execute(
                    "DELETE FROM series WHERE ctid = ANY(ARRAY("
                    "SELECT ctid FROM series WHERE step = $1 AND bucket < $2 LIMIT 10000))",
                    step,
                    max(now - timedelta(days=days), UNTIMED.astimezone(UTC)),
                )
            deleted += int(status.rsplit(" ", 1)[1])
        return deleted
