"""What people entered, as people read it: each entry by its newest revision, and the history of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where

Row = Mapping[str, Any]
HISTORY_MAX = 200
COLUMNS = """
    m.event, m.revision, m.position, m.log_time, m.action, m.actor, m.reason,
    e.key, e.feed, e.device, e.id, e.time, e.effective, e.received_at, e.data, e.flags, e.area, e.zone, e.lat, e.lon,
    e.door
"""
ENTERED = """
    (SELECT actor FROM manual_entry f WHERE f.event = m.event AND f.revision = 0) AS entered_by,
    (SELECT log_time FROM manual_entry f WHERE f.event = m.event AND f.revision = 0) AS entered_at,
    (SELECT position FROM manual_entry f WHERE f.event = m.event AND f.revision = 0) AS entered_position
"""
JOIN = "manual_entry m JOIN event e ON e.position = m.position AND e.log_time = m.log_time AND e.key = m.event"
NEWEST = "NOT EXISTS (SELECT 1 FROM manual_entry n WHERE n.event = m.event AND n.revision > m.revision)"


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries: of one feed, of who entered them first."""

    feed: str | None = None
    actor: str | None = None


async def list_entries(
    connection: Connection, chosen: EntryFilter, scope: Scope, *, before: int | None, limit: int
) -> Sequence[Row]:
    """Return entries by their newest revision, the last entered first, those before a position."""
    where = Where().scope(scope, area="m.area", zone="m.zone", feed="m.feed").add("m.revision = 0")
    if chosen.feed is not None:
        where.add("m.feed = {}", chosen.feed)
    if chosen.actor is not None:
        where.add("m.actor = {}", chosen.actor)
    if before is not None:
        where.add("m.position < {}", before)
    first = f"SELECT m.event FROM manual_entry m WHERE {where.sql} ORDER BY m.position DESC LIMIT {where.value(limit)}"  # noqa: S608 - own text
    rows: list[Row] = await connection.fetch(
        f"SELECT {COLUMNS}, {ENTERED} FROM {JOIN} WHERE m.event IN ({first}) AND {NEWEST} "  # noqa: S608 - own text
        "ORDER BY entered_position DESC",
        *where.arguments,
    )
    return rows


async def get_entry(connection: Connection, event: bytes, scope: Scope) -> Row | None:
    """Return an entry inside the wall by its newest revision, or None."""
    where = Where().scope(scope, area="m.area", zone="m.zone", feed="m.feed").add("m.event = {}", event)
    row: Row | None = await connection.fetchrow(
        f"SELECT {COLUMNS}, {ENTERED} FROM {JOIN} WHERE {where.sql} ORDER BY m.revision DESC LIMIT 1",  # noqa: S608 - own text
        *where.arguments,
    )
    return row


async def entry_history(connection: Connection, event: bytes) -> Sequence[Row]:
    """Return the revisions of an entry, oldest first."""
    rows: list[Row] = await connection.fetch(
        f"SELECT {COLUMNS}, {ENTERED} FROM {JOIN} WHERE m.event = $1 ORDER BY m.revision LIMIT {HISTORY_MAX}",  # noqa: S608 - own text
        event,
    )
    return rows
