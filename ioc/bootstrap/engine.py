"""The role `rules`: the log in, alerts out."""

from __future__ import annotations

from ioc.bootstrap.parts import announced, open_parts, until_stopped
from ioc.rules.engine import RuleEngine
from ioc.settings import Settings
from ioc.store.rule_memory import RuleMemoryStore
from ioc.store.wakeup import LOG_CHANNEL, Wakeup


async def run_rules(settings: Settings) -> None:
    """Evaluate the log until stopped, or until another worker holds the lease."""
    async with open_parts(settings, "rules", connections_max=4) as parts, Wakeup(parts.database, LOG_CHANNEL) as waiter:
        store = RuleMemoryStore(parts.database, parts.log, number_prefix=parts.pack.number_prefix)
        engine = RuleEngine(
            reader=parts.log,
            store=store,
            waiter=waiter,
            feeds=parts.pack.feeds,
            zones={zone.code: zone.name for zone in parts.pack.zones},
            log_clock=parts.log_clock,
            io_clock=parts.io_clock,
            metrics=parts.metrics,
            poll_seconds=settings.poll_milliseconds / 1_000,
            snapshot_seconds=settings.snapshot_seconds,
        )
        async with announced(parts):
            await until_stopped(engine.run())
