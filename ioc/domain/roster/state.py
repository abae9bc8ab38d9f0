"""What the clock of every stream tells of the roster: who is missing, its newest change, and the duty mode."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ioc.domain.roster.mode import ModeDeclaration
from ioc.domain.scope import Scope

DUTY = "duty"
"""The word of the trouble: a unit that keeps a roster has nobody on duty."""


@dataclass(frozen=True, slots=True)
class RosterState:
    """How the roster is now."""

    unstaffed: tuple[frozenset[str], ...] = ()
    """The areas of each unit that keeps a roster and has nobody on duty; none: it acts everywhere."""
    changed_at: datetime | None = None
    """When it was changed last."""
    mode: ModeDeclaration | None = None
    """The duty mode that holds; None: the normal one."""

    def unstaffed_inside(self, scope: Scope) -> int:
        """Return how many units that act inside a wall have nobody on duty."""
        own = scope.areas
        return sum(own is None or not areas or not areas.isdisjoint(own) for areas in self.unstaffed)
