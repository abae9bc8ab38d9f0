"""Alerts as people read them: the engine's condition joined with people's work. Writing: see alert_work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ioc.store.engine import Connection
from ioc.store.scope import Scope, Where

Row = Mapping[str, Any]

COLUMNS = """
a.id, a.number, a.rule, a.rule_version, a.rule_hash, a.key, a.condition, a.severity, a.peak_severity, a.title,
a.summary, a.domain, a.feed, a.device, a.area, a.zone, a.lat, a.lon, a.opened_at, a.opened_position, a.changed_at,
a.cleared_at, a.flap_count, a.retrospective, a.restricted, a.reason, a.transitions,
coalesce(w.state, 'new') AS state, w.owner, coalesce(w.version, 1) AS version, w.acknowledged_at, w.acknowledged_by,
w.resolved_at, w.resolved_by, coalesce(w.comments, 0) AS comments,
d.name_vi AS device_name_vi, d.name_en AS device_name_en
"""
TABLES = "alert a LEFT JOIN alert_work w ON w.alert = a.id LEFT JOIN device d ON d.id = a.device"
OPEN = "(a.condition = 'firing' OR coalesce(w.state, 'new') = 'new')"
SEARCHED = (
    "concat_ws(' ', a.number, a.title->>'vi', a.title->>'en', a.summary->>'vi', a.summary->>'en', "
    "a.device, d.name_vi, d.name_en, a.key)"
)
EVIDENCE_BEFORE = timedelta(hours=2)
EVIDENCE_READINGS_BEFORE = 50
EVIDENCE_ROWS_MAX = 5_000


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts; null does not filter. ``since``/``until`` bound opened_at."""

    open: bool | None = None
    states: Sequence[str] | None = None
    conditions: Sequence[str] | None = None
    severities: Sequence[str] | None = None
    domains: Sequence[str] | None = None
    rules: Sequence[str] | None = None
    devices: Sequence[str] | None = None
    feeds: Sequence[str] | None = None
    assignee: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def _where(chosen: AlertFilter, scope: Scope) -> Where:
    where = Where().scope(scope, area="a.area", zone="a.zone", feed="a.feed", restricted="a.restricted")
    if chosen.open is not None:
        where.add(OPEN if chosen.open else f"NOT {OPEN}")
    where.one_of("coalesce(w.state, 'new')", chosen.states).one_of("a.condition", chosen.conditions)
    where.one_of("a.severity", chosen.severities).one_of("a.domain", chosen.domains).one_of("a.rule", chosen.rules)
    where.one_of("a.device", chosen.devices).one_of("a.feed", chosen.feeds).search(SEARCHED, chosen.text)
    if chosen.assignee is not None:
        where.add("w.owner = {}", chosen.assignee)
    if chosen.since is not None:
        where.add("a.opened_at >= {}", chosen.since)
    if chosen.until is not None:
        where.add("a.opened_at < {}", chosen.until)
    return where


async def list_alerts(
    connection: Connection, chosen: AlertFilter, scope: Scope, *, before: tuple[datetime, str] | None, limit: int
) -> list[Row]:
    """Return alerts, newest opened first; ``before`` is (opened_at, id) of the last one of the page before."""
    where = _where(chosen, scope)
    if before is not None:
        where.add("(a.opened_at, a.id) < ({}, {})", *before)
    rows: list[Row] = await connection.fetch(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE {where.sql} ORDER BY a.opened_at DESC, a.id DESC "  # noqa: S608 - own text
        f"LIMIT {where.value(limit)}",
        *where.arguments,
    )
    return rows


async def load_alerts(connection: Connection, ids: Sequence[str]) -> dict[str, Row]:
    """Return alerts by id without any wall: for the stream's poller, which asks the wall for each client."""
    rows = await connection.fetch(f"SELECT {COLUMNS} FROM {TABLES} WHERE a.id = ANY($1::text[])", list(ids))  # noqa: S608 - own text
    return {row["id"]: row for row in rows}


async def get_alert(connection: Connection, alert: str, scope: Scope) -> Row | None:
    """Return one alert inside the wall, by id or by the number said aloud, or None."""
    where = Where().add("(a.id = {0} OR a.number = {0})".replace("{0}", "$1"))
    where.arguments.append(alert)
    where.scope(scope, area="a.area", zone="a.zone", feed="a.feed", restricted="a.restricted")
    row: Row | None = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE {where.sql}",  # noqa: S608 - own text
        *where.arguments,
    )
    return row


async def read_history(connection: Connection, alert: str) -> list[Row]:
    """Return every move of an alert, the engine's and people's, oldest first (at most 2,000)."""
    rows: list[Row] = await connection.fetch(
        "SELECT number, at, kind, actor, severity, summary, reason, text, evidence, position FROM alert_history "
        "WHERE alert = $1 ORDER BY number LIMIT 2000",
        alert,
    )
    return rows


async def evidence_series(
    connection: Connection,
    *,
    device: str,
    feed: str,
    field: str,
    opened_at: datetime,
    begins_at: datetime | None,
    until: datetime,
) -> list[Row]:
    """Return raw readings (t, v, position) around an alert: two hours (at least fifty readings) before it to ``until``.

    From ``begins_at`` on where that is earlier: the beginning of the window that fired. A revised reading counts
    once, by its newest revision. Bounded to 5,000 rows.
    """
    start = await connection.fetchval(
        "SELECT min(effective) FROM (SELECT effective FROM event WHERE kind = 'event' AND device = $1 AND feed = $2 "
        "AND data ? $3 AND effective < $4 ORDER BY effective DESC LIMIT $5) AS before",
        device,
        feed,
        field,
        opened_at,
        EVIDENCE_READINGS_BEFORE,
    )
    since = min(start or opened_at, begins_at or opened_at, opened_at - EVIDENCE_BEFORE)
    rows: list[Row] = await connection.fetch(
        "SELECT DISTINCT ON (effective, key) effective AS t, (data -> $3) AS v, position FROM event "
        "WHERE kind = 'event' AND device = $1 AND feed = $2 AND data ? $3 AND effective >= $4 AND effective <= $5 "
        "ORDER BY effective, key, revision DESC LIMIT $6",
        device,
        feed,
        field,
        since,
        until,
        EVIDENCE_ROWS_MAX,
    )
    return rows


async def count_open(connection: Connection, scope: Scope) -> list[Row]:
    """Count open alerts by domain, severity, area and whether they fire."""
    where = Where().scope(scope, area="a.area", zone="a.zone", feed="a.feed", restricted="a.restricted").add(OPEN)
    rows: list[Row] = await connection.fetch(
        "SELECT a.domain, a.severity, coalesce(a.area, '') AS area, count(*) AS n "  # noqa: S608 - own text
        f"FROM alert a LEFT JOIN alert_work w ON w.alert = a.id WHERE {where.sql} GROUP BY 1, 2, 3",
        *where.arguments,
    )
    return rows


async def count_open_by_rule(connection: Connection, scope: Scope) -> dict[str, int]:
    """Count open alerts by rule."""
    where = Where().scope(scope, area="a.area", zone="a.zone", feed="a.feed", restricted="a.restricted").add(OPEN)
    rows = await connection.fetch(
        "SELECT a.rule, count(*) AS n FROM alert a LEFT JOIN alert_work w ON w.alert = a.id "  # noqa: S608 - own text
        f"WHERE {where.sql} GROUP BY 1",
        *where.arguments,
    )
    return {row["rule"]: row["n"] for row in rows}
