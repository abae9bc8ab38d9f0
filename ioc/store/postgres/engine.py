"""The door to PostgreSQL: one pool per process, JSON both ways, deadlines that hold even when the server is frozen.

Whatever says that the server goes, has become read-only or does not answer drops the whole pool: the next connection
goes to the first server of the DSN that takes writes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from ioc.errors import StoreUnavailableError
from ioc.store.postgres.addresses import plain_dsn
from ioc.store.postgres.connection import (
    UNREACHABLE,
    BoundedConnection,
    Connection,
    connect,
    describe_error,
    is_gone,
    is_retryable,
    prepare_connection,
)
from ioc.store.postgres.pool import Pool, close_gracefully

__all__ = [
    "UNREACHABLE",
    "BoundedConnection",
    "Connection",
    "Database",
    "close_gracefully",
    "describe_error",
    "is_gone",
    "is_retryable",
    "plain_dsn",
    "prepare_connection",
]

CONNECT_TIMEOUT_SECONDS = 4.0
"""With the wait before another try it bounds how long after its return a server is found."""


class Database:
    """A pool of connections. Nothing happens before :meth:`open`.

    ``command_timeout_seconds`` bounds every statement, ``connect_timeout_seconds`` every attempt at a server; a
    connection that is late is cut under our own deadline.
    """

    def __init__(
        self, dsn: str, *, name: str, connections_max: int = 8, command_timeout_seconds: float = 10.0,
        connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        self.dsn = plain_dsn(dsn)
        self.name = name
        self.command_timeout_seconds = command_timeout_seconds
        self._connect_timeout_seconds = connect_timeout_seconds
        self._connections_max = connections_max
        self._pool: Pool | None = None

    async def connect(self, *, name: str | None = None, command_timeout_seconds: float | None = None) -> Connection:
        """Return a connection outside the pool (lease, wake-up, heartbeat), like one of it. The caller cuts it.

        Raises:
            StoreUnavailableError: no server answers and takes writes.
        """
        return await connect(
            self.dsn,
            name=name or self.name,
            command_timeout_seconds=command_timeout_seconds or self.command_timeout_seconds,
            connect_timeout_seconds=self._connect_timeout_seconds,
        )

    async def open(self) -> None:
        """Open the pool.

        Raises:
            StoreUnavailableError: PostgreSQL does not answer.
        """
        pool = Pool(self.connect, connections_max=self._connections_max)
        first = await self._acquire(pool)
        pool.release(first, broken=False)
        self._pool = pool

    async def close(self) -> None:
        """Close the pool; connections that do not end in two seconds are cut."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    def expire(self) -> None:
        """Drop every connection: the next one is made anew, to the first server that takes writes."""
        if self._pool is not None:
            self._pool.expire()

    @property
    def expired(self) -> int:
        """How often every connection was dropped."""
        return self._pool.expired if self._pool is not None else 0

    @property
    def busy_since(self) -> float | None:
        """Monotonic seconds at which the oldest use that has not ended began; None: nobody waits for the server."""
        return self._pool.busy_since if self._pool is not None else None

    async def _acquire(self, pool: Pool) -> BoundedConnection:
        try:
            return await pool.acquire(self.command_timeout_seconds)
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            raise StoreUnavailableError(f"no connection to PostgreSQL: {describe_error(error)}") from error

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; errors of the server come out as StoreUnavailableError."""
        pool = self._pool
        if pool is None:
            raise StoreUnavailableError("the database is not open")
        use = object()
        pool.begin(use)
        try:
            connection = await self._acquire(pool)
        except BaseException:
            pool.end(use)
            raise
        broken = True
        try:
            yield connection
            broken = False
        except BaseException as error:
            cancelled = was_cancelled(error)
            broken = is_gone(error) or cancelled or isinstance(error, asyncio.CancelledError)
            if cancelled:
                # ROLLBACK after a cancellation fails on the closed connection: do not hide the cancellation.
                raise asyncio.CancelledError from error
            if is_gone(error):
                pool.expire()
            if isinstance(error, Exception) and is_retryable(error):
                raise StoreUnavailableError(f"PostgreSQL: {_first_words(error)}") from error
            raise
        finally:
            # The connection may be in the middle of a statement: close it at once instead of waiting for it.
            pool.release(connection, broken=broken)
            pool.end(use)

    @contextlib.asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[Connection]:
        """Lend a connection inside one transaction, committed at the end."""
        async with self.connection() as connection, connection.transaction(**options):
            yield connection

    async def ping(self) -> None:
        """Prove that PostgreSQL answers and is no standby; whether it commits, the heartbeat knows.

        Raises:
            StoreUnavailableError: it is not so.
        """
        async with self.connection() as connection:
            if await connection.fetchval("SELECT pg_is_in_recovery()"):
                raise StoreUnavailableError("PostgreSQL is a read-only standby")


def was_cancelled(error: BaseException) -> bool:
    """Tell whether an error of the driver only followed on a cancellation."""
    first: BaseException | None = error
    while isinstance(first, asyncpg.InterfaceError):
        first = first.__context__
    return isinstance(first, asyncio.CancelledError) and first is not error


def _first_words(error: BaseException) -> str:
    """Return what went wrong first: after a time-out the ROLLBACK finds a connection that was cut."""
    first: BaseException = error
    while isinstance(first, asyncpg.InterfaceError) and isinstance(first.__context__, UNREACHABLE):
        first = first.__context__
    return describe_error(first)
