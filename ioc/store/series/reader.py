"""Series and latest values as people read them: raw readings or the roll-up's buckets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where

Row = Mapping[str, Any]
POINTS_MAX = 5_000
HOUR_SECONDS = 3_600
AGGREGATES: Mapping[str, str] = {
    "avg": "sum(s.sum) / nullif(sum(s.n), 0)",
    "min": "min(s.min)",
    "max": "max(s.max)",
    "sum": "sum(s.sum)",
    "count": "sum(s.n)::float8",
    "last": "(array_agg(s.last ORDER BY s.last_at DESC))[1]",
}


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """One line of a chart: a field of one device, or of a feed's devices taken together."""

    field: str
    since: datetime
    until: datetime
    feed: str | None = None
    device: str | None = None


async def read_buckets(
    connection: Connection, query: SeriesQuery, scope: Scope, *, step_seconds: int, aggregate: str
) -> list[Row]:
    """Return buckets (t, v, n, min, max), oldest first, one more than the bound when there are too many."""
    where = _where(query, scope, "s").add("s.step = {}", step_seconds)
    where.add("s.bucket >= {}", query.since).add("s.bucket < {}", query.until)
    rows: list[Row] = await connection.fetch(
        f"SELECT s.bucket AS t, {AGGREGATES[aggregate]} AS v, sum(s.n)::bigint AS n, min(s.min) AS min, "  # noqa: S608 - own text
        f"max(s.max) AS max FROM series s LEFT JOIN device d ON d.id = s.device WHERE {where.sql} "
        f"GROUP BY s.bucket ORDER BY s.bucket LIMIT {POINTS_MAX + 1}",
        *where.arguments,
    )
    return rows


async def read_hours(
    connection: Connection, scope: Scope, *, fields: Sequence[str], since: datetime, feeds: Sequence[str] | None = None,
    devices: Sequence[str] | None = None,
) -> list[Row]:  # fmt: skip
    """Return the hourly means (device, its name, field, bucket, v) of some fields of devices inside the wall."""
    where = Where().scope(scope, area="d.area", zone="d.zone", feed="s.feed").add("s.step = {}", HOUR_SECONDS)
    where.add("s.bucket >= {}", since).one_of("s.field", fields).one_of("s.device", devices).one_of("s.feed", feeds)
    rows: list[Row] = await connection.fetch(
        "SELECT s.device, d.name_vi, d.name_en, s.field, s.bucket, s.sum / nullif(s.n, 0) AS v "  # noqa: S608 - own text
        f"FROM series s JOIN device d ON d.id = s.device AND d.feed = s.feed WHERE {where.sql}",
        *where.arguments,
    )
    return rows


async def read_raw(connection: Connection, query: SeriesQuery, scope: Scope) -> list[Row]:
    """Return raw readings (t, v), oldest first, one more than the bound when there are too many.

    A revised reading counts once, by its newest revision; true and false count as 1 and 0.
    """
    where = Where().add("s.kind = 'event'").scope(scope, area="s.area", zone="s.zone", feed="s.feed")
    if query.device is not None:
        where.add("s.device = {}", query.device)
    if query.feed is not None:
        where.add("s.feed = {}", query.feed)
    field = where.value(query.field)
    where.add("s.effective >= {}", query.since).add("s.effective < {}", query.until)
    rows: list[Row] = await connection.fetch(
        "SELECT t, v FROM ("  # noqa: S608 - own text
        f"SELECT DISTINCT ON (s.effective, s.key) s.effective AS t, s.data -> {field} AS v FROM event s "
        f"WHERE {where.sql} ORDER BY s.effective, s.key, s.revision DESC) AS newest "
        f"WHERE jsonb_typeof(v) IN ('number', 'boolean') ORDER BY t LIMIT {POINTS_MAX + 1}",
        *where.arguments,
    )
    return rows


def _where(query: SeriesQuery, scope: Scope, table: str) -> Where:
    where = (
        Where()
        .scope(scope, area="d.area", zone="d.zone", feed=f"{table}.feed")
        .add(f"{table}.field = {{}}", query.field)
    )
    if query.device is not None:
        where.add(f"{table}.device = {{}}", query.device)
    if query.feed is not None:
        where.add(f"{table}.feed = {{}}", query.feed)
    return where


@dataclass(frozen=True, slots=True)
class LatestFilter:
    """Which latest values; ``numbers_only`` withholds text (plates, names) from masked readers."""

    feeds: Sequence[str] | None = None
    devices: Sequence[str] | None = None
    fields: Sequence[str] | None = None
    numbers_only: bool = False


async def list_latest(
    connection: Connection, chosen: LatestFilter, scope: Scope, *, after: tuple[str, str, str] | None, limit: int
) -> list[Row]:
    """Return the newest value of each field of each device, by (device, feed, field)."""
    where = Where().scope(scope, area="d.area", zone="d.zone", feed="l.feed")
    where.one_of("l.feed", chosen.feeds).one_of("l.device", chosen.devices).one_of("l.field", chosen.fields)
    if chosen.numbers_only:
        where.add("jsonb_typeof(l.value) IN ('number', 'boolean')")
    if after is not None:
        where.add("(l.device, l.feed, l.field) > ({}, {}, {})", *after)
    rows: list[Row] = await connection.fetch(
        "SELECT l.device, l.feed, l.field, l.value, l.effective, l.log_time, l.flags, d.lat, d.lon, d.area "  # noqa: S608 - own text
        f"FROM latest l LEFT JOIN device d ON d.id = l.device WHERE {where.sql} "
        f"ORDER BY l.device, l.feed, l.field LIMIT {where.value(limit)}",
        *where.arguments,
    )
    return rows
