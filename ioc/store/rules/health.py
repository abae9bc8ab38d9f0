"""The engine's side of a rule's health: figures added up by version, and what rules in monitor mode saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ioc.domain.alert import Transition
from ioc.domain.recorded import evidence_json
from ioc.domain.rules.health import COUNTS, MONITORED_KEPT, RuleHealth
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.statement import arrays, arrays_of, columns_of, insert, named, quoted
from ioc.store.tables.rules import rule_health

COLUMNS = tuple(name for name in columns_of(RuleHealth) if name != "turned")
"""What is kept of a report; that it turned only says when to tell of it."""
SAME = "rule_health.version = excluded.version"
OF_ONE_VERSION = {
    "since": f"CASE WHEN {SAME} THEN rule_health.since ELSE excluded.since END",
    **{
        name: f"excluded.{quoted(name)} + CASE WHEN {SAME} THEN rule_health.{quoted(name)} ELSE 0 END"
        for name in COUNTS
    },
    **{
        name: f"coalesce(excluded.{name}, CASE WHEN {SAME} THEN rule_health.{name} END)"
        for name in ("last_evaluated_at", "last_transition_at")
    },
}
"""What goes on while a rule has one version, and begins anew with the next; all else is as the report says."""
SAVE = named(f"""
INSERT INTO rule_health ({", ".join(map(quoted, COLUMNS))}, updated_at)
SELECT t.*, :updated_at FROM {arrays(rule_health, COLUMNS)}
ON CONFLICT (rule) DO UPDATE SET updated_at = excluded.updated_at,
  {", ".join(f"{quoted(name)} = {OF_ONE_VERSION.get(name, f'excluded.{quoted(name)}')}" for name in COLUMNS[1:])}
""")  # noqa: S608 - own names
PRUNE = """
DELETE FROM rule_monitored m USING (
  SELECT rule, position, number, row_number() OVER (PARTITION BY rule ORDER BY position DESC, number DESC) AS n
  FROM rule_monitored WHERE rule = ANY($1::text[])
) k WHERE k.n > $2 AND m.rule = k.rule AND m.position = k.position AND m.number = k.number
"""


async def save_health(connection: Connection, reports: Sequence[RuleHealth], now: datetime) -> None:
    """Add reports to what is kept; the counts of another version begin anew."""
    await connection.execute(*SAVE(**arrays_of(reports, COLUMNS), updated_at=now))
    watching = [report.rule for report in reports if report.monitored]
    if watching:
        await connection.execute(PRUNE, watching, MONITORED_KEPT)


async def write_watched(connection: Connection, watched: Sequence[Transition]) -> None:
    """Keep what rules in monitor mode saw in one stretch of the log."""
    numbers: Counter[tuple[str, int]] = Counter()
    rows = []
    for made in watched:
        numbers[made.rule, made.position] += 1
        rows.append(_monitored_row(made, numbers[made.rule, made.position]))
    if rows:
        statement = insert("rule_monitored", rows[0])
        await connection.executemany(statement.sql, [statement.arguments(**row) for row in rows])


def _monitored_row(made: Transition, number: int) -> dict[str, Any]:
    """Return the row of a move that raised nothing; ``number`` counts those of its rule at one entry."""
    return {
        "rule": made.rule, "position": made.position, "number": number, "at": made.at, "log_time": made.log_time,
        "version": made.rule_version, "alert": made.alert_id, "key": made.key, "kind": str(made.kind),
        "severity": str(made.severity), "summary": asdict(made.summary), "evidence": evidence_json(made),
        "reason": made.reason, "feed": made.feed, "device": made.device, "area": made.area, "zone": made.zone,
        "retrospective": made.retrospective, "restricted": made.restricted,
    }  # fmt: skip
