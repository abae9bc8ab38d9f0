"""What came of calling a contact about an alert: the unit, the contact and the outcome, and no number or name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ioc.domain.feed import Label


class CallOutcome(StrEnum):
    """What came of a call."""

    REACHED = "reached"
    """Đã gặp: somebody answered and knows."""
    NO_ANSWER = "no_answer"
    """Không trả lời."""
    BUSY = "busy"
    """Máy bận."""


OUTCOME_WORDS = {
    CallOutcome.REACHED: Label("đã gặp", "reached"),
    CallOutcome.NO_ANSWER: Label("không trả lời", "no answer"),
    CallOutcome.BUSY: Label("máy bận", "busy"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a contact of the directory."""

    unit: str
    contact: str
    outcome: CallOutcome

    def entry(self) -> dict[str, Any]:
        """Return it as the history and the audit trail keep it."""
        return {"unit": self.unit, "contact": self.contact, "outcome": str(self.outcome)}
