"""The connections of one process: lent one at a time, cut whenever their state is in doubt, dropped all at once.

Not asyncpg's pool: its release waits for a frozen server without end, it keeps the connections to a demoted primary,
and it asks the server to reset a session after every use, a round trip that the house does not need: what our
statements set is local to their transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from ioc.errors import StoreUnavailableError
from ioc.store.postgres.connection import UNREACHABLE, BoundedConnection

IDLE_SECONDS_MAX = 60.0
AGE_SECONDS_MAX = 600.0
"""So that memory of a long-lived session and a name that points elsewhere since are let go without a fault."""
PART_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _IdleConnection:
    connection: BoundedConnection
    made_at: float
    idle_since: float


class Pool:
    """At most so many connections, made when asked for."""

    def __init__(self, connect: Callable[[], Awaitable[BoundedConnection]], *, connections_max: int) -> None:
        self._connect = connect
        self._places = asyncio.Semaphore(connections_max)
        self._idle: list[_IdleConnection] = []
        self._lent: dict[BoundedConnection, float] = {}
        self._uses: dict[object, float] = {}
        self._fresh_from = 0.0
        self._is_closed = False
        self._parting: set[asyncio.Task[None]] = set()
        self.expired = 0
        """How often everything was dropped."""

    @property
    def busy_since(self) -> float | None:
        """Monotonic seconds at which the oldest use that has not ended began, the wait for a place included."""
        return next(iter(self._uses.values()), None)  # they stand in the order of their beginning

    def begin(self, use: object) -> None:
        """Take note that a use begins."""
        self._uses[use] = time.monotonic()

    def end(self, use: object) -> None:
        """Take note that it is over."""
        self._uses.pop(use, None)

    async def acquire(self, timeout_seconds: float) -> BoundedConnection:
        """Lend a connection that lives as far as we know.

        Raises:
            TimeoutError: every place is taken, or no server answered, for this long.
            StoreUnavailableError: no server takes writes, or the pool was closed meanwhile.
        """
        async with asyncio.timeout(timeout_seconds):
            await self._places.acquire()
            try:
                while self._idle:
                    kept = self._idle.pop()  # the one used last: the others may grow old and leave
                    if self._is_good(kept):
                        self._lent[kept.connection] = kept.made_at
                        return kept.connection
                    self._part(kept.connection)
                made_at = time.monotonic()
                connection = await self._connect()
            except BaseException:
                self._places.release()
                raise
        if self._is_closed:  # while we connected: nobody would close it any more
            self._places.release()
            connection.terminate()
            raise StoreUnavailableError("the pool of connections is closed")
        self._lent[connection] = made_at
        return connection

    def release(self, connection: BoundedConnection, *, broken: bool) -> None:
        """Take a connection back, or cut it; never waits."""
        made_at = self._lent.pop(connection)
        self._places.release()
        if broken or self._is_closed or connection.is_closed() or connection.is_in_transaction():
            connection.terminate()
            return
        kept = _IdleConnection(connection, made_at, time.monotonic())
        if self._is_good(kept):
            self._idle.append(kept)
        else:
            self._part(connection)
        while self._idle and not self._is_good(self._idle[0]):
            self._part(self._idle.pop(0).connection)

    def expire(self) -> None:
        """Drop every connection: idle ones now, lent ones when they come back. The next is made anew."""
        self.expired += 1
        self._fresh_from = time.monotonic()
        idle, self._idle = self._idle, []
        for kept in idle:
            kept.connection.terminate()

    async def close(self) -> None:
        """Say goodbye to idle connections within two seconds, then cut what is left."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        for kept in idle:
            self._part(kept.connection)
        if self._parting:
            await asyncio.wait(self._parting)
        for connection in tuple(self._lent):
            connection.terminate()

    def _is_good(self, kept: _IdleConnection) -> bool:
        now = time.monotonic()
        return (
            not kept.connection.is_closed()
            and kept.made_at >= self._fresh_from
            and now - kept.made_at < AGE_SECONDS_MAX
            and now - kept.idle_since < IDLE_SECONDS_MAX
        )

    def _part(self, connection: BoundedConnection) -> None:
        """Close a connection politely, in the background and within a deadline."""
        task = asyncio.get_running_loop().create_task(close_gracefully(connection), name="pool-part")
        self._parting.add(task)
        task.add_done_callback(self._parting.discard)


async def close_gracefully(connection: BoundedConnection) -> None:
    """Close a connection; one that does not close in time is cut."""
    try:
        with contextlib.suppress(*UNREACHABLE, asyncpg.PostgresError):
            async with asyncio.timeout(PART_SECONDS):
                await connection.close()
    finally:
        connection.terminate()
