"""Incidents as people read them: what the alerts that a reader may see make of each. Who sees none sees no incident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.store.alerts.reader import MAY_BE_OPEN, MUTED, OPEN, TAKEN, WORK_COMPUTED, WORK_OF
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where

Row = Mapping[str, Any]

ALERTS_TOLD_MAX = 100
"""Ids of one incident in a list, the newest; all are counted, and the list of alerts has them page by page."""
WHO = {"area": "a.area", "zone": "a.zone", "feed": "a.feed", "restricted": "a.restricted"}
SEEN = f"""
SELECT i.id, i.number, i.ordinal, i.family, i.key, i.title, count(*)::int AS alert_count,
  count(*) FILTER (WHERE {OPEN})::int AS open_count,
  count(DISTINCT a.device) FILTER (WHERE {OPEN})::int AS open_devices, count(DISTINCT a.device)::int AS devices,
  coalesce(max(a.severity_rank) FILTER (WHERE {OPEN}), 0)::int AS severity_rank,
  coalesce(bool_and({TAKEN}) FILTER (WHERE {OPEN}), true) AS taken,
  min(a.opened_at) AS opened_at, max(a.changed_at) AS changed_at,
  (array_agg(a.id ORDER BY m.number DESC))[1:{ALERTS_TOLD_MAX}] AS alerts,
  coalesce(array_agg(DISTINCT a.area) FILTER (WHERE a.area IS NOT NULL), '{{}}') AS areas,
  coalesce(array_agg(DISTINCT a.zone) FILTER (WHERE a.zone IS NOT NULL), '{{}}') AS zones,
  (array_agg(a.id ORDER BY {OPEN} DESC, {MUTED}, a.severity_rank DESC, a.opened_at, a.id))[1] AS worst,
  sum({WORK_COMPUTED["version"]})::bigint AS version
FROM incident_member m JOIN incident i ON i.id = m.incident JOIN alert a ON a.id = m.alert {WORK_OF}
"""  # noqa: S608 - own text
ATTENTION = "(-s.severity_rank, s.taken, s.opened_at, s.id)"
"""As for alerts: the most severe first, of these what nobody has, of these what waits longest."""


@dataclass(frozen=True, slots=True)
class IncidentPageEnd:
    """Where a page of open incidents ends."""

    severity_rank: int
    taken: bool
    opened_at: datetime
    id: str


async def list_open(connection: Connection, scope: Scope, *, after: IncidentPageEnd | None, limit: int) -> list[Row]:
    """Return incidents with an open alert, what needs a person most first."""
    where = Where().scope(scope, **WHO)
    seen = where.sql
    candidates = (
        f"SELECT im.incident FROM incident_member im JOIN alert a ON a.id = im.alert {WORK_OF} "  # noqa: S608 - own text
        f"WHERE {seen} AND {OPEN} AND {MAY_BE_OPEN}"
    )
    behind = "TRUE"
    if after is not None:
        keys = (-after.severity_rank, after.taken, after.opened_at, after.id)
        places = [where.value(key) for key in keys]
        behind = f"{ATTENTION} > ({places[0]}::int, {places[1]}::boolean, {places[2]}, {places[3]})"
    rows: list[Row] = await connection.fetch(
        f"SELECT s.* FROM ({SEEN} WHERE {seen} AND m.incident IN ({candidates}) GROUP BY i.id) s "  # noqa: S608 - own text
        f"WHERE {behind} ORDER BY {ATTENTION} LIMIT {where.value(limit)}",
        *where.arguments,
    )
    return rows


async def list_newest(connection: Connection, scope: Scope, *, over: bool, before: int | None, limit: int) -> list[Row]:
    """Return incidents, the newest first; ``over``: those alone of which no alert is open."""
    where = Where().scope(scope, **WHO)
    seen = where.sql
    member = (
        f"SELECT FROM incident_member im JOIN alert a ON a.id = im.alert {WORK_OF} WHERE im.incident = ic.id AND {seen}"
    )
    chosen = [f"EXISTS ({member})"]
    if over:
        chosen.append(f"NOT EXISTS ({member} AND {OPEN})")
    if before is not None:
        chosen.append(f"ic.ordinal < {where.value(before)}")
    rows: list[Row] = await connection.fetch(
        f"{SEEN} WHERE {seen} AND m.incident IN (SELECT ic.id FROM incident ic WHERE {' AND '.join(chosen)} "  # noqa: S608 - own text
        f"ORDER BY ic.ordinal DESC LIMIT {where.value(limit)}) GROUP BY i.id ORDER BY i.ordinal DESC",
        *where.arguments,
    )
    return rows


async def load_incidents(connection: Connection, ids: Sequence[str], scope: Scope) -> list[Row]:
    """Return incidents by id inside the wall."""
    where = Where().scope(scope, **WHO).add("m.incident = ANY({}::text[])", list(ids))
    rows: list[Row] = await connection.fetch(f"{SEEN} WHERE {where.sql} GROUP BY i.id", *where.arguments)
    return rows


async def get_incident(connection: Connection, incident: str, scope: Scope) -> Row | None:
    """Return one incident inside the wall, by id or by the number said aloud, or None."""
    where = Where().scope(scope, **WHO)
    name = where.value(incident)
    row: Row | None = await connection.fetchrow(
        f"{SEEN} WHERE {where.sql} AND (i.id = {name} OR i.number = {name}) GROUP BY i.id", *where.arguments
    )
    return row


async def read_history(
    connection: Connection, incident: str, scope: Scope, *, before: tuple[datetime, str, int] | None, limit: int
) -> list[Row]:
    """Return the moves of an incident's alerts inside the wall, the engine's and people's, the newest first."""
    where = Where().scope(scope, **WHO).add("m.incident = {}", incident)
    # An alert that only people end goes on when its condition is over, so that move is not shown.
    where.add("NOT (a.ends = 'person' AND h.kind = 'cleared')")
    if before is not None:
        where.add("(h.log_time, h.alert, h.number) < ({}, {}, {})", *before)
    rows: list[Row] = await connection.fetch(
        "SELECT h.alert, a.number AS alert_number, a.title, h.number, h.at, h.log_time, h.kind, h.actor, h.severity, "  # noqa: S608 - own text
        "h.summary, h.reason, h.text, h.position, h.call, h.assignee, h.until FROM incident_member m "
        "JOIN alert a ON a.id = m.alert JOIN alert_history h ON h.alert = a.id "
        f"WHERE {where.sql} ORDER BY h.log_time DESC, h.alert DESC, h.number DESC LIMIT {where.value(limit)}",
        *where.arguments,
    )
    return rows
