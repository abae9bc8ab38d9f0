"""The history of alerts as a check of it reads it: the engine's moves in the order of the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from ioc.domain.alert import OpenAlert
from ioc.domain.event import Entry
from ioc.domain.recorded import RecordedMove
from ioc.domain.severity import Severity
from ioc.store.engine import Database
from ioc.store.event_log import EventLog
from ioc.store.rule_memory import CURSOR

MOVES = """
SELECT h.number, h.alert, a.rule, a.key, h.position, h.kind, h.severity, h.at, h.reason,
       coalesce(h.evidence -> 'rule' ->> 'hash', a.rule_hash) AS rule_hash
FROM alert_history h JOIN alert a ON a.id = h.alert
WHERE (h.position, h.alert, h.number) > ($1, $2, $3) AND h.position <= $4
  AND h.kind IN ('opened', 'raised', 'lowered', 'cleared', 'reopened')
ORDER BY h.position, h.alert, h.number LIMIT $5
"""
OPEN_AT = """
SELECT a.id, a.rule, a.key, last.severity, a.opened_at, a.opened_position, a.flap_count, a.retrospective, a.feed,
       coalesce(a.device, '') AS device, a.area, a.zone, a.lat, a.lon
FROM alert a CROSS JOIN LATERAL (
    SELECT h.kind, h.severity FROM alert_history h
    WHERE h.alert = a.id AND h.position <= $1
      AND h.kind IN ('opened', 'raised', 'lowered', 'cleared', 'reopened')
    ORDER BY h.number DESC LIMIT 1
) last
WHERE a.opened_position <= $1 AND last.kind <> 'cleared'
ORDER BY a.rule, a.key
"""
CHUNK = 5_000
"""Moves read at once; without an index by position each page reads the whole history."""
FIRST_PASSING = "SELECT position FROM event WHERE kind IN ('event', 'tick', 'gap') ORDER BY position LIMIT 1"


@dataclass(frozen=True, slots=True)
class Kept:
    """What of the log is kept, and up to where the engine has come."""

    cursor: int
    first: int
    """The oldest reading or tick that is kept; 0: there is none."""
    whole: bool
    """Whether nothing was dropped."""


class RecordedAlerts:
    """Reads the log and the history side by side."""

    def __init__(self, database: Database, log: EventLog) -> None:
        self._database = database
        self._log = log

    async def kept(self) -> Kept:
        """Return what is kept."""
        async with self._database.connection() as connection:
            cursor = await connection.fetchval("SELECT position FROM cursor WHERE name = $1", CURSOR)
            first = await connection.fetchval(FIRST_PASSING) or 0
            before = await connection.fetchval("SELECT count(*) FROM event WHERE position < $1", first)
        return Kept(cursor or 0, first, first in (0, before + 1))

    async def entries(self, after: int, after_time: datetime, limit: int) -> list[Entry]:
        """Return the next entries of the log."""
        return await self._log.read(after, after_time, limit)

    async def moves(self, until: int) -> AsyncIterator[RecordedMove]:
        """Yield what the history says of the entries up to a position, in the order of the log."""
        after = (-1, "", 0)
        while True:
            async with self._database.connection() as connection:
                rows = await connection.fetch(MOVES, *after, until, CHUNK)
            for row in rows:
                yield RecordedMove(**{name: value for name, value in row.items() if name != "number"})
            if len(rows) < CHUNK:
                return
            after = (rows[-1]["position"], rows[-1]["alert"], rows[-1]["number"])

    async def open_at(self, position: int) -> list[OpenAlert]:
        """Return the alerts that fired after the entry at a position, by their history."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(OPEN_AT, position)
        return [OpenAlert(**{**row, "severity": Severity(row["severity"])}) for row in rows]
