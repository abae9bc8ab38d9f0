"""The intake of one process: registry in memory, pipeline, and the doors on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from ioc.bootstrap.parts import Parts, until_answered
from ioc.bootstrap.watch import watched
from ioc.domain.event import Flag
from ioc.ingest.fairness import Share
from ioc.ingest.pipeline import Bounds, Pipeline
from ioc.ingest.prepare import Preparer
from ioc.ingest.registry import CachedRegistry
from ioc.store.pace import PaceStore
from ioc.store.registry import RegistryStore
from ioc.store.wakeup import REGISTRY_CHANNEL, Wakeup
from ioc.trouble import TroubleBoard


@dataclass(frozen=True, slots=True)
class Intake:
    """A running pipeline, the registry that its doors ask, and what hinders the intake now."""

    pipeline: Pipeline
    registry: CachedRegistry
    board: TroubleBoard
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
async def open_intake(parts: Parts, *, heartbeat: bool = False) -> AsyncIterator[Intake]:
    """Start a pipeline and what watches over it; at the end refuse new work, commit what waits, then stop.

    With ``heartbeat`` the board knows of the database what its own commits say, second by second.
    """
    settings = parts.settings
    registry = CachedRegistry(RegistryStore(parts.database), parts.wall)
    await until_answered(registry.refresh)
    pipeline = Pipeline(
        preparer=Preparer(
            feeds=parts.pack.feeds,
            registry=registry,
            events_max=settings.batch_events_max,
            marks=() if parts.mark is None else (Flag.DRILL,),
        ),
        sink=parts.log,
        log_clock=parts.log_clock,
        io_clock=parts.io_clock,
        metrics=parts.metrics,
        bounds=Bounds(
            batch_rows=settings.batch_rows,
            batch_seconds=settings.batch_milliseconds / 1_000,
            queue_rows_max=settings.queue_rows_max,
            queue_bytes_max=settings.queue_bytes_max,
        ),
        share=Share(PaceStore(parts.database), parts.metrics),
    )
    async with (
        Wakeup(parts.database, REGISTRY_CHANNEL) as waiter,
        watched(parts, pipeline, heartbeat=heartbeat) as board,
    ):
        tasks = [
            asyncio.create_task(pipeline.run()),
            asyncio.create_task(registry.follow(waiter)),
            asyncio.create_task(pipeline.share.follow()),
        ]
        try:
            yield Intake(pipeline, registry, board, tasks)
        finally:
            await pipeline.stop(settings.stop_seconds / 2)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
