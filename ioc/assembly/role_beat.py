"""Carries the beat of this process's working loops to the database, where who asks whether all is well finds it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from ioc.errors import StoreUnavailableError
from ioc.runtime.clock import LogClock
from ioc.runtime.liveness import Liveness
from ioc.store.operations.role_beats import RoleBeats
from ioc.store.postgres.engine import Database

LOOK_SECONDS = 0.2
BEAT_SECONDS = 0.8
"""The next beat goes out when every loop has turned since the last, and not sooner than this: one about each second."""
PLACE_CHARS = 8


def place_of(data_dir: Path) -> str:
    """Return what tells processes of one role apart, and stays the same when one is started again."""
    folder = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:PLACE_CHARS]
    return f"{socket.gethostname()}/{folder}"


@contextlib.asynccontextmanager
async def beating(
    liveness: Liveness, database: Database, wall: LogClock, *, role: str, data_dir: Path
) -> AsyncIterator[None]:
    """Beat while the role works. A role that was asked to stop takes its row away; one that failed is missed."""
    beats = RoleBeats(database, role, place_of(data_dir))
    with contextlib.suppress(StoreUnavailableError):
        await beats.beat(wall.now(), working=liveness.working)
    carrying = asyncio.create_task(_carry(liveness, beats, database, wall), name="beating")
    try:
        yield
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        with contextlib.suppress(StoreUnavailableError):
            await beats.leave()
    finally:
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        beats.cut()


async def _carry(liveness: Liveness, beats: RoleBeats, database: Database, wall: LogClock) -> None:
    failing = False
    carried = liveness.seconds()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        liveness.excuse(database.busy_since)
        if liveness.turned_at <= carried or liveness.seconds() - carried < BEAT_SECONDS:
            continue
        carried = liveness.seconds()
        try:
            await beats.beat(wall.now(), working=liveness.working)
        except StoreUnavailableError as error:
            if not failing:
                structlog.get_logger().warning("beat_not_carried", error=str(error))
            failing = True
        else:
            failing = False
