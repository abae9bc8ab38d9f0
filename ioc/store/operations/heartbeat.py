"""The heartbeat: once a second a commit on a connection of its own says whether commits are possible, and how safe.

A SELECT would not do: a standby answers it, and so does a server whose disk or synchronous partner is gone.
"""

from __future__ import annotations

from datetime import datetime

import asyncpg

from ioc.errors import StoreUnavailableError
from ioc.runtime.role_watch import RoleBeat
from ioc.store.operations.role_beats import read_beats
from ioc.store.postgres.database_state import durability_faults
from ioc.store.postgres.engine import UNREACHABLE, Connection, Database, describe_error, is_gone

BEAT_SECONDS_MAX = 2.0
BEAT = """
INSERT INTO heartbeat (role, beat_at) VALUES ($1, $2) ON CONFLICT (role) DO UPDATE SET beat_at = excluded.beat_at
"""


class Heartbeat:
    """The heartbeat of one role. Only its own connection is touched, so a pool that hangs does not matter."""

    def __init__(self, database: Database, role: str) -> None:
        self._database = database
        self._role = role
        self._connection: Connection | None = None

    async def beat(self, now: datetime) -> None:
        """Commit once, within two seconds; after a lost connection a new one is tried at once.

        Raises:
            StoreUnavailableError: no commit is possible; :func:`reason_of` has words for people.
        """
        for fresh in (False, True):
            connection = await self._connected()
            try:
                await connection.execute(BEAT, self._role, now)
            except (*UNREACHABLE, asyncpg.PostgresError) as error:
                if is_gone(error):
                    self.cut()
                # A late answer means trouble; a connection that was closed meanwhile proves nothing yet.
                if fresh or isinstance(error, TimeoutError) or not is_gone(error):
                    raise StoreUnavailableError(f"no commit: {describe_error(error)}") from error
            else:
                return

    async def durability_faults(self) -> list[str]:
        """Return the settings that weaken a commit, such as `fsync=off`.

        Raises:
            StoreUnavailableError: they cannot be asked.
        """
        connection = await self._connected()
        try:
            return await durability_faults(connection)
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            self.cut()
            raise StoreUnavailableError(f"no answer: {describe_error(error)}") from error

    async def role_beats(self) -> list[RoleBeat]:
        """Return the beats of all roles, within two seconds.

        Raises:
            StoreUnavailableError: they cannot be read.
        """
        connection = await self._connected()
        try:
            return await read_beats(connection)
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            self.cut()
            raise StoreUnavailableError(f"no answer: {describe_error(error)}") from error

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.connect(
                name=f"{self._role}-heartbeat", command_timeout_seconds=BEAT_SECONDS_MAX
            )
        return self._connection

    def cut(self) -> None:
        """Let the connection go at once."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def reason_of(error: StoreUnavailableError) -> str:
    """Return in a few words for everybody why no commit is possible: without hosts, accounts or statements."""
    told = str(error)
    if "read-only" in told or "25006" in told:
        return "read-only"
    if "53100" in told:
        return "disk full"
    return "no answer in time" if "no answer in time" in told else "cannot be reached"
