"""A move of an alert as the history keeps it, and the row that lists show after it: what a check compares with the log.

``evidence_json`` is also what the engine writes, so that a check compares like with like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import orjson

from ioc.domain.alert import AlertNow, Evidence, MeasuredValue, Transition, TransitionKind
from ioc.domain.alert_row import AlertRow
from ioc.domain.moment import format_time

ENGINE_KINDS = tuple(str(kind) for kind in TransitionKind)
"""The kinds of history lines that the engine writes; all others are people's."""


@dataclass(frozen=True, slots=True)
class NowRow:
    """What the row `alert_now` says of an alert, and which key of which rule it is."""

    alert: str
    rule: str
    key: str
    position: int
    """Of the entry whose reading it tells."""
    headline: Mapping[str, str]
    now: Mapping[str, Any] | None
    peak: Mapping[str, Any] | None
    trend: str | None
    closing: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class RecordedMove:
    """One move. Two are equal when an auditor would find no difference between them."""

    alert: str
    rule: str
    key: str
    position: int
    """Of the entry that tipped it."""
    kind: str
    severity: str
    at: datetime
    reason: str
    rule_hash: str
    log_time: datetime
    summary: Mapping[str, str]
    evidence: Mapping[str, Any]
    number: str = field(default="", compare=False)
    """The alert's number, said aloud."""
    row: AlertRow | None = field(default=None, compare=False)
    """The alert's row, where no move came after this one."""

    def __str__(self) -> str:
        because = f", {self.reason}" if self.reason else ""
        return f"{self.kind} {self.severity} at {self.at.isoformat()}, entry {self.position}{because}"


def as_recorded(made: Transition) -> RecordedMove:
    """Return a transition as the history keeps it."""
    return RecordedMove(
        alert=made.alert_id, rule=made.rule, key=made.key, position=made.position, kind=str(made.kind),
        severity=str(made.severity), at=made.at, reason=made.reason, rule_hash=made.rule_hash,
        log_time=made.log_time, summary=asdict(made.summary),
        evidence=orjson.loads(orjson.dumps(evidence_json(made))),
    )  # fmt: skip


def evidence_json(made: Transition) -> dict[str, Any]:
    """Return a transition's evidence, JSON-ready, with the rule that made it."""
    found: Evidence = made.evidence
    return {
        "rule": {"id": made.rule, "version": made.rule_version, "hash": made.rule_hash},
        "severity": str(made.severity),
        "clause": found.clause,
        "values": dict(found.values),
        "limit": None if found.limit is None else asdict(found.limit),
        "held_since": None if found.held_since is None else format_time(found.held_since),
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


def now_row(found: AlertNow, *, rule: str, key: str) -> NowRow:
    """Return how things are with an alert as its row has it."""
    return NowRow(
        found.alert_id, rule, key, found.position, asdict(found.headline), measured_json(found.now),
        measured_json(found.peak), found.trend, None if found.closing is None else asdict(found.closing),
    )  # fmt: skip


def measured_json(told: MeasuredValue | None) -> dict[str, Any] | None:
    """Return a value as the API says it."""
    if told is None:
        return None
    found = {
        "value": told.value,
        "unit": told.unit,
        "time": format_time(told.time),
        "position": told.position,
        "text": asdict(told.text),
    }
    return found if told.label is None else {**found, "label": asdict(told.label)}


def differing(recorded: object, recomputed: object, name: str = "") -> list[str]:
    """Return each member that differs, as `name: recorded, recomputed`; mappings and lists are looked into."""
    if isinstance(recorded, Mapping) and isinstance(recomputed, Mapping):
        names = sorted({*recorded, *recomputed}, key=str)
        return [
            line
            for each in names
            for line in differing(recorded.get(each), recomputed.get(each), f"{name}.{each}" if name else str(each))
        ]
    if isinstance(recorded, list) and isinstance(recomputed, list) and len(recorded) == len(recomputed):
        return [
            line
            for number, (one, other) in enumerate(zip(recorded, recomputed, strict=True))
            for line in differing(one, other, f"{name}[{number}]")
        ]
    return [] if recorded == recomputed else [f"{name}: {recorded!r:.200}, the log gives {recomputed!r:.200}"]
