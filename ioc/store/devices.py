"""Devices as people read them: the registry with when each was last heard and its main value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.feed import FeedSpec
from ioc.store.engine import Connection
from ioc.store.scope import Scope, Where

Row = Mapping[str, Any]
PERIOD_SECONDS = 600

STATUS = f"""
CASE WHEN d.state <> 'active' THEN d.state WHEN s.log_time IS NULL THEN 'never'
  WHEN s.log_time < $1::timestamptz
    - make_interval(secs => 2 * coalesce(d.expected_period_seconds, f.seconds, {PERIOD_SECONDS}))
  THEN 'silent' ELSE 'online' END
"""
COLUMNS = f"""
d.*, coalesce(d.expected_period_seconds, f.seconds, {PERIOD_SECONDS}) AS period_seconds, {STATUS} AS status,
s.log_time AS last_seen, s.effective AS last_effective, coalesce(s.events, 0) AS events,
f.field AS main_field, l.value AS main_value, l.effective AS main_at,
m.door AS mqtt_door, m.since AS presence_since, m.reason AS presence_reason
"""
TABLES = """
device d
LEFT JOIN unnest($2::text[], $3::text[], $4::int[]) AS f(feed, field, seconds) ON f.feed = d.feed
LEFT JOIN device_seen s ON s.device = d.id AND s.feed = d.feed
LEFT JOIN latest l ON l.device = d.id AND l.feed = d.feed AND l.field = f.field
LEFT JOIN mqtt_session m ON m.device = d.id
"""


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices; null does not filter."""

    feeds: Sequence[str] | None = None
    statuses: Sequence[str] | None = None
    parent: str | None = None
    text: str | None = None


def _start(now: datetime, feeds: Mapping[str, FeedSpec]) -> Where:
    """Return a clause whose first four parameters are what ``COLUMNS`` and ``TABLES`` need."""
    where = Where()
    where.value(now)
    where.value(list(feeds))
    where.value([spec.main_field for spec in feeds.values()])
    where.value([int(spec.expected_period.total_seconds()) for spec in feeds.values()])
    return where


async def list_devices(
    connection: Connection,
    chosen: DeviceFilter,
    scope: Scope,
    *,
    now: datetime,
    feeds: Mapping[str, FeedSpec],
    after: str | None,
    limit: int,
) -> list[Row]:
    """Return devices by id, after ``after``."""
    where = _start(now, feeds).scope(scope, area="d.area", zone="d.zone", feed="d.feed")
    where.one_of("d.feed", chosen.feeds).one_of(f"({STATUS})", chosen.statuses)
    where.search("concat_ws(' ', d.id, d.name_vi, d.name_en, d.place, d.owner)", chosen.text)
    if chosen.parent is not None:
        where.add("d.parent = {}", chosen.parent)
    if after is not None:
        where.add("d.id > {}", after)
    rows: list[Row] = await connection.fetch(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE {where.sql} ORDER BY d.id LIMIT {where.value(limit)}",  # noqa: S608 - own text
        *where.arguments,
    )
    return rows


async def load_devices(
    connection: Connection, ids: Sequence[str], *, now: datetime, feeds: Mapping[str, FeedSpec]
) -> dict[str, Row]:
    """Return devices by id without any wall: for the stream's poller."""
    where = _start(now, feeds).one_of("d.id", ids)
    rows = await connection.fetch(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE {where.sql}",  # noqa: S608 - own text
        *where.arguments,
    )
    return {row["id"]: row for row in rows}


async def get_device(
    connection: Connection, device: str, scope: Scope, *, now: datetime, feeds: Mapping[str, FeedSpec]
) -> Row | None:
    """Return one device inside the wall, or None."""
    where = _start(now, feeds).add("d.id = {}", device).scope(scope, area="d.area", zone="d.zone", feed="d.feed")
    row: Row | None = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE {where.sql}",  # noqa: S608 - own text
        *where.arguments,
    )
    return row


async def sees_device(connection: Connection, device: str, scope: Scope) -> bool:
    """Tell whether a device is registered inside the wall."""
    row = await connection.fetchrow("SELECT area, zone, feed FROM device WHERE id = $1", device)
    return row is not None and scope.sees(area=row["area"], zone=row["zone"], feed=row["feed"])
