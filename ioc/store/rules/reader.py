"""Rules as people read them: the form in force beside the pack's, its health, its history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where
from ioc.store.postgres.statement import columns_of, select_list
from ioc.store.rules.forms import Form

Row = Mapping[str, Any]
RULES = f"""
SELECT r.*, {select_list(columns_of(Form), of="p", prefix="pack_form_")}, to_jsonb(h) AS health,
  h.since, h.last_evaluated_at, h.last_transition_at, h.updated_at AS health_at
FROM rule r
LEFT JOIN pack_item p ON p.kind = 'rule' AND p.id = r.id AND NOT p.removed
LEFT JOIN rule_health h ON h.rule = r.id
WHERE NOT r.removed AND ($1::text IS NULL OR r.id = $1) AND ($2::text IS NULL OR r.id > $2)
ORDER BY r.id LIMIT $3
"""  # noqa: S608 - own names
FORM = f"""
SELECT h.rule AS id, h.version, {select_list(columns_of(Form), of="h")} FROM rule_history h
WHERE rule = $1 AND version = $2 ORDER BY number DESC LIMIT 1
"""  # noqa: S608 - own names
HISTORY = """
SELECT h.*, b.yaml AS before_yaml, b.body AS before_body FROM rule_history h
LEFT JOIN rule_history b ON b.rule = h.rule AND b.number = h.number - 1
WHERE h.rule = $1 AND ($2::integer IS NULL OR h.number < $2) ORDER BY h.number DESC LIMIT $3
"""


async def list_rules(connection: Connection, *, after: str | None, limit: int) -> list[Row]:
    """Return rules that were not removed, by id after ``after``, each with the pack's form of it and its health."""
    rows: list[Row] = await connection.fetch(RULES, None, after, limit)
    return rows


async def get_rule(connection: Connection, rule: str) -> Row | None:
    """Return one rule as :func:`list_rules` does; None for one that was removed or never was."""
    row: Row | None = await connection.fetchrow(RULES, rule, None, 1)
    return row


async def form_of(connection: Connection, rule: str, version: int) -> Row | None:
    """Return (id, version, hash, body, yaml) of one version of a rule, in force or not; None where it is not kept."""
    row: Row | None = await connection.fetchrow(FORM, rule, version)
    return row


async def feeds_heard(connection: Connection) -> dict[str, datetime]:
    """Return when each feed was last heard from any device."""
    rows = await connection.fetch("SELECT feed, max(log_time) AS at FROM device_seen GROUP BY feed")
    return {row["feed"]: row["at"] for row in rows}


async def read_history(connection: Connection, rule: str, *, before: int | None, limit: int) -> list[Row]:
    """Return the steps of a rule, newest first, before a number; each with the text before it."""
    rows: list[Row] = await connection.fetch(HISTORY, rule, before, limit)
    return rows


async def read_monitored(
    connection: Connection, rule: str, scope: Scope, *, before: tuple[int, int] | None, limit: int
) -> list[Row]:
    """Return what a rule in monitor mode saw inside the wall, newest first, before (position, number)."""
    where = Where().add("rule = {}", rule)
    where.scope(scope, area="area", zone="zone", feed="feed", restricted="restricted")
    if before is not None:
        where.add("(position, number) < ({}, {})", *before)
    rows: list[Row] = await connection.fetch(
        f"SELECT * FROM rule_monitored WHERE {where.sql} "  # noqa: S608 - own text
        f"ORDER BY position DESC, number DESC LIMIT {where.value(limit)}",
        *where.arguments,
    )
    return rows
