"""The role `rules`: the log in, alerts out."""

from __future__ import annotations

import time

from ioc.bootstrap.parts import announced, open_parts, until_stopped
from ioc.drill_clock import DrillClock
from ioc.rules.engine import RuleEngine
from ioc.settings import Settings
from ioc.store.rule_memory import RuleMemoryStore
from ioc.store.wakeup import LOG_CHANNEL, Wakeup

ASKED_POLL_SECONDS = 0.002
"""How soon the engine notices a question of a drill's conductor."""


class AskedWaiter:
    """Wakes on the log's wake-up, and on a question of the conductor's that is not answered yet."""

    def __init__(self, inner: Wakeup, drill: DrillClock) -> None:
        self._inner = inner
        self._drill = drill

    async def wait(self, timeout_seconds: float) -> bool:
        """Wait for either, or for the time-out."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            answered = self._drill.answered()
            if answered is None or answered[0] != self._drill.asked():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if await self._inner.wait(min(left, ASKED_POLL_SECONDS)):
                return True


async def run_rules(settings: Settings) -> None:
    """Evaluate the log until stopped, or until another worker holds the lease."""
    async with open_parts(settings, "rules", connections_max=4) as parts, Wakeup(parts.database, LOG_CHANNEL) as waiter:
        store = RuleMemoryStore(parts.database, parts.log, number_prefix=parts.pack.number_prefix)
        engine = RuleEngine(
            reader=parts.log,
            store=store,
            waiter=waiter if parts.drill is None else AskedWaiter(waiter, parts.drill),
            feeds=parts.pack.feeds,
            zones={zone.code: zone.name for zone in parts.pack.zones},
            timezone=parts.pack.zone,
            log_clock=parts.log_clock,
            io_clock=parts.io_clock,
            metrics=parts.metrics,
            poll_seconds=settings.poll_milliseconds / 1_000,
            snapshot_seconds=settings.snapshot_seconds,
            conductor=parts.drill,
        )
        async with announced(parts):
            await until_stopped(engine.run())
