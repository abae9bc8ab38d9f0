"""The role `rules`: the log in, alerts out."""

from __future__ import annotations

import time

from ioc.assembly.context import ProcessContext, announced, open_context, until_stopped
from ioc.rules.engine import RuleEngine
from ioc.runtime.drill_clock import DrillClock
from ioc.settings import Settings
from ioc.store.postgres.wakeup import LOG_CHANNEL, Wakeup
from ioc.store.rules.memory import RuleMemoryStore

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


def rule_engine(context: ProcessContext, waiter: Wakeup) -> RuleEngine:
    """Return the engine of this instance, on the clock of its log."""
    return RuleEngine(
        reader=context.log,
        store=RuleMemoryStore(
            context.database, context.log, number_prefix=context.pack.number_prefix, grouping=context.pack.grouping()
        ),
        waiter=waiter if context.drill is None else AskedWaiter(waiter, context.drill),
        feeds=context.pack.feeds,
        zones={zone.code: zone.name for zone in context.pack.zones},
        timezone=context.pack.zone,
        log_clock=context.log_clock,
        io_clock=context.io_clock,
        metrics=context.metrics,
        poll_seconds=context.settings.poll_milliseconds / 1_000,
        snapshot_seconds=context.settings.snapshot_seconds,
        conductor=context.drill,
        beat=context.liveness.loop(),
    )


async def run_rules(settings: Settings) -> None:
    """Evaluate the log until stopped, or until another worker holds the lease."""
    async with (
        open_context(settings, "rules", connections_max=4) as context,
        Wakeup(context.database, LOG_CHANNEL) as waiter,
    ):
        engine = rule_engine(context, waiter)
        async with announced(context):
            await until_stopped(engine.run())
