"""Alerts as people read them: the engine's condition joined with people's work. Writing: see alert_work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ioc.domain.alert import TransitionKind
from ioc.domain.alert_row import AlertRow
from ioc.domain.search import SearchQuery
from ioc.store.alerts.now import COLUMNS as NOW_COLUMNS
from ioc.store.alerts.silenced import SILENCE_OF
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where
from ioc.store.postgres.statement import columns_of, literals, select_list
from ioc.work.record import WorkRecord
from ioc.work.transitions import BROUGHT_BACK, ENDED, OF_WHO_HAS_IT, SILENT

Row = Mapping[str, Any]

WORK_OF = f"""
LEFT JOIN alert_work w ON w.alert = a.id CROSS JOIN LATERAL (
  SELECT CASE
    WHEN w.state IN ({literals(SILENT)})
      OR (w.state IN ('resolved', 'closed') AND (a.ends = 'person' OR a.condition = 'firing'))
    THEN EXISTS (
      SELECT 1 FROM alert_history h WHERE h.alert = a.id AND h.actor IS NULL AND h.kind IN ('raised', 'reopened')
      AND h.number > (SELECT max(f.number) FROM alert_history f
                      WHERE f.alert = a.id AND f.kind IN ({literals(BROUGHT_BACK)})))
    ELSE false END AS returned OFFSET 0
) r
"""  # noqa: S608 - own text
"""People's work on an alert, and whether what they ended or shelved has come back since: a false alarm, a shelved one
or an outcome of people that rises or returns, and what was resolved while it fires again. Asked once for a row: OFFSET
0 keeps it so."""
WORK_STATE = "CASE WHEN r.returned THEN 'new' ELSE coalesce(w.state, 'new') END"
"""What people last said, until the condition says otherwise."""
IS_ENDED = f"{WORK_STATE} IN ({literals(ENDED)})"
"""Whether people have ended it, of alerts that only they end."""
CONDITION = f"CASE WHEN a.ends = 'condition' THEN a.condition WHEN {IS_ENDED} THEN 'cleared' ELSE 'firing' END"
OPEN = (
    f"(CASE WHEN a.ends = 'condition' THEN a.condition = 'firing' OR {WORK_STATE} IN ('new', 'shelved') "
    f"ELSE NOT {IS_ENDED} END)"
)
"""What is shelved comes back, so it is open meanwhile."""
OVERDUE_AT = (
    f"CASE WHEN NOT {OPEN} THEN NULL WHEN {WORK_STATE} = 'new' THEN coalesce(a.acknowledge_due, a.resolve_due) "
    f"WHEN {WORK_STATE} IN ('acknowledged', 'in_progress') THEN a.resolve_due END"
)
"""When it becomes overdue, or became so, by what people have done until now."""
COMPUTED = {
    "condition": CONDITION,
    "cleared_at": f"CASE WHEN a.ends = 'condition' THEN a.cleared_at "
    f"WHEN {IS_ENDED} THEN coalesce(w.false_alarm_at, w.resolved_at) END",
}
"""Columns of an alert that people are shown as they follow from their own work."""
WORK_COMPUTED = {
    **{name: f"CASE WHEN NOT r.returned THEN w.{name} END" for name in OF_WHO_HAS_IT},
    "state": WORK_STATE,
    "version": "coalesce(w.version, 1) + a.transitions",
    "comments": "coalesce(w.comments, 0)",
}
COLUMNS = f"""
{select_list(columns_of(AlertRow), of="a", computed=COMPUTED)}, a.number, {OVERDUE_AT} AS overdue_at,
{select_list(columns_of(WorkRecord), of="w", computed=WORK_COMPUTED)},
d.name_vi AS device_name_vi, d.name_en AS device_name_en, d.version AS device_version,
CASE WHEN {OPEN} THEN d.state END AS device_state, m.id AS maintenance_window,
m.running_until AS maintenance_until, m.reason AS maintenance_reason,
CASE WHEN {OPEN} THEN q.id END AS silence, q.running_until AS silence_until, q.reason AS silence_reason,
q.owner AS silence_owner, q.version AS silence_version,
(SELECT h.summary FROM alert_history h WHERE h.alert = a.id AND h.number = 1 AND h.kind = 'opened') AS opening,
{select_list([name for name in NOW_COLUMNS if name not in ("alert", "position")], of="n")},
i.id AS incident, i.number AS incident_number, i.title AS incident_title
"""  # noqa: S608 - own text
TABLES = f"""
alert a {WORK_OF} LEFT JOIN device d ON d.id = a.device LEFT JOIN alert_now n ON n.alert = a.id
LEFT JOIN maintenance_window m ON m.id = d.maintenance_window
LEFT JOIN incident_member im ON im.alert = a.id LEFT JOIN incident i ON i.id = im.incident {SILENCE_OF}
"""
IS_SILENCED = f"(q.id IS NOT NULL AND {OPEN})"
MUTED = f"{WORK_STATE} IN ({literals(SILENT)})"
MAY_BE_OPEN = f"""
a.id IN (SELECT id FROM alert WHERE condition = 'firing'
         UNION ALL SELECT alert FROM alert_work WHERE state IN ('new', {literals(SILENT)})
         UNION ALL SELECT id FROM alert WHERE ends = 'person')
"""  # noqa: S608 - own words
"""All that are open, and some more, by three indexes: OPEN alone would read every alert there ever was."""
TAKEN = f"((w.owner IS NOT NULL AND w.state <> 'new' AND NOT r.returned) OR {MUTED})"
"""Somebody has taken it, said that it is none or put it aside. What was handed to somebody waits until they take it."""
ATTENTION = f"(-a.severity_rank, {TAKEN}, a.opened_at, a.id)"
"""What needs a person most comes first: the most severe, of these what nobody has, of these what waits longest."""
LISTED = f"{COLUMNS}, {OPEN} AS open, {TAKEN} AS taken"
SEARCHED = (
    "concat_ws(' ', a.number, a.title->>'vi', a.title->>'en', a.summary->>'vi', a.summary->>'en', "
    "a.device, d.name_vi, d.name_en, a.key)"
)
EVIDENCE_BEFORE = timedelta(hours=2)
EVIDENCE_READINGS_BEFORE = 50
EVIDENCE_ROWS_MAX = 5_000
EVIDENCE_MOVES_MAX = 500


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
    incident: str | None = None
    silenced: bool | None = None
    asked: SearchQuery | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: Sequence[str] | None = None


def _where(chosen: AlertFilter, scope: Scope) -> Where:
    where = Where().scope(scope, area="a.area", zone="a.zone", feed="a.feed", restricted="a.restricted")
    if chosen.open is not None:
        where.add(f"{OPEN} AND {MAY_BE_OPEN}" if chosen.open else f"NOT {OPEN}")
    where.one_of(WORK_STATE, chosen.states).one_of(CONDITION, chosen.conditions)
    where.one_of("a.severity", chosen.severities).one_of("a.domain", chosen.domains).one_of("a.rule", chosen.rules)
    where.one_of("a.device", chosen.devices).one_of("a.feed", chosen.feeds).search(
        SEARCHED, chosen.asked, area="a.area"
    )
    where.one_of("a.id", chosen.ids)
    if chosen.assignee is not None:
        where.add("w.owner = {} AND NOT r.returned", chosen.assignee)
    if chosen.incident is not None:
        where.add("im.incident = {}", chosen.incident)
    if chosen.silenced is not None:
        where.add(IS_SILENCED if chosen.silenced else f"NOT {IS_SILENCED}")
    if chosen.since is not None:
        where.add("a.opened_at >= {}", chosen.since)
    if chosen.until is not None:
        where.add("a.opened_at < {}", chosen.until)
    return where


@dataclass(frozen=True, slots=True)
class AlertPageEnd:
    """Where a page ends: the sort keys of its last alert."""

    open: bool
    severity_rank: int
    taken: bool
    opened_at: datetime
    id: str


async def list_alerts(
    connection: Connection, chosen: AlertFilter, scope: Scope, *, sort: str, after: AlertPageEnd | None, limit: int
) -> list[Row]:
    """Return alerts after a place: by `attention`, or `newest` or `oldest` opened first.

    By attention the open ones come first; those that are over and taken note of follow, newest first.
    """
    if sort != "attention":
        return await _by_age(connection, _where(chosen, scope), after, newest=sort == "newest", limit=limit)
    rows: list[Row] = []
    if chosen.open is not False and (after is None or after.open):
        where = _where(replace(chosen, open=True), scope)
        if after is not None:
            keys = (-after.severity_rank, after.taken, after.opened_at, after.id)
            where.add(f"{ATTENTION} > ({{}}::int, {{}}::boolean, {{}}, {{}})", *keys)
        rows = await connection.fetch(
            f"SELECT {LISTED} FROM {TABLES} WHERE {where.sql} ORDER BY {ATTENTION} LIMIT {where.value(limit)}",  # noqa: S608 - own text
            *where.arguments,
        )
        after = None
    if chosen.open is not True and len(rows) < limit:
        where = _where(replace(chosen, open=False), scope)
        rows = [*rows, *await _by_age(connection, where, after, newest=True, limit=limit - len(rows))]
    return rows


async def _by_age(
    connection: Connection, where: Where, after: AlertPageEnd | None, *, newest: bool, limit: int
) -> list[Row]:  # fmt: skip
    sign, way = ("<", "DESC") if newest else (">", "ASC")
    if after is not None:
        where.add(f"(a.opened_at, a.id) {sign} ({{}}, {{}})", after.opened_at, after.id)
    rows: list[Row] = await connection.fetch(
        f"SELECT {LISTED} FROM {TABLES} WHERE {where.sql} ORDER BY a.opened_at {way}, a.id {way} "  # noqa: S608 - own text
        f"LIMIT {where.value(limit)}",
        *where.arguments,
    )
    return rows


async def load_alerts(connection: Connection, ids: Sequence[str]) -> dict[str, Row]:
    """Return alerts by id without any wall: for the stream's poller, which asks the wall for each client.

    With the ids in a subquery their number does not change the plan, so PostgreSQL keeps it: making one takes longer
    than reading the alert.
    """
    chosen = "a.id = ANY (ARRAY(SELECT unnest($1::text[])))"
    rows = await connection.fetch(f"SELECT {COLUMNS} FROM {TABLES} WHERE {chosen}", list(ids))  # noqa: S608 - own text
    return {row["id"]: row for row in rows}


async def open_of_devices(connection: Connection, devices: Sequence[str]) -> list[Row]:
    """Return which alerts of some devices are open, with their places and versions, without any wall."""
    rows: list[Row] = await connection.fetch(
        f"SELECT a.id, a.area, a.zone, a.restricted, {WORK_COMPUTED['version']} AS version "  # noqa: S608 - own text
        f"FROM alert a {WORK_OF} WHERE a.device = ANY($1::text[]) AND {MAY_BE_OPEN} AND {OPEN} ORDER BY a.id",
        list(devices),
    )
    return rows


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


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which moves of an alert, the engine's and people's; without kinds all."""

    alert: str
    kinds: Sequence[str] | None = None

    def where(self) -> Where:
        """Return the condition on `alert_history h JOIN alert a`."""
        where = Where().add("h.alert = {}", self.alert).one_of("h.kind", self.kinds)
        # An alert that only people end goes on when its condition is over, so that move is not shown.
        return where.add("NOT (a.ends = 'person' AND h.kind = 'cleared')")


OF_HISTORY = "FROM alert_history h JOIN alert a ON a.id = h.alert"


async def read_history(
    connection: Connection, chosen: HistoryFilter, *, newest: bool, after: int | None, limit: int
) -> list[Row]:
    """Return moves of an alert without their evidence: the newest first, or the oldest, those after a number."""
    where, way = chosen.where(), "DESC" if newest else "ASC"
    if after is not None:
        where.add(f"h.number {'<' if newest else '>'} {{}}", after)
    rows: list[Row] = await connection.fetch(
        "SELECT h.number, h.at, h.log_time, h.kind, h.actor, h.severity, h.summary, h.reason, h.text, h.position, "
        f"h.call, h.assignee, h.until {OF_HISTORY} WHERE {where.sql} "
        f"ORDER BY h.number {way} LIMIT {where.value(limit)}",
        *where.arguments,
    )
    return rows


async def count_history(connection: Connection, chosen: HistoryFilter) -> int:
    """Count the moves of an alert."""
    where = chosen.where()
    return int(await connection.fetchval(f"SELECT count(*) {OF_HISTORY} WHERE {where.sql}", *where.arguments))


async def read_tipping(connection: Connection, alert: str) -> Row | None:
    """Return the newest move of an alert whose evidence is of something that holds, else the newest with any."""
    row: Row | None = await connection.fetchrow(
        f"SELECT h.kind, h.severity, h.log_time, h.evidence {OF_HISTORY} "
        "WHERE h.alert = $1 AND h.evidence IS NOT NULL "
        "ORDER BY h.kind = 'cleared', h.number DESC LIMIT 1",
        alert,
    )
    return row


async def read_moves(connection: Connection, alert: str) -> list[Row]:
    """Return the newest moves of an alert's condition, oldest first (at most 500)."""
    rows = await connection.fetch(
        f"SELECT h.number, h.at, h.kind, h.severity {OF_HISTORY} "
        f"WHERE h.alert = $1 AND h.kind IN ({literals(TransitionKind)}) "
        "AND NOT (a.ends = 'person' AND h.kind = 'cleared') "
        "ORDER BY h.number DESC LIMIT $2",
        alert,
        EVIDENCE_MOVES_MAX,
    )
    return list(reversed(rows))


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
    """Count open alerts by domain, severity and area, ``n``, and how many of these are ``silenced``.

    What is held to be a false alarm, or shelved, colours no tile and is not counted.
    """
    where = (
        Where()
        .scope(scope, area="a.area", zone="a.zone", feed="a.feed", restricted="a.restricted")
        .add(OPEN)
        .add(MAY_BE_OPEN)
    )
    where.add(f"NOT ({MUTED})")
    rows: list[Row] = await connection.fetch(
        "SELECT a.domain, a.severity, coalesce(a.area, '') AS area, count(*) AS n, "  # noqa: S608 - own text
        f"count(q.id) AS silenced FROM alert a {WORK_OF} {SILENCE_OF} WHERE {where.sql} GROUP BY 1, 2, 3",
        *where.arguments,
    )
    return rows


async def count_open_by_rule(connection: Connection, scope: Scope) -> dict[str, int]:
    """Count open alerts by rule."""
    where = (
        Where()
        .scope(scope, area="a.area", zone="a.zone", feed="a.feed", restricted="a.restricted")
        .add(OPEN)
        .add(MAY_BE_OPEN)
    )
    rows = await connection.fetch(
        f"SELECT a.rule, count(*) AS n FROM alert a {WORK_OF} "  # noqa: S608 - own text
        f"WHERE {where.sql} GROUP BY 1",
        *where.arguments,
    )
    return {row["rule"]: row["n"] for row in rows}
