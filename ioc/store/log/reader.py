"""Events as people read them. The log's own reading and writing is in event_log."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where

Row = Mapping[str, Any]
COLUMNS = (
    "position, log_time, key, feed, device, id, time, effective, received_at, data, flags, area, zone, lat, lon, "
    "revision, door"
)
AROUND_SPAN = timedelta(days=7)
AROUND_ROWS_MAX = 500
METRES_A_DEGREE = 111_195


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


async def find_sent(connection: Connection, feed: str, device: str, identifier: str, scope: Scope) -> Row | None:
    """Return the newest revision of what a device has sent under an id of its own, inside the wall, or None."""
    where = Where().add("kind = 'event'").scope(scope, area="area", zone="zone", feed="feed")
    where.add("feed = {}", feed).add("device = {}", device).add("id = {}", identifier)
    row: Row | None = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM event WHERE {where.sql} ORDER BY effective DESC, revision DESC LIMIT 1",  # noqa: S608 - own text
        *where.arguments,
    )
    return row


async def list_around(connection: Connection, event: Row, scope: Scope, *, metres: float) -> list[Row]:
    """Return the newest revisions of the feed's other events in a square around one, a week before and after it.

    Newest first, bounded; none where it has no place. The square holds the circle of ``metres``.
    """
    if event["lat"] is None or event["lon"] is None:
        return []
    north = metres / METRES_A_DEGREE
    east = north / max(math.cos(math.radians(event["lat"])), 0.01)
    where = Where().add("kind = 'event'").scope(scope, area="area", zone="zone", feed="feed")
    where.add("feed = {}", event["feed"]).add("key <> {}", event["key"])
    since, until = event["effective"] - AROUND_SPAN, event["effective"] + AROUND_SPAN
    where.add("effective BETWEEN {} AND {}", since, until)
    # An event enters the log at most two minutes before its own time, so older partitions can be skipped.
    where.add("log_time >= {}", since - timedelta(hours=1))
    where.add("lat BETWEEN {} AND {}", event["lat"] - north, event["lat"] + north)
    where.add("lon BETWEEN {} AND {}", event["lon"] - east, event["lon"] + east)
    rows: list[Row] = await connection.fetch(
        f"SELECT * FROM (SELECT DISTINCT ON (key) {COLUMNS} FROM event WHERE {where.sql} ORDER BY key, revision DESC) "  # noqa: S608 - own text
        f"AS newest ORDER BY effective DESC LIMIT {AROUND_ROWS_MAX}",
        *where.arguments,
    )
    return rows


async def read_positions(connection: Connection, positions: Sequence[int], until: datetime, scope: Scope) -> list[Row]:
    """Return the newest revisions of the events at some positions of the log up to ``until``, newest first."""
    where = Where().scope(scope, area="e.area", zone="e.zone", feed="e.feed")
    where.add("e.kind = 'event'").add(
        "e.key IN (SELECT key FROM event WHERE kind = 'event' AND position = ANY({}::bigint[]) AND log_time <= {})",
        list(positions), until,
    )  # fmt: skip
    rows: list[Row] = await connection.fetch(
        f"SELECT * FROM (SELECT DISTINCT ON (key) {COLUMNS} FROM event e WHERE {where.sql} "  # noqa: S608 - own text
        "ORDER BY key, revision DESC) AS newest ORDER BY effective DESC, position DESC",
        *where.arguments,
    )
    return rows
