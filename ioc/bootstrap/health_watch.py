"""The watchers of a process that takes events: they look at database and disk and put troubles on its board."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from ioc.assembly.context import ProcessContext
from ioc.domain.moment import format_time
from ioc.errors import StoreUnavailableError
from ioc.ingest.pipeline.batcher import Pipeline
from ioc.runtime.disk import GIB, DiskLimit, measure
from ioc.runtime.health_conditions import DATABASE, DISK, DURABILITY, INTAKE, HealthConditions
from ioc.runtime.role_watch import KINDS, LOOK_SECONDS, RoleBeat, RoleWatch
from ioc.store.operations.heartbeat import Heartbeat, reason_of

BEAT_SECONDS = 1.0
BEAT_AGAIN_SECONDS = 0.3
DISK_SECONDS = 0.5
BEATS_PER_DURABILITY = 15


@contextlib.asynccontextmanager
async def watch_health(
    context: ProcessContext, pipeline: Pipeline, roles: RoleWatch | None
) -> AsyncIterator[HealthConditions]:
    """Watch the disk and, with ``roles``, as a process does that is asked for readiness, database and roles.

    What stops the intake pauses it.
    """
    board = HealthConditions()

    def heard(what: str, why: str | None) -> None:
        if what not in INTAKE:
            return
        if why is None:
            pipeline.resume(what)
        else:
            pipeline.pause(what, why)

    board.listeners.append(heard)
    tasks = [asyncio.create_task(_watch_disk(context, board), name="watch-disk")]
    if roles is not None:
        tasks.append(asyncio.create_task(_watch_database(context, board, roles), name="watch-database"))
    try:
        yield board
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch_database(context: ProcessContext, board: HealthConditions, roles: RoleWatch) -> None:
    """Commit once a second, and look twice as often which roles beat; both on the heartbeat's own connection."""
    heart, seconds = Heartbeat(context.database, context.role), context.io_clock.seconds
    beats, beat_at = 0, float("-inf")
    try:
        while True:
            try:
                if seconds() - beat_at >= BEAT_SECONDS:
                    beat_at = seconds()
                    await heart.beat(context.wall.now())
                    context.metrics.database_commit_seconds.observe(seconds() - beat_at)
                    if beats % BEATS_PER_DURABILITY == 0:
                        faults = await heart.durability_faults()
                        context.metrics.durability_degraded.set(len(faults))
                        board.report(DURABILITY, ", ".join(faults) or None)
                    beats += 1
                look_at_roles(context, board, roles, await heart.role_beats())
            except StoreUnavailableError as error:
                if board.why(DATABASE) is None:
                    context.database.expire()  # what idles may be dead as well: nobody should have to find out
                board.report(DATABASE, reason_of(error))
                beats, beat_at = 0, float("-inf")
                await asyncio.sleep(BEAT_AGAIN_SECONDS)
            else:
                board.report(DATABASE, None)
                await asyncio.sleep(LOOK_SECONDS)
    finally:
        heart.cut()


def look_at_roles(
    context: ProcessContext, board: HealthConditions, roles: RoleWatch, beats: Sequence[RoleBeat]
) -> None:
    """Put the roles that say nothing on the board, and take those off that are back."""
    silent = roles.look(beats, context.io_clock.seconds(), context.log_clock.now())
    for kind in KINDS:
        silence = silent.get(kind)
        board.report(kind, None if silence is None else f"no sign since {format_time(silence.since)}")
        if kind in roles.known:
            context.metrics.role_silent_seconds.labels(kind).set(0.0 if silence is None else silence.seconds)


async def _watch_disk(context: ProcessContext, board: HealthConditions) -> None:
    """Measure the volume of the database, where it is known: the embedded server's, or the one the operator named."""
    path = context.settings.disk_path
    if path is None:
        return
    limit = DiskLimit(context.settings.disk_full_percent, int(context.settings.disk_free_enough_gib * GIB))
    while True:
        await look_at_disk(context, board, path, limit)
        await asyncio.sleep(DISK_SECONDS)


async def look_at_disk(context: ProcessContext, board: HealthConditions, path: Path, limit: DiskLimit) -> None:
    """Measure once, in a thread: a network drive that hangs must not stop the loop."""
    try:
        usage = await asyncio.to_thread(measure, path)
    except OSError as error:
        board.report(DISK, f"cannot be measured ({error.strerror})")
        return
    context.metrics.disk_used_ratio.set(usage.ratio)
    full = limit.judge(usage)
    # The exact share would change at every check and repeat the message: name the limit, the metric has the figure.
    board.report(DISK, f"{limit.full_percent} % full" if full else None)
