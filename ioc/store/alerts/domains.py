"""What a domain's tile shows, in three queries for all tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where

Row = Mapping[str, Any]
PERIOD_SECONDS = 600


async def feed_pulse(
    connection: Connection, scope: Scope, *, now: datetime, feeds: Sequence[str], seconds: Sequence[int]
) -> dict[str, Row]:
    """Return per feed: active devices, those that report, and when the feed was last heard."""
    where = Where()
    moment, names, periods = where.value(now), where.value(list(feeds)), where.value(list(seconds))
    # A full join: feeds such as citizen reports have sources that are no registered devices.
    where.scope(scope, area="d.area", zone="d.zone", feed="f.feed")
    rows = await connection.fetch(
        "SELECT f.feed, count(d.id) FILTER (WHERE d.state = 'active') AS devices, max(s.log_time) AS last_log_time, "  # noqa: S608 - own text
        f"count(d.id) FILTER (WHERE d.state = 'active' AND s.log_time >= {moment}::timestamptz - make_interval("
        f"secs => 2 * coalesce(d.expected_period_seconds, f.seconds, {PERIOD_SECONDS}))) AS online "
        f"FROM unnest({names}::text[], {periods}::int[]) AS f(feed, seconds) LEFT JOIN ("
        "  device d FULL JOIN device_seen s ON s.device = d.id AND s.feed = d.feed"
        f") ON f.feed = coalesce(d.feed, s.feed) WHERE {where.sql} GROUP BY f.feed",
        *where.arguments,
    )
    return {row["feed"]: row for row in rows}


async def lines(
    connection: Connection, scope: Scope, *, pairs: Sequence[tuple[str, str]], since: datetime, step_seconds: int
) -> list[Row]:
    """Return averages (feed, field, bucket, v) per step of some fields over all devices inside the wall."""
    where = Where()
    feeds, names = where.value([feed for feed, _ in pairs]), where.value([name for _, name in pairs])
    where.add("s.step = {}", step_seconds).add("s.bucket >= {}", since).scope(
        scope, area="d.area", zone="d.zone", feed="s.feed"
    )
    rows: list[Row] = await connection.fetch(
        "SELECT s.feed, s.field, s.bucket, sum(s.sum) / nullif(sum(s.n), 0) AS v "  # noqa: S608 - own text
        f"FROM unnest({feeds}::text[], {names}::text[]) AS p(feed, field) "
        "JOIN series s ON s.feed = p.feed AND s.field = p.field LEFT JOIN device d ON d.id = s.device "
        f"WHERE {where.sql} GROUP BY 1, 2, 3",
        *where.arguments,
    )
    return rows


async def count_device_states(
    connection: Connection, scope: Scope, *, now: datetime, feeds: Sequence[str], seconds: Sequence[int]
) -> dict[str, int]:
    """Count devices by status: online, silent, never, maintenance, retired."""
    where = Where()
    numbers = [where.value(value) for value in (now, list(feeds), list(seconds))]
    assert numbers == ["$1", "$2", "$3"]
    where.scope(scope, area="d.area", zone="d.zone", feed="d.feed")
    rows = await connection.fetch(
        "SELECT CASE WHEN d.state <> 'active' THEN d.state WHEN s.log_time IS NULL THEN 'never' "  # noqa: S608 - own text
        "WHEN s.log_time < $1::timestamptz "
        "- make_interval(secs => 2 * coalesce(d.expected_period_seconds, f.seconds, 600)) "
        "THEN 'silent' ELSE 'online' END AS status, count(*) AS n FROM device d "
        "LEFT JOIN device_seen s ON s.device = d.id AND s.feed = d.feed "
        "LEFT JOIN unnest($2::text[], $3::int[]) AS f(feed, seconds) ON f.feed = d.feed "
        f"WHERE {where.sql} GROUP BY 1",
        *where.arguments,
    )
    return {row["status"]: row["n"] for row in rows}


async def list_rule_items(connection: Connection) -> list[Row]:
    """Return every rule that was not removed, as the engine knows it."""
    rows: list[Row] = await connection.fetch(
        "SELECT id, hash, version, body, enabled FROM rule WHERE NOT removed ORDER BY id"
    )
    return rows
