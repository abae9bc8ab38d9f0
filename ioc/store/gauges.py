"""Gauges of state, asked at each scrape: open alerts and devices by state. Counters live in the processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ioc.store.engine import Database

ALERTS_OPEN = """
SELECT severity, domain, coalesce(area, '') AS area, count(*) AS n
FROM alert WHERE condition = 'firing' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT 2000
"""

DEVICES = """
SELECT CASE WHEN d.state <> 'active' THEN d.state
            WHEN s.log_time IS NULL THEN 'never'
            WHEN s.log_time < $1 - make_interval(secs => 2 * coalesce(d.expected_period_seconds, p.seconds, 600))
            THEN 'silent' ELSE 'online' END AS state, count(*) AS n
FROM device d
LEFT JOIN (SELECT device, max(log_time) AS log_time FROM device_seen GROUP BY device) s ON s.device = d.id
LEFT JOIN unnest($2::text[], $3::int[]) AS p(feed, seconds) ON p.feed = d.feed
GROUP BY 1 ORDER BY 1
"""

READINGS = """
SELECT l.feed, l.field, l.device, coalesce(d.area, '') AS area, (l.value::text)::float8 AS value
FROM latest l JOIN device d ON d.id = l.device
JOIN unnest($1::text[], $2::text[]) AS f(feed, field) ON f.feed = l.feed AND f.field = l.field
WHERE jsonb_typeof(l.value) = 'number' ORDER BY 1, 2, 3 LIMIT 5000
"""


@dataclass(frozen=True, slots=True)
class StateGauges:
    """Rows of label values with their number, as the scrape shows them."""

    alerts_open: list[tuple[tuple[str, str, str], float]]
    devices: list[tuple[tuple[str], float]]
    readings: list[tuple[tuple[str, str, str, str], float]]
    log_position: float


async def state_gauges(
    database: Database, now: datetime, *, periods: tuple[Sequence[str], Sequence[int]],
    fields: tuple[Sequence[str], Sequence[str]],
) -> StateGauges:  # fmt: skip
    """Ask for the state; ``periods`` are feeds with their expected seconds, ``fields`` the feeds and fields to show."""
    async with database.connection() as connection:
        alerts = await connection.fetch(ALERTS_OPEN)
        devices = await connection.fetch(DEVICES, now, *periods)
        readings = await connection.fetch(READINGS, *fields)
        position = await connection.fetchval("SELECT position FROM log_head WHERE id = 1")
    return StateGauges(
        alerts_open=[((row["severity"], row["domain"], row["area"]), row["n"]) for row in alerts],
        devices=[((row["state"],), row["n"]) for row in devices],
        readings=[((row["feed"], row["field"], row["device"], row["area"]), row["value"]) for row in readings],
        log_position=position,
    )
