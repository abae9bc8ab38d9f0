"""The door to PostgreSQL: one pool per process, JSON both ways, deadlines that hold even when the server is frozen."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import asyncpg
import orjson

from ioc.errors import StoreUnavailableError

Connection: TypeAlias = asyncpg.Connection

UNREACHABLE = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)
RETRYABLE_STATES = ("08", "40001", "40P01", "53", "57P", "25006", "55P03")
"""SQLSTATE prefixes after which the same work may be tried again on a new connection."""


def plain_dsn(dsn: str) -> str:
    """Return a DSN that asyncpg reads, from one that may name SQLAlchemy's driver."""
    return dsn.replace("postgresql+asyncpg://", "postgresql://", 1)


def is_retryable(error: BaseException) -> bool:
    """Tell whether ``error`` speaks of the server or the connection, not of the data."""
    if isinstance(error, asyncpg.PostgresError):
        state = getattr(error, "sqlstate", None) or ""
        return state.startswith(RETRYABLE_STATES)
    return isinstance(error, UNREACHABLE)


def _encode_json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


async def prepare_connection(connection: Connection) -> None:
    """Set what every connection of the house has: JSON as Python objects."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_encode_json, decoder=orjson.loads)


class Database:
    """A pool of connections. Nothing happens before :meth:`open`.

    ``command_timeout_seconds`` bounds every statement; a connection that does not come back in that time is
    terminated under our own deadline (asyncpg#1326: its own release can hang on a frozen server).
    """

    def __init__(self, dsn: str, *, name: str, connections_max: int = 8, command_timeout_seconds: float = 10.0) -> None:
        self.dsn = plain_dsn(dsn)
        self.name = name
        self.command_timeout_seconds = command_timeout_seconds
        self._connections_max = connections_max
        self._pool: asyncpg.Pool | None = None

    def connect_arguments(self) -> dict[str, Any]:
        """Return what a connection outside the pool (lease, wake-up) needs to be like one of it."""
        return {
            "dsn": self.dsn,
            "timeout": self.command_timeout_seconds,
            "command_timeout": self.command_timeout_seconds,
            "server_settings": {"application_name": f"ioc-{self.name}", "timezone": "UTC"},
        }

    async def open(self) -> None:
        """Open the pool.

        Raises:
            StoreUnavailableError: PostgreSQL does not answer.
        """
        try:
            self._pool = await asyncpg.create_pool(
                **self.connect_arguments(),
                min_size=1,
                max_size=self._connections_max,
                max_inactive_connection_lifetime=60.0,
                init=prepare_connection,
            )
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            raise StoreUnavailableError(f"PostgreSQL does not answer: {error}") from error

    async def close(self) -> None:
        """Close the pool; connections that do not end in two seconds are cut."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            await asyncio.wait_for(pool.close(), 2.0)
        except (TimeoutError, *UNREACHABLE):
            pool.terminate()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; errors of the server come out as StoreUnavailableError."""
        if self._pool is None:
            raise StoreUnavailableError("the database is not open")
        try:
            connection = await self._pool.acquire(timeout=self.command_timeout_seconds)
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            raise StoreUnavailableError(f"no connection to PostgreSQL: {error}") from error
        broken = True
        try:
            yield connection
            broken = False
        except BaseException as error:
            broken = is_retryable(error) or isinstance(error, asyncio.CancelledError)
            if isinstance(error, Exception) and is_retryable(error):
                raise StoreUnavailableError(f"PostgreSQL: {error}") from error
            raise
        finally:
            await self._give_back(connection, broken=broken)

    async def _give_back(self, connection: Connection, *, broken: bool) -> None:
        """Release; a connection that may be mid-statement is terminated, never awaited."""
        if self._pool is None:
            connection.terminate()
            return
        if broken:
            connection.terminate()
        try:
            await asyncio.wait_for(self._pool.release(connection), 2.0)
        except (TimeoutError, *UNREACHABLE, asyncpg.PostgresError):
            connection.terminate()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside one transaction, committed at the end."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def ping(self) -> None:
        """Prove that a commit is possible: a read-only standby or a frozen server fails.

        Raises:
            StoreUnavailableError: it is not.
        """
        async with self.connection() as connection:
            if await connection.fetchval("SELECT pg_is_in_recovery()"):
                raise StoreUnavailableError("PostgreSQL is a read-only standby")
