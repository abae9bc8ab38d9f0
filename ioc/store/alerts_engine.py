"""The engine's side of an alert: its condition, its history with evidence, and the number said aloud.

Only the engine writes these columns; what people do is in `alert_work`, which gets its first row here and is theirs
from then on. Everything happens inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from ioc.domain.alert import Evidence, Transition, TransitionKind
from ioc.domain.moment import LOCAL_ZONE, format_time
from ioc.domain.severity import Severity
from ioc.store.changes import Change
from ioc.store.engine import Connection

NEXT_NUMBERS = """
INSERT INTO alert_number (day, number) VALUES ($1, $2)
ON CONFLICT (day) DO UPDATE SET number = alert_number.number + $2 RETURNING number
"""
OPEN = """
INSERT INTO alert (id, number, rule, rule_version, rule_hash, key, condition, severity, severity_rank, peak_severity,
                   title, summary, domain, feed, device, area, zone, lat, lon, opened_at, opened_position, changed_at,
                   log_time, flap_count, retrospective, restricted, reason, transitions, position)
VALUES ($1, $2, $3, $4, $5, $6, 'firing', $7::text, $8, $7::text, $9, $10, $11, $12, $13, $14, $15, $16, $17,
        $18::timestamptz, $19, $18::timestamptz,
        $20, $21, $22, $23, $24, 1, $25)
"""
OPEN_WORK = "INSERT INTO alert_work (alert, state, version, updated_at) VALUES ($1, 'new', 1, $2)"
MOVE = """
UPDATE alert SET rule_version = $2, rule_hash = $3, condition = $4::text, severity = $5::text, severity_rank = $6,
  peak_severity = CASE WHEN peak_severity = ANY($7::text[]) THEN $5::text ELSE peak_severity END,
  title = $8, summary = $9, changed_at = $10::timestamptz, log_time = $11,
  cleared_at = CASE WHEN $4::text = 'cleared' THEN $10::timestamptz END, flap_count = $12,
  retrospective = CASE WHEN $4::text = 'cleared' THEN retrospective ELSE $13::boolean END,
  reason = $14, transitions = transitions + 1, position = $15
WHERE id = $1
"""
HISTORY = """
INSERT INTO alert_history (alert, number, at, log_time, kind, severity, summary, reason, evidence, position)
SELECT $1::text, coalesce(max(number), 0) + 1, $2::timestamptz, $3::timestamptz, $4::text, $5::text, $6::jsonb,
       $7::text, $8::jsonb, $9::bigint FROM alert_history WHERE alert = $1::text
"""
WORK_VERSION = "SELECT version FROM alert_work WHERE alert = $1"


async def write_transitions(
    connection: Connection, transitions: Sequence[Transition], *, number_prefix: str
) -> list[Change]:
    """Write ``transitions`` in order and return the changes that people must see, one per alert, for the caller."""
    changes: dict[str, Change] = {}
    numbers = await _numbers(connection, transitions, number_prefix)
    for transition in transitions:
        if transition.kind is TransitionKind.OPENED:
            await _open(connection, transition, numbers[transition.alert_id])
        else:
            await _move(connection, transition)
        await _record(connection, transition)
        version = await connection.fetchval(WORK_VERSION, transition.alert_id)
        changes[transition.alert_id] = Change(
            kind="alert",
            id=transition.alert_id,
            log_time=transition.log_time,
            area=transition.area,
            zone=transition.zone,
            version=version or 1,
            restricted=transition.restricted,
        )
    return list(changes.values())


async def _numbers(connection: Connection, transitions: Sequence[Transition], prefix: str) -> Mapping[str, str]:
    """Return the number of each alert that opens, `HB-yymmdd-NNNN`, counted on the local day it is issued."""
    opening: dict[date, list[str]] = {}
    for transition in transitions:
        if transition.kind is TransitionKind.OPENED:
            opening.setdefault(transition.log_time.astimezone(LOCAL_ZONE).date(), []).append(transition.alert_id)
    numbers: dict[str, str] = {}
    for day, alerts in sorted(opening.items()):
        last: int = await connection.fetchval(NEXT_NUMBERS, day, len(alerts))
        for number, alert in enumerate(alerts, start=last - len(alerts) + 1):
            numbers[alert] = f"{prefix}-{day:%y%m%d}-{number:04d}"
    return numbers


async def _open(connection: Connection, made: Transition, number: str) -> None:
    await connection.execute(
        OPEN, made.alert_id, number, made.rule, made.rule_version, made.rule_hash, made.key, str(made.severity),
        made.severity.rank, asdict(made.title), asdict(made.summary), made.domain, made.feed, made.device, made.area,
        made.zone, made.lat, made.lon, made.at, made.opened_position, made.log_time, made.flap_count,
        made.retrospective, made.restricted, made.reason, made.position,
    )  # fmt: skip
    await connection.execute(OPEN_WORK, made.alert_id, made.log_time)


async def _move(connection: Connection, made: Transition) -> None:
    condition = "cleared" if made.kind is TransitionKind.CLEARED else "firing"
    lower = [str(severity) for severity in Severity if severity.rank < made.severity.rank]
    status = await connection.execute(
        MOVE, made.alert_id, made.rule_version, made.rule_hash, condition, str(made.severity), made.severity.rank,
        lower, asdict(made.title), asdict(made.summary), made.at, made.log_time,
        made.flap_count, made.retrospective, made.reason, made.position,
    )  # fmt: skip
    assert status == "UPDATE 1", f"{made.kind} of an alert that never opened: {made.alert_id}"


async def _record(connection: Connection, made: Transition) -> None:
    await connection.execute(
        HISTORY, made.alert_id, made.at, made.log_time, str(made.kind), str(made.severity), asdict(made.summary),
        made.reason, evidence_value(made), made.position,
    )  # fmt: skip


def evidence_value(made: Transition) -> dict[str, Any]:
    """Return a transition's evidence, JSON-ready, with the rule that made it."""
    found: Evidence = made.evidence
    return {
        "rule": {"id": made.rule, "version": made.rule_version, "hash": made.rule_hash},
        "severity": str(made.severity),
        "clause": found.clause,
        "values": dict(found.values),
        "limit": None if found.limit is None else asdict(found.limit),
        "held_since": _time(found.held_since),
        "held_seconds": found.held_seconds,
        "details": dict(found.details),
        "position": found.position,
        "readings": [
            {
                "position": reading.position,
                "device": reading.device,
                "effective": format_time(reading.effective),
                "values": dict(reading.values),
            }
            for reading in found.readings
        ],
        "labels": dict(made.labels),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)
