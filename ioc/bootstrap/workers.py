"""The workers: roll-up, rules and keeper, each a process of its own."""

from __future__ import annotations

from ioc.api.views.open_hours import PackCalendar
from ioc.assembly.context import announced, open_context, until_stopped
from ioc.backtests.host import BacktestHost
from ioc.bootstrap.anchoring import anchors_of
from ioc.rollup.worker import RollupWorker
from ioc.settings import Settings
from ioc.store.alerts.shelved import ShelvedAlerts
from ioc.store.audit.anchors import AuditAnchoring
from ioc.store.indicators.late_reports import LateReports
from ioc.store.maintenance.schedule import MaintenanceSchedule
from ioc.store.operations.keeper import DrillKeeper, Keeper, Retention
from ioc.store.postgres.wakeup import LOG_CHANNEL, Wakeup
from ioc.store.series.writer import SeriesStore
from ioc.store.sessions.doors import MQTTDoorStore
from ioc.store.silences.schedule import SilenceSchedule


async def run_rollup(settings: Settings) -> None:
    """Fold the log into series until stopped."""
    async with (
        open_context(settings, "rollup", connections_max=3) as context,
        Wakeup(context.database, LOG_CHANNEL) as waiter,
    ):
        worker = RollupWorker(
            reader=context.log,
            store=SeriesStore(context.database),
            feeds=context.pack.feeds,
            waiter=waiter,
            flush_seconds=settings.rollup_milliseconds / 1_000,
            beat=context.liveness.loop(),
        )
        async with announced(context):
            await until_stopped(worker.run())


async def run_keeper(settings: Settings) -> None:
    """Keep partitions and retention until stopped; ready once the partitions of today exist."""
    async with open_context(settings, "keeper", connections_max=4) as context:
        host = BacktestHost(context)
        silences = SilenceSchedule(
            database=context.database, calendar=PackCalendar(context.pack), log_clock=context.log_clock,
            wall=context.wall, beat=context.liveness.loop(),
        )  # fmt: skip
        shelved = ShelvedAlerts(
            database=context.database, log_clock=context.log_clock, wall=context.wall, beat=context.liveness.loop()
        )
        if context.drill is not None:
            drilled = DrillKeeper(database=context.database, board=context.drill, beat=context.liveness.loop())
            await drilled.work()
            async with announced(context):
                await until_stopped(drilled.run(), host.run(), silences.run(), shelved.run())
            return
        keeper = Keeper(
            database=context.database,
            log_clock=context.log_clock,
            retention=Retention(
                event_days=settings.retention_event_days,
                dead_letter_days=settings.retention_dead_letter_days,
                outbound_days=settings.retention_outbound_days,
                series_5m_days=settings.retention_series_5m_days,
                series_1h_days=settings.retention_series_1h_days,
                media_days=settings.retention_media_days,
            ),
            metrics=context.metrics,
            beat=context.liveness.loop(),
        )
        doors = MQTTDoorStore(context.database)
        await keeper.work(context.log_clock.now())
        anchors = anchors_of(settings)
        anchoring = [] if anchors is None else [
            AuditAnchoring(
                database=context.database, anchors=anchors, wall=context.wall, metrics=context.metrics,
                period_seconds=settings.audit_anchor_seconds,
            ).run()
        ]  # fmt: skip
        late = [] if context.pack.late_feed is None else [
            LateReports(
                database=context.database, log=context.log, indicators=context.pack.indicators,
                feed=context.pack.late_feed, zone=context.pack.zone, log_clock=context.log_clock,
                beat=context.liveness.loop(),
            ).run()
        ]  # fmt: skip
        schedule = MaintenanceSchedule(
            database=context.database, log=context.log, zone=context.pack.zone, log_clock=context.log_clock,
            wall=context.wall, beat=context.liveness.loop(),
        )  # fmt: skip
        watch = doors.watch(context.log_clock, context.io_clock)
        async with announced(context):
            await until_stopped(
                keeper.run(), watch, host.run(), schedule.run(), silences.run(), shelved.run(), *anchoring, *late
            )
