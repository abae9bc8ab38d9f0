"""How a rule does: what the engine counted of it, and whether it may be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MONITORED_KEPT = 500
"""Moves of a rule in monitor mode that are kept, the newest."""
MONITORED_AT_ONCE = 200
"""Moves of all rules in monitor mode that one commit keeps; further ones are only counted."""

COUNTS = ("evaluated", "errors", "no_data", "late", "full", "monitored")
"""What a report counts since the one before, and the store adds up by version."""


class HealthState(StrEnum):
    """One word for how a rule does: the first of these that is so."""

    OFF = "off"
    """It is not in force."""
    REFUSED = "refused"
    """The engine has not taken its newest form."""
    DEGRADED = "degraded"
    """Some key is beyond its error budget."""
    IDLE = "idle"
    """Nothing has reached it for a while."""
    OK = "ok"
    """None of these."""


@dataclass(frozen=True, slots=True)
class RuleHealth:
    """What is told of a rule at once. The counts are what came since the last telling, in readings and moves."""

    rule: str
    version: int
    """Of the form in force; 0: none is."""
    since: datetime
    """From when its counts count, where this version is told for the first time."""
    evaluated: int = 0
    errors: int = 0
    no_data: int = 0
    late: int = 0
    full: int = 0
    monitored: int = 0
    keys: int = 0
    """Alert keys that it knows now."""
    degraded_keys: int = 0
    """Those beyond their error budget."""
    refused: str | None = None
    """Why its newest form is not in force."""
    last_evaluated_at: datetime | None = None
    last_transition_at: datetime | None = None
    turned: bool = False
    """Whether it came to be refused or degraded, or ceased to: people must see that at once."""

    def says_more_than(self, told: RuleHealth | None) -> bool:
        """Tell whether there is something to write that ``told``, the report before, did not say."""
        if told is None or self.version != told.version or self.refused != told.refused:
            return True
        if (self.keys, self.degraded_keys) != (told.keys, told.degraded_keys):
            return True
        return any(getattr(self, name) for name in COUNTS) or self.last_transition_at is not None
