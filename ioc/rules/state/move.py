"""What the alert of a key did: opened, rose, fell, cleared, came back."""

from __future__ import annotations

from dataclasses import dataclass

from ioc.domain.alert import TransitionKind
from ioc.domain.severity import Severity


@dataclass(frozen=True, slots=True)
class Move:
    """What an alert did: its new level's index and since when that level's clause (or the clear band) holds."""

    kind: TransitionKind
    at_us: int
    level: int
    since_us: int
    was: Severity | None = None
    """The severity that it showed before, or when it cleared last."""
    reason: str = ""
    due_us: int = 0
    """When it became due on the key's time, which ``at_us`` may be after."""
