"""Reading the change feed by position. Positions have no holes, so a hole means that retention has passed by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.errors import IOCError
from ioc.store.postgres.engine import Connection


class ChangesPrunedError(IOCError):
    """Changes after the asked position are no longer kept: the reader must load its lists again."""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change as a reader sees it."""

    position: int
    log_time: datetime
    kind: str
    id: str
    area: str | None
    zone: str | None
    version: int
    restricted: bool
    data: Mapping[str, Any] | None


async def change_head(connection: Connection) -> int:
    """Return the last position given out and committed."""
    return int(await connection.fetchval("SELECT position FROM change_head WHERE id = 1") or 0)


async def read_changes(connection: Connection, *, after: int, limit: int, until: int | None = None) -> list[ChangeRow]:
    """Return changes with ``after < position <= until``, oldest first.

    Raises:
        ChangesPrunedError: the row at ``after + 1`` is gone although a later one, or the head, is there.
    """
    rows = await connection.fetch(
        "SELECT position, log_time, kind, id, area, zone, version, restricted, data FROM change "
        "WHERE position > $1 AND ($2::bigint IS NULL OR position <= $2) ORDER BY position LIMIT $3",
        after,
        until,
        limit,
    )
    expected = after + 1
    for row in rows:
        if row["position"] != expected:
            raise ChangesPrunedError(f"changes {expected} to {row['position'] - 1} are no longer kept")
        expected += 1
    if not rows and until is not None and until > after:
        raise ChangesPrunedError(f"changes {after + 1} to {until} are no longer kept")
    return [ChangeRow(**dict(row)) for row in rows]


async def clock_counts(
    connection: Connection, *, now: datetime, feeds: Sequence[str], seconds: Sequence[int]
) -> list[Mapping[str, Any]]:
    """Count active devices and those that report, per area, zone and feed, and name those that do not (``offline``).

    ``seconds`` are the feeds' periods.
    """
    rows: list[Mapping[str, Any]] = await connection.fetch(
        "SELECT area, zone, feed, count(*) AS total, count(*) FILTER (WHERE online) AS online, "
        "coalesce(array_agg(id) FILTER (WHERE NOT online), '{}') AS offline FROM ("
        "  SELECT d.id, d.area, d.zone, d.feed, coalesce(s.log_time >= $1::timestamptz "
        "    - make_interval(secs => 2 * coalesce(d.expected_period_seconds, f.seconds, 600)), false) AS online "
        "  FROM device d LEFT JOIN device_seen s ON s.device = d.id AND s.feed = d.feed "
        "  LEFT JOIN unnest($2::text[], $3::int[]) AS f(feed, seconds) ON f.feed = d.feed "
        "  WHERE d.state = 'active') AS device GROUP BY 1, 2, 3",
        now,
        list(feeds),
        list(seconds),
    )
    return rows
