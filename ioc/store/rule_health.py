"""The engine's side of a rule's health: figures added up by version, and what rules in monitor mode saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from ioc.domain.alert import Transition
from ioc.domain.rule_health import MONITORED_KEPT, RuleHealth
from ioc.store.alerts_engine import evidence_value
from ioc.store.engine import Connection

ADDED = ("evaluated", "errors", "no_data", "late", '"full"', "monitored")
SAME = "rule_health.version = excluded.version"
SAVE = f"""
INSERT INTO rule_health (rule, version, since, evaluated, errors, no_data, late, "full", monitored, keys, degraded_keys,
  refused, last_evaluated_at, last_transition_at, updated_at)
SELECT u.*, $15 FROM unnest($1::text[], $2::int[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[],
  $7::bigint[], $8::bigint[], $9::bigint[], $10::int[], $11::int[], $12::text[], $13::timestamptz[], $14::timestamptz[])
  AS u
ON CONFLICT (rule) DO UPDATE SET
  since = CASE WHEN {SAME} THEN rule_health.since ELSE excluded.since END,
  {", ".join(f"{name} = excluded.{name} + CASE WHEN {SAME} THEN rule_health.{name} ELSE 0 END" for name in ADDED)},
  last_evaluated_at = coalesce(excluded.last_evaluated_at, CASE WHEN {SAME} THEN rule_health.last_evaluated_at END),
  last_transition_at = coalesce(excluded.last_transition_at, CASE WHEN {SAME} THEN rule_health.last_transition_at END),
  version = excluded.version, keys = excluded.keys, degraded_keys = excluded.degraded_keys,
  refused = excluded.refused, updated_at = excluded.updated_at
"""  # noqa: S608 - fixed names of columns
WATCHED = """
INSERT INTO rule_monitored (rule, position, number, at, log_time, version, alert, key, kind, severity, summary,
  evidence, reason, feed, device, area, zone, retrospective, restricted)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
"""
PRUNE = """
DELETE FROM rule_monitored m USING (
  SELECT rule, position, number, row_number() OVER (PARTITION BY rule ORDER BY position DESC, number DESC) AS n
  FROM rule_monitored WHERE rule = ANY($1::text[])
) k WHERE k.n > $2 AND m.rule = k.rule AND m.position = k.position AND m.number = k.number
"""


async def save_health(connection: Connection, reports: Sequence[RuleHealth], now: datetime) -> None:
    """Add reports to what is kept; the counts of another version begin anew."""
    columns = [[getattr(report, name.strip('"')) for report in reports] for name in (
        "rule", "version", "since", *ADDED, "keys", "degraded_keys", "refused", "last_evaluated_at",
        "last_transition_at",
    )]  # fmt: skip
    await connection.execute(SAVE, *columns, now)
    watching = [report.rule for report in reports if report.monitored]
    if watching:
        await connection.execute(PRUNE, watching, MONITORED_KEPT)


async def write_watched(connection: Connection, watched: Sequence[Transition]) -> None:
    """Keep what rules in monitor mode saw in one stretch of the log."""
    numbers: Counter[tuple[str, int]] = Counter()
    rows = []
    for made in watched:
        numbers[made.rule, made.position] += 1
        rows.append(
            (
                made.rule, made.position, numbers[made.rule, made.position], made.at, made.log_time, made.rule_version,
                made.alert_id, made.key, str(made.kind), str(made.severity), asdict(made.summary), evidence_value(made),
                made.reason, made.feed, made.device, made.area, made.zone, made.retrospective, made.restricted,
            )
        )  # fmt: skip
    await connection.executemany(WATCHED, rows)
