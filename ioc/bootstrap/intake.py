"""The intake of one process: registry in memory, pipeline, and the doors on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from ioc.assembly.context import ProcessContext, until_answered
from ioc.bootstrap.health_watch import watch_health
from ioc.domain.event import Flag
from ioc.errors import PackError
from ioc.ingest.adapters.registry import reader_of, unknown_adapters
from ioc.ingest.pipeline.backlog import Share
from ioc.ingest.pipeline.batcher import Bounds, Pipeline
from ioc.ingest.pipeline.preparation import Preparer
from ioc.ingest.pipeline.registry_cache import CachedRegistry
from ioc.runtime.health_conditions import HealthConditions
from ioc.runtime.role_watch import RoleWatch
from ioc.store.log.intake_pace import PaceStore
from ioc.store.postgres.wakeup import REGISTRY_CHANNEL, Wakeup
from ioc.store.registry.registry import RegistryStore


@dataclass(frozen=True, slots=True)
class DoorIntake:
    """A running pipeline, the registry that its doors ask, and what hinders the intake now."""

    pipeline: Pipeline
    registry: CachedRegistry
    board: HealthConditions
    roles: RoleWatch
    work: Sequence[asyncio.Task[None]]
    """What must go on while the intake is open."""

    async def broken(self) -> None:
        """Wait until a part of the intake ends, which none does by itself; cancelled when the role stops.

        A pipeline that nobody watches would take messages in, commit none and say nothing: its role ends instead, is
        started again, and senders send again what was not acknowledged.

        Raises:
            Exception: what it ended with.
        """
        ended, _ = await asyncio.wait(self.work, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
        raise RuntimeError("a part of the intake has ended")


@contextlib.asynccontextmanager
async def open_intake(context: ProcessContext, *, roles: RoleWatch | None = None) -> AsyncIterator[DoorIntake]:
    """Start a pipeline and what watches over it; at the end refuse new work, commit what waits, then stop.

    With ``roles`` the board knows, second by second, of the database what its own commits say, and of the roles
    whether they beat.
    """
    settings = context.settings
    unknown = unknown_adapters(context.pack.feeds)
    if unknown:
        raise PackError(f"no adapter of that name: {', '.join(f'{name} of {feed}' for feed, name in unknown)}")
    registry = CachedRegistry(RegistryStore(context.database, context.pack.zones), context.wall)
    await until_answered(registry.refresh)
    pipeline = Pipeline(
        preparer=Preparer(
            feeds=context.pack.feeds,
            registry=registry,
            events_max=settings.batch_events_max,
            marks=() if context.mark is None else (Flag.DRILL,),
            reader_of=reader_of,
        ),
        sink=context.log,
        log_clock=context.log_clock,
        io_clock=context.io_clock,
        metrics=context.metrics,
        bounds=Bounds(
            batch_rows=settings.batch_rows,
            batch_seconds=settings.batch_milliseconds / 1_000,
            queue_rows_max=settings.queue_rows_max,
            queue_bytes_max=settings.queue_bytes_max,
        ),
        share=Share(PaceStore(context.database), context.metrics),
        beat=context.liveness.loop(),
    )
    async with (
        Wakeup(context.database, REGISTRY_CHANNEL) as waiter,
        watch_health(context, pipeline, roles) as board,
    ):
        tasks = [
            asyncio.create_task(pipeline.run()),
            asyncio.create_task(registry.follow(waiter)),
            asyncio.create_task(pipeline.share.follow()),
        ]
        try:
            yield DoorIntake(pipeline, registry, board, roles or RoleWatch(frozenset()), tasks)
        finally:
            await pipeline.stop(settings.stop_seconds / 2)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
