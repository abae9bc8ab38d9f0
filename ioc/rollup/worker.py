"""The roll-up worker: reads the log by cursor, folds, merges.

Cursor and sums commit together, so each event counts once, whatever dies in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import structlog

from ioc.domain.event import Entry
from ioc.domain.feed import FeedSpec
from ioc.errors import StoreUnavailableError
from ioc.rollup.fold import SeriesFold, fold, stretches
from ioc.runtime.liveness import TURN_SECONDS_MAX, Beat, no_beat
from ioc.runtime.waiter import Waiter

CHUNK = 2_000
RETRY_SECONDS = 1.0


class LogReader(Protocol):
    """The log, read by cursor."""

    async def read_values(self, after: int, after_time: datetime, limit: int) -> list[Entry]:
        """Return entries after a position, in order, with what their events say."""
        ...


class SeriesStore(Protocol):
    """Where the sums go."""

    async def cursor(self) -> tuple[int, datetime]:
        """Return the position (and its log_time) up to which everything is merged."""
        ...

    async def merge(self, total: SeriesFold, *, after: int, position: int, log_time: datetime) -> None:
        """Merge a stretch and move the cursor from ``after`` to ``position`` in one transaction."""
        ...


class RollupWorker:
    """Folds the log into series until cancelled."""

    def __init__(
        self, *, reader: LogReader, store: SeriesStore, feeds: Mapping[str, FeedSpec], waiter: Waiter,
        flush_seconds: float, beat: Beat = no_beat,
    ) -> None:  # fmt: skip
        self._reader = reader
        self._store = store
        self._feeds = feeds
        self._waiter = waiter
        self._flush_seconds = flush_seconds
        self._beat = beat

    async def run(self) -> None:
        """Work until cancelled; an unreachable database is waited for."""
        position, log_time = await self._first_cursor()
        while True:
            self._beat()
            try:
                entries = await self._reader.read_values(position, log_time, CHUNK)
                for stretch in stretches(entries):
                    last = stretch[-1]
                    await self._store.merge(
                        fold(stretch, self._feeds), after=position, position=last.position, log_time=last.log_time
                    )
                    position, log_time = last.position, last.log_time
            except StoreUnavailableError as error:
                structlog.get_logger().warning("rollup_waits", error=str(error))
                await self._waiter.wait(RETRY_SECONDS)
                position, log_time = await self._first_cursor()
                continue
            if len(entries) < CHUNK:
                # Flushes are spaced: one merge a second costs the same for one event as for two thousand.
                await self._rest(self._flush_seconds)
                self._beat()
                await self._waiter.wait(TURN_SECONDS_MAX)

    async def _rest(self, seconds: float) -> None:
        """Wait, and beat meanwhile."""
        while seconds > 0.0:
            self._beat()
            await asyncio.sleep(min(seconds, TURN_SECONDS_MAX))
            seconds -= TURN_SECONDS_MAX

    async def _first_cursor(self) -> tuple[int, datetime]:
        while True:
            self._beat()
            try:
                return await self._store.cursor()
            except StoreUnavailableError as error:
                structlog.get_logger().warning("rollup_waits", error=str(error))
                await self._waiter.wait(RETRY_SECONDS)
