"""Events as people read them. The log's own reading and writing is in event_log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.store.engine import Connection
from ioc.store.scope import Scope, Where

Row = Mapping[str, Any]
COLUMNS = (
    "position, log_time, key, feed, device, id, time, effective, received_at, data, flags, area, zone, lat, lon, "
    "revision, door"
)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; ``since``/``until`` bound the effective time."""

    feeds: Sequence[str] | None = None
    devices: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None


async def list_events(
    connection: Connection, chosen: EventFilter, scope: Scope, *, before: int | None, limit: int
) -> list[Row]:
    """Return events, newest position first, before a position. Every revision is a row of its own."""
    where = Where().add("kind = 'event'").scope(scope, area="area", zone="zone", feed="feed")
    where.one_of("feed", chosen.feeds).one_of("device", chosen.devices)
    if chosen.since is not None:
        where.add("effective >= {}", chosen.since)
    if chosen.until is not None:
        where.add("effective < {}", chosen.until)
    if before is not None:
        where.add("position < {}", before)
    rows: list[Row] = await connection.fetch(
        f"SELECT {COLUMNS} FROM event WHERE {where.sql} ORDER BY position DESC LIMIT {where.value(limit)}",  # noqa: S608 - own text
        *where.arguments,
    )
    return rows


async def get_event(connection: Connection, key: bytes, scope: Scope) -> Row | None:
    """Return the newest revision of one event inside the wall, or None."""
    where = Where().add("kind = 'event'").add("key = {}", key).scope(scope, area="area", zone="zone", feed="feed")
    row: Row | None = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM event WHERE {where.sql} ORDER BY revision DESC LIMIT 1",  # noqa: S608 - own text
        *where.arguments,
    )
    return row
