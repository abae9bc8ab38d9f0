"""Runs the backtests that people ask for: one child process at a time, in the order of asking, watched to its end.

Part of the keeper. A backtest takes minutes of a processor, so it is a process of its own at a lower priority; that it
was killed, or this process was, ends in its row as `failed` with the reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

import structlog

from ioc.assembly.context import ProcessContext, environment_of
from ioc.errors import IOCError, StoreUnavailableError
from ioc.runtime.supervisor import SUPERVISED
from ioc.store.rules import backtests
from ioc.store.rules.backtests import BacktestState

POLL_SECONDS = 0.5
"""How late a new backtest is begun, and a cancel is seen, at most."""
RETRY_SECONDS = 2.0
STOP_SECONDS = 1.0
STOPPED = "the instance was stopped meanwhile"


class BacktestHost:
    """Keeps the queue moving until cancelled."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def run(self) -> None:
        """Run one after the other; an unreachable database is waited for."""
        while True:
            try:
                if not await self.turn():
                    await asyncio.sleep(POLL_SECONDS)
            except (IOCError, OSError) as error:
                # Whatever goes wrong with a backtest must not end the keeper, which has more to do.
                structlog.get_logger().warning("backtests_wait", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def turn(self) -> bool:
        """Run the backtest that waits longest to its end; return whether there was one."""
        database, wall = self._context.database, self._context.wall
        for identifier in await backtests.end_stale(database, wall.now()):
            structlog.get_logger().warning("backtest_left", id=identifier)
        row = await backtests.claim(database, wall.now())
        if row is None:
            return False
        identifier = row["id"]
        process = None
        try:
            process = await self._spawn(identifier)
            code = await self._watch(identifier, process)
        except OSError as error:
            if process is not None:
                await _stop(process)
            reason = f"its process could not be started: {error.strerror}"
            await backtests.end(database, identifier, BacktestState.FAILED, wall.now(), reason=reason)
            return True
        except asyncio.CancelledError:
            if process is not None:
                await _stop(process)
            with contextlib.suppress(IOCError):
                await asyncio.shield(
                    backtests.end(database, identifier, BacktestState.FAILED, wall.now(), reason=STOPPED)
                )
            raise
        await self._note(identifier, code)
        return True

    async def _spawn(self, identifier: str) -> asyncio.subprocess.Process:
        environment = {**os.environ, **environment_of(self._context.settings), SUPERVISED: str(os.getpid())}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ioc.backtests.job", identifier, env=environment,
            stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    async def _watch(self, identifier: str, process: asyncio.subprocess.Process) -> int:
        """Wait for its end; end it when somebody cancels it."""
        waiting = asyncio.ensure_future(process.wait())
        try:
            while not waiting.done():
                await asyncio.wait({waiting}, timeout=POLL_SECONDS)
                with contextlib.suppress(StoreUnavailableError):  # the child waits for it as well
                    if await backtests.note_watch(self._context.database, identifier, self._context.wall.now()):
                        await _stop(process)
        finally:
            waiting.cancel()
        return process.returncode or 0

    async def _note(self, identifier: str, code: int) -> None:
        """Note an end that the child did not note itself; what it noted stands."""
        cancelled = await backtests.is_cancelled(self._context.database, identifier)
        state = BacktestState.CANCELLED if cancelled else BacktestState.FAILED
        reason = None if cancelled else f"its process {how(code)}"
        noted = await backtests.end(self._context.database, identifier, state, self._context.wall.now(), reason=reason)
        if noted and not cancelled:
            structlog.get_logger().warning("backtest_died", id=identifier, code=code)


def how(code: int) -> str:
    """Return how a process ended, in words."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code} and without a result"


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End a child, kindly for a second; its row is ours to write."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
