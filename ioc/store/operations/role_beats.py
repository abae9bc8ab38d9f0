"""The beats of the roles: one row for each process, whose counter rises each second that its working loops turn."""

from __future__ import annotations

from datetime import datetime, timedelta

import asyncpg

from ioc.errors import StoreUnavailableError
from ioc.runtime.role_watch import RoleBeat
from ioc.store.postgres.engine import UNREACHABLE, Connection, Database, describe_error, is_gone

BEAT_SECONDS_MAX = 2.0
FORGOTTEN_AFTER = timedelta(hours=1)
"""A process that ended without a word and never came back, on a machine that is gone, is missed for this long."""
ROWS_MAX = 200
BEAT = """
INSERT INTO role_beat (role, place, beat, working, beat_at) VALUES ($1, $2, 1, $3, $4)
ON CONFLICT (role, place)
DO UPDATE SET beat = role_beat.beat + 1, working = excluded.working, beat_at = excluded.beat_at
"""
READ = "SELECT role, place, beat, working FROM role_beat ORDER BY role, place LIMIT $1"


class RoleBeats:
    """The beat of one process, on a connection of its own: a pool that hangs does not matter.

    A beat need not survive a power cut, so its commit waits for no disk.
    """

    def __init__(self, database: Database, role: str, place: str) -> None:
        self._database = database
        self._role = role
        self._place = place
        self._connection: Connection | None = None

    async def beat(self, now: datetime, *, working: bool) -> None:
        """Count one beat, within two seconds.

        Raises:
            StoreUnavailableError: PostgreSQL does not answer.
        """
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._database.connect(
                    name=f"{self._role}-beat", command_timeout_seconds=BEAT_SECONDS_MAX
                )
                await self._connection.execute("SET synchronous_commit TO off")
            await self._connection.execute(BEAT, self._role, self._place, working, now)
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            if is_gone(error):
                self.cut()
            raise StoreUnavailableError(f"no beat: {describe_error(error)}") from error

    async def leave(self) -> None:
        """Take the row away: this process was asked to stop, and nobody shall miss it.

        Raises:
            StoreUnavailableError: PostgreSQL does not answer.
        """
        if self._connection is None or self._connection.is_closed():
            return
        try:
            await self._connection.execute(
                "DELETE FROM role_beat WHERE role = $1 AND place = $2", self._role, self._place
            )
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            raise StoreUnavailableError(f"no farewell: {describe_error(error)}") from error

    def cut(self) -> None:
        """Let the connection go at once."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


async def read_beats(connection: Connection) -> list[RoleBeat]:
    """Return the beats of all processes."""
    return [RoleBeat(**row) for row in await connection.fetch(READ, ROWS_MAX)]


async def forget_beats(connection: Connection, before: datetime | None = None) -> None:
    """Forget processes that beat last before a time; all of them without one, when everything starts anew."""
    await connection.execute("DELETE FROM role_beat WHERE $1::timestamptz IS NULL OR beat_at < $1", before)
