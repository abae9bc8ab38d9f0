"""What the fold counts since somebody last looked: figures, no part of the memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ioc.domain.alert import Transition
from ioc.domain.rules.health import MONITORED_AT_ONCE


@dataclass(slots=True)
class Tally:
    """Counts since somebody last looked; they are figures, no part of the memory."""

    evaluated: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    no_data: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    """Older than the key's newest: no current value."""
    full: Counter[str] = field(default_factory=Counter)
    """Events of a new key that found its rule at the bound."""
    monitored: Counter[str] = field(default_factory=Counter)
    """Transitions of rules in monitor mode: counted here, raised nowhere."""
    watched: list[Transition] = field(default_factory=list)
    """The first of them, for people to judge the rules by."""
    refused: Counter[str] = field(default_factory=Counter)
    """Rules of the log that could not be loaded."""
    deep: Counter[str] = field(default_factory=Counter)
    """Transitions of rules over alerts that were too deep to be seen by further ones."""

    def watch(self, transition: Transition) -> None:
        """Count a transition of a rule in monitor mode, and keep it while there is room."""
        self.monitored[transition.rule] += 1
        if len(self.watched) < MONITORED_AT_ONCE:
            self.watched.append(transition)
