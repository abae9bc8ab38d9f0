"""Devices as people read them: the registry with when each was last heard and its main value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.device import LOW_BATTERY_PCT
from ioc.domain.feed import DeviceHealth, FeedSpec
from ioc.domain.search import SearchQuery
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where

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
m.door AS mqtt_door, m.since AS presence_since, m.reason AS presence_reason,
w.running_until AS maintenance_until, w.reason AS maintenance_reason,
hb.field AS battery_field, hb.value AS battery_value, hb.effective AS battery_at,
hs.field AS signal_field, hs.value AS signal_value, hs.effective AS signal_at,
hf.field AS firmware_field, hf.value AS firmware_value, hf.effective AS firmware_at
"""
LOW_BATTERY = f"coalesce(jsonb_typeof(hb.value) = 'number' AND (hb.value)::text::float8 < {LOW_BATTERY_PCT}, false)"
TABLES = """
device d
LEFT JOIN unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[])
  AS f(feed, field, seconds, battery, signal, firmware) ON f.feed = d.feed
LEFT JOIN device_seen s ON s.device = d.id AND s.feed = d.feed
LEFT JOIN latest l ON l.device = d.id AND l.feed = d.feed AND l.field = f.field
LEFT JOIN latest hb ON hb.device = d.id AND hb.feed = d.feed AND hb.field = f.battery
LEFT JOIN latest hs ON hs.device = d.id AND hs.feed = d.feed AND hs.field = f.signal
LEFT JOIN latest hf ON hf.device = d.id AND hf.feed = d.feed AND hf.field = f.firmware
LEFT JOIN mqtt_session m ON m.device = d.id AND (m.door IS NOT NULL OR m.since >= d.registered_at)
LEFT JOIN maintenance_window w ON w.id = d.maintenance_window
"""


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices; null does not filter."""

    feeds: Sequence[str] | None = None
    statuses: Sequence[str] | None = None
    parent: str | None = None
    asked: SearchQuery | None = None
    ids: Sequence[str] | None = None
    low_battery: bool | None = None


def _start(now: datetime, feeds: Mapping[str, FeedSpec]) -> Where:
    """Return a clause whose first seven parameters are what ``COLUMNS`` and ``TABLES`` need."""
    where = Where()
    where.value(now)
    where.value(list(feeds))
    where.value([spec.main_field for spec in feeds.values()])
    where.value([int(spec.expected_period.total_seconds()) for spec in feeds.values()])
    for kind in DeviceHealth:
        where.value([spec.health_field(kind) for spec in feeds.values()])
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
    where.one_of("d.feed", chosen.feeds).one_of(f"({STATUS})", chosen.statuses).one_of("d.id", chosen.ids)
    where.search("concat_ws(' ', d.id, d.name_vi, d.name_en, d.place, d.owner)", chosen.asked, area="d.area")
    if chosen.low_battery is not None:
        where.add(LOW_BATTERY if chosen.low_battery else f"NOT {LOW_BATTERY}")
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


async def is_gateway(connection: Connection, device: str) -> bool:
    """Tell whether a device is a gateway in use."""
    found = await connection.fetchval("SELECT gateway AND state <> 'retired' FROM device WHERE id = $1", device)
    return bool(found)
