"""How far rules and roll-ups are behind the log, told by the log itself: a reader that stands still cannot hide it."""

from __future__ import annotations

from datetime import datetime

from ioc.store.postgres.engine import Connection

CURSORS = ("rules", "rollup")
STRETCH = 1_000
"""The oldest entry that a reader has not read is looked for among so many positions: batches leave holes."""
LAG = """
SELECT c.name, CASE WHEN c.position >= h.position THEN 0 ELSE
  greatest(0, extract(epoch FROM $1::timestamptz - coalesce(unread.log_time, c.log_time))) END::float8 AS seconds
FROM log_head h CROSS JOIN cursor c LEFT JOIN LATERAL (
  SELECT min(e.log_time) AS log_time FROM event e
  WHERE e.position > c.position AND e.position <= c.position + $3 AND e.log_time >= c.log_time
) unread ON c.position < h.position
WHERE h.id = 1 AND c.name = ANY($2::text[])
"""


async def cursor_lags(connection: Connection, now: datetime) -> dict[str, float]:
    """Return the age in seconds of the oldest entry that each reader has not committed yet; 0 at the log's head."""
    rows = await connection.fetch(LAG, now, list(CURSORS), STRETCH)
    return {row["name"]: row["seconds"] for row in rows}
