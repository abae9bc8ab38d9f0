"""One connection to PostgreSQL: a statement ends by its deadline, or the connection does.

asyncpg ends a late statement with a TimeoutError and then waits, without a deadline, until the server has confirmed
that it is cancelled: the ROLLBACK after it, a release, a close hang for as long as the server is frozen or the
network silent (asyncpg#1326). So a connection whose statement did not end is cut at once, whatever it is used for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator
from typing import Any, TypeAlias

import asyncpg
import orjson

from ioc.errors import StoreUnavailableError
from ioc.store.postgres.addresses import servers_of, without_password

Connection: TypeAlias = asyncpg.Connection

UNREACHABLE = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError,
               asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError)  # fmt: skip
"""What speaks of the connection, never of the data. asyncpg's own confusion after a backend was killed is one."""
GONE_STATES = ("08", "57P", "25006")
"""SQLSTATE prefixes after which no connection of the pool is worth keeping: the server goes, or became read-only."""
RETRYABLE_STATES = (*GONE_STATES, "40001", "40P01", "53", "55P03", "58030")
"""SQLSTATE prefixes after which the same work may be tried again; 53100 is a full disk, 58030 one that fails."""
IDLE_IN_TRANSACTION_FACTOR = 3
JSONB_VERSION = b"\x01"
SERVER_SETTINGS = {
    "timezone": "UTC",
    # If the client disappears (power, network), PostgreSQL must release its locks and its lease soon.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "client_connection_check_interval": "5000",
}


def is_retryable(error: BaseException) -> bool:
    """Tell whether ``error`` speaks of the server or the connection, not of the data."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(RETRYABLE_STATES)
    return isinstance(error, UNREACHABLE)


def is_gone(error: BaseException) -> bool:
    """Tell whether ``error`` says that this connection is of no more use, and its neighbours hardly are."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(GONE_STATES)
    return isinstance(error, UNREACHABLE)


class BoundedConnection(asyncpg.Connection):  # type: ignore[misc] # asyncpg has no types
    """A connection that is cut when a statement of it does not end, so that nothing waits for it later."""

    __slots__ = ()

    @contextlib.contextmanager
    def _cut_if_late(self) -> Iterator[None]:
        try:
            yield
        except (TimeoutError, asyncio.CancelledError):
            self.terminate()
            raise

    async def execute(self, *args: Any, **options: Any) -> Any:
        """As asyncpg's. BEGIN, COMMIT and ROLLBACK of its transactions come through here, too."""
        with self._cut_if_late():
            return await super().execute(*args, **options)

    async def executemany(self, *args: Any, **options: Any) -> Any:
        """As asyncpg's."""
        with self._cut_if_late():
            return await super().executemany(*args, **options)

    async def fetch(self, *args: Any, **options: Any) -> Any:
        """As asyncpg's."""
        with self._cut_if_late():
            return await super().fetch(*args, **options)

    async def fetchval(self, *args: Any, **options: Any) -> Any:
        """As asyncpg's."""
        with self._cut_if_late():
            return await super().fetchval(*args, **options)

    async def fetchrow(self, *args: Any, **options: Any) -> Any:
        """As asyncpg's."""
        with self._cut_if_late():
            return await super().fetchrow(*args, **options)

    async def copy_to_table(self, *args: Any, **options: Any) -> Any:
        """As asyncpg's."""
        with self._cut_if_late():
            return await super().copy_to_table(*args, **options)

    def terminate(self) -> None:
        """Cut the connection, and forget the requests to cancel its statements: nobody waits for their answer."""
        super().terminate()
        for request in tuple(getattr(self, "_cancellations", ())):
            request.cancel()


def _encode_json(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a number as a member's name: rare, and the option for it makes every other value dearer
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def _encode_jsonb(value: object) -> bytes:
    return JSONB_VERSION + _encode_json(value)


def _decode_jsonb(data: bytes) -> Any:
    return orjson.loads(data[1:])


async def prepare_connection(connection: Connection) -> None:
    """Set what every connection of the house has: JSON as Python objects.

    In PostgreSQL's binary form, whose jsonb is the text behind a version byte: asyncpg writes an array of it as it
    is, where an array of text is quoted element by element.
    """
    for name, encoder, decoder in (("json", _encode_json, orjson.loads), ("jsonb", _encode_jsonb, _decode_jsonb)):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=encoder, decoder=decoder, format="binary")


async def connect(
    dsn: str, *, name: str, command_timeout_seconds: float, connect_timeout_seconds: float
) -> BoundedConnection:
    """Return a connection to the first server of ``dsn`` that takes writes, each asked under its own deadline.

    Raises:
        StoreUnavailableError: none of them answers and writes; it says of each why.
    """
    complaints: list[str] = []
    for server in servers_of(dsn):
        try:
            connection: BoundedConnection = await bounded(
                asyncpg.connect(
                    server,
                    timeout=connect_timeout_seconds,
                    command_timeout=command_timeout_seconds,
                    connection_class=BoundedConnection,
                    server_settings={
                        **SERVER_SETTINGS,
                        "application_name": f"ioc-{name}",
                        # A process that was frozen inside a transaction must not keep the log's head row for ever.
                        "idle_in_transaction_session_timeout": _milliseconds(
                            command_timeout_seconds * IDLE_IN_TRANSACTION_FACTOR
                        ),
                        "statement_timeout": _milliseconds(command_timeout_seconds * IDLE_IN_TRANSACTION_FACTOR),
                    },
                ),
                connect_timeout_seconds,
            )
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            complaints.append(f"{without_password(server)}: {describe_error(error)}")
            continue
        try:
            refusal = _read_only(connection)
            if refusal is None:
                await bounded(prepare_connection(connection), connect_timeout_seconds)
                return connection
            connection.terminate()
            complaints.append(f"{without_password(server)}: {refusal}")
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            connection.terminate()
            complaints.append(f"{without_password(server)}: {describe_error(error)}")
        except BaseException:
            connection.terminate()
            raise
    raise StoreUnavailableError(f"PostgreSQL does not answer: {'; '.join(complaints)}")


def _read_only(connection: Connection) -> str | None:
    """Return why a server takes no writes, from what it told at the start of the session (PostgreSQL 14 on)."""
    told = connection.get_settings()
    if getattr(told, "in_hot_standby", "off") == "on":
        return "read-only, a standby"
    if getattr(told, "default_transaction_read_only", "off") == "on":
        return "read-only, by its configuration"
    return None


async def bounded(work: Awaitable[Any], seconds: float) -> Any:
    """Return what ``work`` returns, or raise TimeoutError: also where asyncpg would swallow its own deadline."""
    async with asyncio.timeout(seconds):
        return await work


def describe_error(error: BaseException) -> str:
    """Return what to write into a log: a TimeoutError has no words of its own."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    state = getattr(error, "sqlstate", None)
    return f"{error} ({state})" if state else str(error) or type(error).__name__


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1_000))
