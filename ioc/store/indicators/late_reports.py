"""Tells the log, each day, which figures are late, and that they have come: the rules over reports do the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from ioc.domain.event import Message, Outcome, Receipt
from ioc.domain.indicators.indicator import Indicator
from ioc.errors import StoreUnavailableError
from ioc.indicators.lateness import Lateness
from ioc.runtime.clock import LogClock
from ioc.runtime.liveness import Beat, no_beat
from ioc.store.indicators.figures import by_period, read_figures
from ioc.store.postgres.engine import Database

PERIOD_SECONDS = 30.0
BEAT_SECONDS = 1.0
KNOWN = "SELECT DISTINCT key FROM event WHERE key = ANY($1::bytea[])"


class Appender(Protocol):
    """What of the log this needs."""

    async def append(self, batch: Sequence[Message], now: datetime) -> list[Receipt]:
        """Append a batch in one transaction."""
        ...


class LateReports:
    """Looks again and again until cancelled. What was told already is the same reading, so two of them do no harm."""

    def __init__(
        self, *, database: Database, log: Appender, indicators: Sequence[Indicator], feed: str, zone: ZoneInfo,
        log_clock: LogClock, beat: Beat = no_beat,
    ) -> None:  # fmt: skip
        self._database = database
        self._log = log
        self._indicators = indicators
        self._feed = feed
        self._zone = zone
        self._log_clock = log_clock
        self._beat = beat

    async def run(self) -> None:
        """Look every half minute; an unreachable database is waited for."""
        while True:
            try:
                await self.work(self._log_clock.now())
            except StoreUnavailableError as error:
                structlog.get_logger().warning("late_reports_wait", error=str(error))
            for _ in range(round(PERIOD_SECONDS / BEAT_SECONDS)):
                self._beat()
                await asyncio.sleep(BEAT_SECONDS)

    async def work(self, now: datetime) -> int:
        """Tell what is not told yet, and return how much that was."""
        lateness = Lateness(self._feed, self._zone, now.astimezone(self._zone).date(), now)
        async with self._database.connection() as connection:
            known = await read_figures(connection, [one.code for one in self._indicators])
            figures = {one.code: by_period(known, one.code) for one in self._indicators}
            come = lateness.come(self._indicators, figures)
            asked = sorted({key for told in come for key in told.said_late} | {told.message.key for told in come})
            there = {bytes(row["key"]) for row in await connection.fetch(KNOWN, asked)} if asked else set()
        messages = lateness.late(self._indicators, figures)
        messages += [told.message for told in come if there & set(told.said_late) and told.message.key not in there]
        if not messages:
            return 0
        receipts = await self._log.append(messages, now)
        return sum(receipt.outcome is Outcome.STORED for receipt in receipts)
