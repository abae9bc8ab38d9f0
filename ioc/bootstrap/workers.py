"""The workers: roll-up, rules and keeper, each a process of its own."""

from __future__ import annotations

from ioc.bootstrap.backtest_host import BacktestHost
from ioc.bootstrap.parts import announced, open_parts, until_stopped
from ioc.rollup.worker import RollupWorker
from ioc.settings import Settings
from ioc.store.keeper import DrillKeeper, Keeper, Retention
from ioc.store.mqtt_doors import MQTTDoorStore
from ioc.store.series import SeriesStore
from ioc.store.wakeup import LOG_CHANNEL, Wakeup


async def run_rollup(settings: Settings) -> None:
    """Fold the log into series until stopped."""
    async with (
        open_parts(settings, "rollup", connections_max=3) as parts,
        Wakeup(parts.database, LOG_CHANNEL) as waiter,
    ):
        worker = RollupWorker(
            reader=parts.log,
            store=SeriesStore(parts.database),
            feeds=parts.pack.feeds,
            waiter=waiter,
            log_clock=parts.log_clock,
            metrics=parts.metrics,
            flush_seconds=settings.rollup_milliseconds / 1_000,
        )
        async with announced(parts):
            await until_stopped(worker.run())


async def run_keeper(settings: Settings) -> None:
    """Keep partitions and retention until stopped; ready once the partitions of today exist."""
    async with open_parts(settings, "keeper", connections_max=4) as parts:
        host = BacktestHost(parts)
        if parts.drill is not None:
            drilled = DrillKeeper(database=parts.database, board=parts.drill)
            await drilled.work()
            async with announced(parts):
                await until_stopped(drilled.run(), host.run())
            return
        keeper = Keeper(
            database=parts.database,
            log_clock=parts.log_clock,
            retention=Retention(
                event_days=settings.retention_event_days,
                dead_letter_days=settings.retention_dead_letter_days,
                outbound_days=settings.retention_outbound_days,
                series_5m_days=settings.retention_series_5m_days,
                series_1h_days=settings.retention_series_1h_days,
            ),
        )
        doors = MQTTDoorStore(parts.database)
        await keeper.work(parts.log_clock.now())
        async with announced(parts):
            await until_stopped(keeper.run(), doors.watch(parts.log_clock, parts.io_clock), host.run())
