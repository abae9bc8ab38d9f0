"""Work that falls due at times which stand in the database: looked for every second, so nothing rests on a timer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from ioc.errors import StoreUnavailableError
from ioc.runtime.clock import LogClock
from ioc.runtime.liveness import Beat

PERIOD_SECONDS = 1.0


async def do_due_work(
    work: Callable[[datetime], Awaitable[bool]], *, name: str, log_clock: LogClock, beat: Beat
) -> None:
    """Do what is due, every second until cancelled; ``work`` tells whether there may be more at once.

    An unreachable database is waited for, and said in the log as `{name}_waits`.
    """
    while True:
        try:
            while await work(log_clock.now()):
                beat()
        except StoreUnavailableError as error:
            structlog.get_logger().warning(f"{name}_waits", error=str(error))
        beat()
        await asyncio.sleep(PERIOD_SECONDS)
