"""The keeper: partitions ahead of time, and what is past its time dropped. One pass is safe to repeat."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from ioc.domain.event import UNTIMED
from ioc.errors import StoreUnavailableError
from ioc.runtime.clock import LogClock
from ioc.runtime.liveness import TURN_SECONDS_MAX, Beat, no_beat
from ioc.runtime.metrics import Metrics
from ioc.store.log.partitions import ONLY_PASSING, delete_old, drop_partitions, ensure_partitions
from ioc.store.media.removal import trim_media
from ioc.store.operations.role_beats import FORGOTTEN_AFTER, forget_beats
from ioc.store.postgres.engine import Database
from ioc.store.quality.source_ledger import trim_ledgers
from ioc.store.registry.unknown_devices import IGNORED_FOR
from ioc.store.sessions.connect_refusals import KEPT_FOR

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
    media_days: int


class DrillBoard(Protocol):
    """A drill's clock, and the word up to when there are partitions: nobody steps it past that."""

    partitions_until: datetime

    def now(self) -> datetime:
        """Return the drill's time."""
        ...


class DrillKeeper:
    """Keeps a drill's partitions well ahead of its clock, which may pass a month in a second; drops nothing."""

    def __init__(self, *, database: Database, board: DrillBoard, beat: Beat = no_beat) -> None:
        self._database = database
        self._board = board
        self._beat = beat

    async def run(self) -> None:
        """Make partitions whenever the clock has come near their end; an unreachable database is waited for."""
        while True:
            self._beat()
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

    def __init__(
        self, *, database: Database, log_clock: LogClock, retention: Retention, metrics: Metrics, beat: Beat = no_beat
    ) -> None:
        self._database = database
        self._log_clock = log_clock
        self._retention = retention
        self._metrics = metrics
        self._beat = beat

    async def run(self) -> None:
        """Do a pass every ten minutes; an unreachable database is waited for."""
        while True:
            try:
                await self._watched(self.work(self._log_clock.now()))
            except StoreUnavailableError as error:
                structlog.get_logger().warning("keeper_waits", error=str(error))
                await self._rest(RETRY_SECONDS)
            else:
                await self._rest(PASS_SECONDS)

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        """Do a pass, and beat meanwhile: it is a chain of statements, each of which ends by its deadline."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                self._beat()
                await asyncio.wait({task}, timeout=TURN_SECONDS_MAX)
            await task
        finally:
            task.cancel()

    async def _rest(self, seconds: float) -> None:
        """Wait, and beat meanwhile."""
        while seconds > 0.0:
            self._beat()
            await asyncio.sleep(TURN_SECONDS_MAX)
            seconds -= TURN_SECONDS_MAX

    async def work(self, now: datetime) -> None:
        """Do one pass."""
        keep_from = now - timedelta(days=self._retention.event_days)
        made = await ensure_partitions(self._database, now, keep_from=keep_from.date())
        dropped = await drop_partitions(self._database, table="event", before=keep_from.date())
        dropped += await drop_partitions(self._database, table="event_key", before=keep_from.date())
        # Default partitions hold events without a usable time: delete old rows by their log time.
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
        # The readings that they speak of went with their partitions.
        deleted += await delete_old(self._database, table="manual_entry", column="log_time", before=keep_from)
        deleted += await delete_old(self._database, table="released_event", column="log_time", before=keep_from)
        deleted += await delete_old(self._database, table="letter_release", column="created_at", before=keep_from)
        deleted += await delete_old(self._database, table="person_data", column="log_time", before=keep_from)
        deleted += await delete_old(
            self._database, table="maintenance_window", column="ends_at", before=keep_from, only="due_at IS NULL"
        )
        deleted += await delete_old(
            self._database, table="silence", column="changed_at", before=keep_from, only="due_at IS NULL"
        )
        # What an event of the log has attached stays with it: this comes after the events.
        media = await trim_media(self._database, now, keep_days=self._retention.media_days)
        self._metrics.media_bytes.set(media.bytes)
        deleted += media.deleted
        # Dated by the wall, as the people are who ignored them; a drill drops nothing.
        deleted += await delete_old(
            self._database, table="ignored_device", column="ignored_at", before=now - IGNORED_FOR
        )
        deleted += await delete_old(self._database, table="connect_refusal", column="last_at", before=now - KEPT_FOR)
        deleted += await self._trim_series(now)
        deleted += await trim_ledgers(self._database, now)
        async with self._database.connection() as connection:
            await forget_beats(connection, now - FORGOTTEN_AFTER)
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
