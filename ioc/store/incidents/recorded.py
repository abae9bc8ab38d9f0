"""Incidents as a check of them reads them: how they stood after a position, and what the tables say now."""

from __future__ import annotations

from collections.abc import Sequence

from ioc.domain.alert import TransitionKind
from ioc.incidents.book import IncidentState
from ioc.store.postgres.engine import Database
from ioc.store.postgres.statement import literals

GROUPINGS = "SELECT position, mark FROM incident_grouping WHERE position <= $1 ORDER BY position"
ENGINE = literals(str(kind) for kind in TransitionKind)
INCIDENTS_AT = f"""
SELECT i.id, i.ordinal, i.family, i.key, i.opened_at, i.opened_position, max(h.log_time) AS changed_at,
       max(h.position) AS position, count(*)::int AS moves
FROM incident i JOIN incident_member m ON m.incident = i.id AND m.position <= $1
JOIN alert_history h ON h.alert = m.alert AND h.kind IN ({ENGINE}) AND h.position <= $1
WHERE i.opened_position <= $1 GROUP BY i.id ORDER BY i.ordinal
"""  # noqa: S608 - own names
MEMBERS_AT = f"""
SELECT m.incident, m.alert, a.lat, a.lon, last.kind <> 'cleared' AS firing
FROM incident_member m JOIN alert a ON a.id = m.alert CROSS JOIN LATERAL (
    SELECT h.kind FROM alert_history h WHERE h.alert = m.alert AND h.kind IN ({ENGINE}) AND h.position <= $1
    ORDER BY h.number DESC LIMIT 1
) last WHERE m.position <= $1 ORDER BY m.incident, m.number
"""  # noqa: S608 - own names
STORED = """
SELECT id, ordinal, family, key, opened_at, opened_position, changed_at, position, moves, firing FROM incident
WHERE position <= $1 ORDER BY ordinal
"""
STORED_MEMBERS = "SELECT alert, incident, number, position FROM incident_member WHERE position > $1 AND position <= $2"


class RecordedIncidents:
    """Reads incidents beside the log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def grouped_since(self, mark: str, until: int) -> int | None:
        """Return after which position the families of a mark have grouped until now; None: others do."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(GROUPINGS, until)
        return rows[-1]["position"] if rows and rows[-1]["mark"] == mark else None

    async def at(self, position: int) -> list[IncidentState]:
        """Return every incident as it stood after the entry at a position."""
        async with self._database.connection() as connection:
            found = {row["id"]: IncidentState(**row) for row in await connection.fetch(INCIDENTS_AT, position)}
            for row in await connection.fetch(MEMBERS_AT, position):
                incident = found[row["incident"]]
                incident.members[row["alert"]] = None if row["lat"] is None else (row["lat"], row["lon"])
                if row["firing"]:
                    incident.firing.add(row["alert"])
        return list(found.values())

    async def members(self, after: int, until: int) -> dict[str, tuple[str, int]]:
        """Return (incident, place among its members) of the alerts that joined after a position."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(STORED_MEMBERS, after, until)
        return {row["alert"]: (row["incident"], row["number"]) for row in rows}

    async def rows(self, until: int) -> Sequence[dict[str, object]]:
        """Return the rows of incidents that have not moved since a position."""
        async with self._database.connection() as connection:
            return [dict(row) for row in await connection.fetch(STORED, until)]
