"""The account of feeds and sources as people read it: counts, completeness, lag, over the last day or month.

What is expected of a device follows from its period, from its registration on, and never from before the counting
began. A bucket counts at most what is expected in it and one more, since readings at its edge fall on either side: so
what came twice as often in one hour does not hide the silence of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ioc.domain.feed import FeedSpec
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where
from ioc.store.quality.steps import STEP_1D, STEP_1H, day_of, hour_of

Row = Mapping[str, Any]
PERIOD_SECONDS = 600
LAST_PERMILLE = 2_000
"""Where a source stands in the order of which nothing is expected and nothing was refused: last."""


class QualityWindow(StrEnum):
    """Over which time."""

    DAY = "24h"
    """The last 24 hours of the clock, this one included."""
    MONTH = "30d"
    """The last 30 local days, today included."""


@dataclass(frozen=True, slots=True)
class QualitySpan:
    """The buckets of a window; ``starts`` are theirs, ``since`` is from when on something is expected."""

    step: int
    starts: Sequence[datetime]
    since: datetime
    until: datetime
    counted_since: datetime | None
    """When the counting began; None: nothing was counted yet."""

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Return the first five parameters of every statement here."""
        ends = [min(start + timedelta(seconds=self.step), self.until) for start in self.starts]
        return self.step, self.starts[0], [max(start, self.since) for start in self.starts], ends, list(self.starts)


COUNTED_SINCE = """
SELECT (SELECT min(bucket) FROM source_ledger WHERE step = 3600 AND stored > 0) AS hour,
       (SELECT min(bucket) FROM source_ledger WHERE step = 86400 AND stored > 0) AS day
"""


async def read_span(connection: Connection, window: QualityWindow, now: datetime) -> QualitySpan:
    """Return the buckets of a window that ends now."""
    row = await connection.fetchrow(COUNTED_SINCE)
    first_hour, first_day = row["hour"], row["day"]
    # Hours are kept for days only: within its first day the counting began at an hour, later at a day.
    began = first_hour if first_hour is not None and first_day == day_of(first_hour) else first_day
    if window is QualityWindow.DAY:
        starts = [hour_of(now) - timedelta(hours=back) for back in range(23, -1, -1)]
        step = STEP_1H
    else:
        starts = [day_of(now) - timedelta(days=back) for back in range(29, -1, -1)]
        step = STEP_1D
    since = now if began is None else min(max(starts[0], began), now)
    return QualitySpan(step, starts, since, now, began)


EXPECTED = f"""
f AS (SELECT * FROM unnest($6::text[], $7::int[]) AS f(feed, seconds)),
b AS (SELECT * FROM unnest($3::timestamptz[], $4::timestamptz[], $5::timestamptz[]) AS b(since, until, bucket)),
g AS (
  SELECT d.id, d.feed, b.bucket, x.expected, least(coalesce(l.measured, 0), x.expected + 1) AS covered,
         coalesce(l.measured, 0) AS measured
  FROM device d JOIN f ON f.feed = d.feed CROSS JOIN b
  CROSS JOIN LATERAL (SELECT greatest(extract(epoch FROM b.until - greatest(b.since, d.registered_at)), 0)::float8
                             / coalesce(d.expected_period_seconds, f.seconds, {PERIOD_SECONDS}) AS expected) x
  LEFT JOIN source_ledger l ON l.feed = d.feed AND l.device = d.id AND l.step = $1 AND l.bucket = b.bucket
                            AND l.bucket >= $2::timestamptz
  WHERE d.state = 'active' AND {{wall}}
)
"""  # noqa: S608 - own text
"""What is expected of each device in each bucket, and how much of it came. Of no device in maintenance: its silence is
expected."""

SOURCES = f"""
WITH {EXPECTED},
c AS (SELECT id, sum(covered) AS covered, sum(expected) AS expected FROM g WHERE expected > 0 GROUP BY id),
m AS (SELECT l.feed, l.device, sum(l.stored) AS stored, sum(l.released) AS released, sum(l.history) AS history,
             sum(l.late) AS late, sum(l.suspect) AS suspect, sum(l.clock_fault) AS clock_fault,
             sum(l.skewed) AS skewed, sum(l.measured) AS measured, sum(l.lags) AS lags, sum(l.lag_sum) AS lag_sum,
             min(l.lag_min) AS lag_min, max(l.lag_max) AS lag_max
      FROM source_ledger l WHERE l.step = $1 AND l.bucket >= $2 GROUP BY 1, 2),
n AS (SELECT l.feed, l.device, sum(l.duplicate) AS duplicate, sum(l.refused) AS refused, sum(l.not_kept) AS not_kept
      FROM intake_ledger l WHERE l.step = $1 AND l.bucket >= $2 GROUP BY 1, 2),
s AS (SELECT feed, device FROM m UNION SELECT feed, device FROM n
      UNION SELECT d.feed, d.id FROM device d JOIN f ON f.feed = d.feed WHERE d.state <> 'retired'),
r AS (
  SELECT CASE WHEN s.feed IN (SELECT feed FROM f) THEN s.feed ELSE coalesce(d.feed, '') END AS feed, s.device,
         d.name_vi, d.name_en, d.area, d.zone, d.state, d.registered_at,
         coalesce(d.expected_period_seconds, f.seconds) AS period_seconds,
         coalesce(m.stored, 0)::bigint AS stored, coalesce(m.released, 0)::bigint AS released,
         coalesce(m.history, 0)::bigint AS history, coalesce(m.late, 0)::bigint AS late,
         coalesce(m.suspect, 0)::bigint AS suspect, coalesce(m.clock_fault, 0)::bigint AS clock_fault,
         coalesce(m.skewed, 0)::bigint AS skewed, coalesce(m.measured, 0)::bigint AS measured,
         coalesce(m.lags, 0)::bigint AS lags, coalesce(m.lag_sum, 0) AS lag_sum, m.lag_min, m.lag_max,
         coalesce(n.duplicate, 0)::bigint AS duplicate, coalesce(n.refused, 0)::bigint AS refused,
         coalesce(n.not_kept, 0)::bigint AS not_kept,
         CASE WHEN d.feed = s.feed THEN c.covered END AS covered,
         CASE WHEN d.feed = s.feed THEN c.expected END AS expected
  FROM s LEFT JOIN device d ON d.id = s.device LEFT JOIN f ON f.feed = d.feed
  LEFT JOIN m ON m.feed = s.feed AND m.device = s.device LEFT JOIN n ON n.feed = s.feed AND n.device = s.device
  LEFT JOIN c ON c.id = s.device
  WHERE {{walled}}
)
"""  # noqa: S608 - own text
"""Each source inside the wall. What came under a feed that nobody knows counts for the feed of its device."""

TOTALS = ("stored", "released", "history", "late", "suspect", "clock_fault", "skewed", "measured", "lags",
          "duplicate", "refused", "not_kept")  # fmt: skip
SUMMED = ", ".join(f"sum({name})::bigint AS {name}" for name in TOTALS)
BY_SOURCE = f"""
, t AS (
  SELECT feed, device, min(name_vi) AS name_vi, min(name_en) AS name_en, min(area) AS area, min(zone) AS zone,
         min(state) AS state, min(period_seconds) AS period_seconds, {SUMMED}, sum(lag_sum) AS lag_sum,
         min(lag_min) AS lag_min, max(lag_max) AS lag_max, sum(covered) AS covered, sum(expected) AS expected
  FROM r GROUP BY feed, device
), o AS (
  SELECT *, least(
    CASE WHEN expected >= 1 THEN floor(1000 * least(1, covered / expected))::int ELSE {LAST_PERMILLE} END,
    CASE WHEN refused > 0 THEN 1000 - 1000 * refused / (stored - released + duplicate + refused) END
  )::int AS permille FROM t
)
SELECT * FROM o WHERE {{chosen}} ORDER BY permille, feed, device LIMIT {{limit}}
"""  # noqa: S608 - own text
SPARK = f"""
WITH {EXPECTED}
SELECT feed, bucket, sum(covered) AS covered, sum(expected) AS expected FROM g GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608 - own text
SOURCE_SPARK = f"""
WITH {EXPECTED}
SELECT id, bucket, covered, expected FROM g WHERE {{chosen}} ORDER BY 1, 2
"""  # noqa: S608 - own text
SOURCES_MAX = 20_000
"""Sources that the account of all feeds is made of."""


def _start(span: QualitySpan, feeds: Mapping[str, FeedSpec]) -> Where:
    """Return a clause whose first seven parameters are those of the statements."""
    where = Where()
    for value in span.arguments:
        where.value(value)
    where.value(list(feeds))
    where.value([int(spec.expected_period.total_seconds()) for spec in feeds.values()])
    return where


def _wall(where: Where, scope: Scope, *, feed: str) -> str:
    """Add the wall to the parameters and return its condition."""
    before = len(where.clauses)
    where.scope(scope, area="d.area", zone="d.zone", feed=feed)
    return " AND ".join(where.clauses[before:]) or "TRUE"


async def list_sources(
    connection: Connection, span: QualitySpan, scope: Scope, *, feeds: Mapping[str, FeedSpec],
    chosen: Sequence[str] | None = None, device: str | None = None, after: tuple[int, str, str] | None = None,
    limit: int = SOURCES_MAX,
) -> list[Row]:  # fmt: skip
    """Return sources, the least complete or most refused first; of one device with ``device``.

    One without a device stands for all of its feed that are not registered.
    """
    where = _start(span, feeds)
    wall, walled = _wall(where, scope, feed="d.feed"), _wall(where, scope, feed="s.feed")
    if device is not None:
        place = where.value(device)
        wall, walled = f"{wall} AND d.id = {place}", f"{walled} AND s.device = {place}"
    picked = Where([], where.arguments).one_of("feed", chosen)
    if after is not None:
        picked.add("(permille, feed, device) > ({}::int, {}::text, {}::text)", *after)
    bound = picked.value(limit)
    text = SOURCES.format(wall=wall, walled=walled) + BY_SOURCE.format(chosen=picked.sql, limit=bound)
    rows: list[Row] = await connection.fetch(text, *where.arguments)
    return rows


async def feed_sparks(
    connection: Connection, span: QualitySpan, scope: Scope, *, feeds: Mapping[str, FeedSpec]
) -> dict[str, dict[datetime, tuple[float, float]]]:  # fmt: skip
    """Return what came and what was expected (covered, expected) by feed and bucket."""
    where = _start(span, feeds)
    text = SPARK.format(wall=_wall(where, scope, feed="d.feed"))
    found: dict[str, dict[datetime, tuple[float, float]]] = {}
    for row in await connection.fetch(text, *where.arguments):
        found.setdefault(row["feed"], {})[row["bucket"]] = (row["covered"], row["expected"])
    return found


async def source_sparks(
    connection: Connection, span: QualitySpan, scope: Scope, *, feeds: Mapping[str, FeedSpec], devices: Sequence[str]
) -> dict[str, dict[datetime, tuple[float, float]]]:  # fmt: skip
    """Return the same of some devices, by device and bucket."""
    where = _start(span, feeds)
    wall = _wall(where, scope, feed="d.feed")
    picked = Where([], where.arguments).one_of("id", devices)
    found: dict[str, dict[datetime, tuple[float, float]]] = {}
    for row in await connection.fetch(SOURCE_SPARK.format(wall=wall, chosen=picked.sql), *where.arguments):
        found.setdefault(row["id"], {})[row["bucket"]] = (row["covered"], row["expected"])
    return found
