"""The city as gauges: what devices measure now, who they are and when each was last heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where

SERIES_MAX = 5_000
PERIOD_SECONDS = 600
READINGS = f"""
SELECT l.feed, l.field, l.device, coalesce(d.area, '') AS area, count(*) OVER () AS total,
  CASE jsonb_typeof(l.value) WHEN 'boolean' THEN (l.value::text)::bool::int ELSE (l.value::text)::float8 END AS value
FROM latest l JOIN device d ON d.id = l.device
JOIN unnest($2::text[], $3::text[], $4::int[]) AS f(feed, field, seconds) ON f.feed = l.feed AND f.field = l.field
WHERE jsonb_typeof(l.value) IN ('number', 'boolean') AND d.state = 'active' AND l.log_time >= $1::timestamptz
  - make_interval(secs => 2 * coalesce(d.expected_period_seconds, f.seconds, {PERIOD_SECONDS})) AND
"""  # noqa: S608 - own text
DEVICES = """
SELECT d.id, d.feed, coalesce(d.area, '') AS area, d.name_vi AS name, d.state, count(*) OVER () AS total,
  extract(epoch FROM s.log_time)::float8 AS seen
FROM device d LEFT JOIN device_seen s ON s.device = d.id AND s.feed = d.feed WHERE
"""


class ShownField(NamedTuple):
    """A field that is shown as a gauge, with the expected period of its feed."""

    feed: str
    field: str
    period_seconds: int


@dataclass(frozen=True, slots=True)
class GaugeReading:
    """The newest value of one field of one device that reports."""

    feed: str
    field: str
    device: str
    area: str
    value: float


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """One device of the registry; ``seen`` in seconds since 1970, null for one that was never heard."""

    id: str
    feed: str
    area: str
    name: str
    state: str
    seen: float | None


async def newest_readings(
    connection: Connection, scope: Scope, fields: Sequence[ShownField], *, now: datetime
) -> tuple[list[GaugeReading], int]:
    """Return the newest values inside the wall, at most 5,000, and how many did not fit.

    A value that is older than two of its device's periods is no value of now: it is left out, as is what a device in
    maintenance or out of use said last.
    """
    where = Where([], [now, [one.feed for one in fields], [one.field for one in fields],
                       [one.period_seconds for one in fields]])  # fmt: skip
    where.scope(scope, area="d.area", zone="d.zone", feed="d.feed")
    rows = await connection.fetch(f"{READINGS} {where.sql} ORDER BY 1, 2, 3 LIMIT {SERIES_MAX}", *where.arguments)
    found = [GaugeReading(row["feed"], row["field"], row["device"], row["area"], row["value"]) for row in rows]
    return found, (rows[0]["total"] - len(rows) if rows else 0)


async def device_lines(connection: Connection, scope: Scope) -> tuple[list[DeviceLine], int]:
    """Return the devices inside the wall, at most 5,000, and how many did not fit."""
    where = Where().scope(scope, area="d.area", zone="d.zone", feed="d.feed")
    rows = await connection.fetch(f"{DEVICES} {where.sql} ORDER BY d.id LIMIT {SERIES_MAX}", *where.arguments)
    names = ("id", "feed", "area", "name", "state", "seen")
    found = [DeviceLine(*[row[name] for name in names]) for row in rows]
    return found, (rows[0]["total"] - len(rows) if rows else 0)
