"""A move of an alert as the history keeps it: what a check of the history compares with a fold of the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ioc.domain.alert import Transition


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

    def __str__(self) -> str:
        because = f", {self.reason}" if self.reason else ""
        return f"{self.kind} {self.severity} at {self.at.isoformat()}, entry {self.position}{because}"


def as_recorded(made: Transition) -> RecordedMove:
    """Return a transition as the history keeps it."""
    return RecordedMove(
        alert=made.alert_id, rule=made.rule, key=made.key, position=made.position, kind=str(made.kind),
        severity=str(made.severity), at=made.at, reason=made.reason, rule_hash=made.rule_hash,
    )  # fmt: skip
