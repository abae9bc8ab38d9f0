"""The roll-up worker: reads the log by cursor, folds, merges.

Cursor and sums commit together, so each event counts once, whatever dies in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import structlog

from ioc.clock import LogClock
from ioc.domain.event import Entry
from ioc.domain.feed import FeedSpec
from ioc.errors import StoreUnavailableError
from ioc.metrics import Metrics
from ioc.rollup.fold import Fold, fold

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

    async def merge(self, total: Fold, *, after: int, position: int, log_time: datetime) -> None:
        """Merge a stretch and move the cursor from ``after`` to ``position`` in one transaction."""
        ...


class Waiter(Protocol):
    """Something that wakes when there is more to read."""

    async def wait(self, timeout_seconds: float) -> bool:
        """Wait for a wake-up or the time-out."""
        ...


class RollupWorker:
    """Folds the log into series until cancelled."""

    def __init__(
        self, *, reader: LogReader, store: SeriesStore, feeds: Mapping[str, FeedSpec], waiter: Waiter,
        log_clock: LogClock, metrics: Metrics, flush_seconds: float,
    ) -> None:  # fmt: skip
        self._reader = reader
        self._store = store
        self._feeds = feeds
        self._waiter = waiter
        self._log_clock = log_clock
        self._metrics = metrics
        self._flush_seconds = flush_seconds

    async def run(self) -> None:
        """Work until cancelled; an unreachable database is waited for."""
        position, log_time = await self._first_cursor()
        while True:
            try:
                entries = await self._reader.read_values(position, log_time, CHUNK)
                if entries:
                    last = entries[-1]
                    await self._store.merge(
                        fold(entries, self._feeds), after=position, position=last.position, log_time=last.log_time
                    )
                    position, log_time = last.position, last.log_time
                    lag = (self._log_clock.now() - log_time).total_seconds()
                    self._metrics.rollup_cursor_lag_seconds.set(lag if len(entries) == CHUNK else 0.0)
            except StoreUnavailableError as error:
                structlog.get_logger().warning("rollup_waits", error=str(error))
                await self._waiter.wait(RETRY_SECONDS)
                position, log_time = await self._first_cursor()
                continue
            if len(entries) < CHUNK:
                # Flushes are spaced: one merge a second costs the same for one event as for two thousand.
                await asyncio.sleep(self._flush_seconds)
                await self._waiter.wait(RETRY_SECONDS)

    async def _first_cursor(self) -> tuple[int, datetime]:
        while True:
            try:
                return await self._store.cursor()
            except StoreUnavailableError as error:
                structlog.get_logger().warning("rollup_waits", error=str(error))
                await self._waiter.wait(RETRY_SECONDS)
