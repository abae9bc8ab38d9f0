"""The watchers of a process that takes events: they look at database and disk and put troubles on its board."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from ioc.bootstrap.parts import Parts
from ioc.disk import GIB, DiskLimit, measure
from ioc.errors import StoreUnavailableError
from ioc.ingest.pipeline import Pipeline
from ioc.store.heartbeat import Heartbeat, reason_of
from ioc.trouble import DATABASE, DISK, DURABILITY, TroubleBoard

BEAT_SECONDS = 1.0
BEAT_AGAIN_SECONDS = 0.3
DISK_SECONDS = 0.5
BEATS_PER_DURABILITY = 15


@contextlib.asynccontextmanager
async def watched(parts: Parts, pipeline: Pipeline, *, heartbeat: bool) -> AsyncIterator[TroubleBoard]:
    """Watch the disk and, where somebody asks this process whether it is ready, the database; pause the intake."""
    board = TroubleBoard()

    def heard(what: str, why: str | None) -> None:
        if what == DURABILITY:
            return
        if why is None:
            pipeline.resume(what)
        else:
            pipeline.pause(what, why)

    board.listeners.append(heard)
    tasks = [asyncio.create_task(_watch_disk(parts, board), name="watch-disk")]
    if heartbeat:
        tasks.append(asyncio.create_task(_watch_database(parts, board), name="watch-database"))
    try:
        yield board
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch_database(parts: Parts, board: TroubleBoard) -> None:
    heart, wall = Heartbeat(parts.database, parts.role), parts.wall
    beats = 0
    try:
        while True:
            try:
                await heart.beat(wall.now())
                if beats % BEATS_PER_DURABILITY == 0:
                    faults = await heart.durability_faults()
                    parts.metrics.durability_degraded.set(len(faults))
                    board.report(DURABILITY, ", ".join(faults) or None)
                beats += 1
            except StoreUnavailableError as error:
                if board.why(DATABASE) is None:
                    parts.database.expire()  # what idles may be dead as well: nobody should have to find out
                board.report(DATABASE, reason_of(error))
                beats = 0
                await asyncio.sleep(BEAT_AGAIN_SECONDS)
            else:
                board.report(DATABASE, None)
                await asyncio.sleep(BEAT_SECONDS)
    finally:
        heart.cut()


async def _watch_disk(parts: Parts, board: TroubleBoard) -> None:
    """Measure the volume of the database, where it is known: the embedded server's, or the one the operator named."""
    path = parts.settings.disk_path
    if path is None:
        return
    limit = DiskLimit(parts.settings.disk_full_percent, int(parts.settings.disk_free_enough_gib * GIB))
    while True:
        await look_at_disk(parts, board, path, limit)
        await asyncio.sleep(DISK_SECONDS)


async def look_at_disk(parts: Parts, board: TroubleBoard, path: Path, limit: DiskLimit) -> None:
    """Measure once, in a thread: a network drive that hangs must not stop the loop."""
    try:
        usage = await asyncio.to_thread(measure, path)
    except OSError as error:
        board.report(DISK, f"cannot be measured ({error.strerror})")
        return
    parts.metrics.disk_used_ratio.set(usage.ratio)
    full = limit.judge(usage)
    # The exact share would change with every look: the limit says enough, the metric has the figure.
    board.report(DISK, f"{limit.full_percent} % full" if full else None)
