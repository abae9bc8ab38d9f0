"""How far the log and its rule engine have come, in one cheap read: what fair intake goes by."""

from __future__ import annotations

from dataclasses import dataclass

from ioc.store.postgres.engine import Database

READ = """
SELECT h.position AS head, c.position AS folded, c.events_per_second
FROM log_head h JOIN cursor c ON c.name = 'rules' WHERE h.id = 1
"""


@dataclass(frozen=True, slots=True)
class LogPace:
    """Positions of the log's head and the engine's cursor, and the events per second the engine folds when busy."""

    head: int
    folded: int
    events_per_second: float


class PaceStore:
    """Reads the pace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> LogPace | None:
        """Return the pace; None: no engine has ever worked on this log.

        Raises:
            StoreUnavailableError: PostgreSQL does not answer.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(READ)
        return None if row is None else LogPace(row["head"], row["folded"], row["events_per_second"])
