"""The city as gauges: the newest value of a feed's main field, so that Grafana charts more than the pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from ioc.store.engine import Database

READINGS = """
SELECT l.feed, l.field, l.device, coalesce(d.area, '') AS area, (l.value::text)::float8 AS value
FROM latest l JOIN device d ON d.id = l.device
JOIN unnest($1::text[], $2::text[]) AS f(feed, field) ON f.feed = l.feed AND f.field = l.field
WHERE jsonb_typeof(l.value) = 'number' ORDER BY 1, 2, 3 LIMIT 5000
"""


Reading = tuple[tuple[str, str, str, str], float]
"""Labels (feed, field, device, area) and the newest value."""


async def newest_readings(database: Database, *, feeds: Sequence[str], fields: Sequence[str]) -> list[Reading]:
    """Return the newest number of each (feed, field) pair for each device, at most 5,000."""
    async with database.connection() as connection:
        rows = await connection.fetch(READINGS, feeds, fields)
    return [((row["feed"], row["field"], row["device"], row["area"]), row["value"]) for row in rows]
