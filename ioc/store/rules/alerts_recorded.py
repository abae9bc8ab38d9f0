"""The history of alerts as a check of it reads it: the engine's moves in the order of the log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.alert import OpenAlert
from ioc.domain.alert_row import AlertRow
from ioc.domain.event import Entry
from ioc.domain.recorded import ENGINE_KINDS, NowRow, RecordedMove
from ioc.domain.severity import Severity
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from ioc.store.postgres.statement import columns_of, select_list
from ioc.store.rules.memory import CURSOR, OPEN_COMPUTED

ROW = columns_of(AlertRow)
ENGINE = ", ".join(f"'{kind}'" for kind in ENGINE_KINDS)
# Lines of the engine have no actor, lines of people no position: anything else was tampered with.
MOVES = f"""
SELECT h.alert, a.rule, a.key, h.position, h.kind, h.severity, h.at, h.reason, h.log_time, h.summary, h.evidence,
       a.number, coalesce(h.evidence -> 'rule' ->> 'hash', a.rule_hash) AS rule_hash, h.number AS line,
       NOT EXISTS (SELECT FROM alert_history n WHERE n.alert = h.alert AND n.number > h.number
                   AND n.kind IN ({ENGINE})) AS newest,
       {select_list(ROW, of="a", prefix="row_")}
FROM alert_history h JOIN alert a ON a.id = h.alert
WHERE (h.position, h.alert, h.number) > ($1, $2, $3) AND h.position <= $4 AND h.kind IN ({ENGINE})
ORDER BY h.position, h.alert, h.number LIMIT $5
"""  # noqa: S608 - fixed names
WITHOUT_OPENING = """
SELECT a.id, a.rule, a.key FROM alert a WHERE a.position <= $1 AND NOT EXISTS (
    SELECT FROM alert_history h WHERE h.alert = a.id AND h.kind = 'opened' AND h.position IS NOT NULL)
ORDER BY a.id LIMIT $2
"""
OPEN_AT = f"""
SELECT {select_list(columns_of(OpenAlert), of="a", computed={**OPEN_COMPUTED, "severity": "last.severity"})}
FROM alert a CROSS JOIN LATERAL (
    SELECT h.kind, h.severity FROM alert_history h
    WHERE h.alert = a.id AND h.position <= $1
      AND h.kind IN ('opened', 'raised', 'lowered', 'cleared', 'reopened')
    ORDER BY h.number DESC LIMIT 1
) last
WHERE a.opened_position <= $1 AND last.kind <> 'cleared'
ORDER BY a.rule, a.key
"""  # noqa: S608 - fixed names
CHUNK = 5_000
"""Moves read at once; without an index by position each page reads the whole history."""
FIRST_PASSING = "SELECT position FROM event WHERE kind IN ('event', 'tick', 'gap') ORDER BY position LIMIT 1"


@dataclass(frozen=True, slots=True)
class LogExtent:
    """What of the log is kept, and up to where the engine has come."""

    cursor: int
    first: int
    """The oldest reading or tick that is kept; 0: there is none."""
    whole: bool
    """Whether nothing was dropped."""


NOWS = f"""
SELECT {select_list(columns_of(NowRow), of="n", computed={"rule": "a.rule", "key": "a.key"})}
FROM alert_now n JOIN alert a ON a.id = n.alert ORDER BY n.alert
"""  # noqa: S608 - own names
WITHOUT_NOW = """
SELECT a.id, a.rule, a.key FROM alert a WHERE a.condition = 'firing' AND a.opened_position >= $1
  AND a.position <= $2 AND NOT EXISTS (SELECT FROM alert_now n WHERE n.alert = a.id) ORDER BY a.id LIMIT $3
"""
ENGINES = "SELECT data AS value FROM event WHERE kind = 'engine' AND position <= $1 ORDER BY position"


class RecordedAlerts:
    """Reads the log and the history side by side."""

    def __init__(self, database: Database, log: EventLog) -> None:
        self._database = database
        self._log = log

    async def kept(self) -> LogExtent:
        """Return what is kept."""
        async with self._database.connection() as connection:
            cursor = await connection.fetchval("SELECT position FROM cursor WHERE name = $1", CURSOR)
            first = await connection.fetchval(FIRST_PASSING) or 0
            before = await connection.fetchval("SELECT count(*) FROM event WHERE position < $1", first)
        return LogExtent(cursor or 0, first, first in (0, before + 1))

    async def engines(self, until: int) -> list[Mapping[str, Any]]:
        """Return what the log's `engine` entries up to a position say, in order."""
        async with self._database.connection() as connection:
            return [row["value"] for row in await connection.fetch(ENGINES, until)]

    async def nows(self) -> list[NowRow]:
        """Return how things are with alerts by the store."""
        async with self._database.connection() as connection:
            return [NowRow(**row) for row in await connection.fetch(NOWS)]

    async def without_now(self, since: int, until: int, limit: int) -> list[tuple[str, str, str]]:
        """Return (id, rule, key) of firing alerts, opened since a position, without a row of how they are."""
        async with self._database.connection() as connection:
            return [tuple(row) for row in await connection.fetch(WITHOUT_NOW, since, until, limit)]

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
                yield _move(row)
            if len(rows) < CHUNK:
                return
            after = (rows[-1]["position"], rows[-1]["alert"], rows[-1]["line"])

    async def without_opening(self, until: int, limit: int) -> list[tuple[str, str, str]]:
        """Return (id, rule, key) of alerts whose opening no history has: nothing of the log made them."""
        async with self._database.connection() as connection:
            return [tuple(row) for row in await connection.fetch(WITHOUT_OPENING, until, limit)]

    async def open_at(self, position: int) -> list[OpenAlert]:
        """Return the alerts that fired after the entry at a position, by their history."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(OPEN_AT, position)
        return [OpenAlert(**{**row, "severity": Severity(row["severity"])}) for row in rows]


def _move(row: Mapping[str, Any]) -> RecordedMove:
    alert = AlertRow(**{name: row[f"row_{name}"] for name in ROW}) if row["newest"] else None
    return RecordedMove(
        alert=row["alert"], rule=row["rule"], key=row["key"], position=row["position"], kind=row["kind"],
        severity=row["severity"] or "", at=row["at"], reason=row["reason"] or "", rule_hash=row["rule_hash"],
        log_time=row["log_time"], summary=row["summary"] or {}, evidence=row["evidence"] or {}, number=row["number"],
        row=alert,
    )  # fmt: skip
