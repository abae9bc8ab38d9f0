"""An event as a kind of rule sees it, and what the kind then says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ioc.rules.language.rule import Rule
from ioc.rules.state.memory import KeyState

Facts = Mapping[str, Any]
"""What the clauses of a rule stand on, by name."""


@dataclass(slots=True)
class Observation:
    """An event as a kind sees it: its values with those of its place, and when it counts."""

    position: int
    at_us: int
    """Its effective time."""
    feed: str
    device: str
    values: Mapping[str, Any]
    late: bool = False
    """Older than the key's newest."""
    by_hand: bool = False
    """A person entered it, and may take it back."""


class Sighting:
    """A rule that an event falls to: its key, and what the stages have made of the event so far."""

    __slots__ = ("at_us", "due_us", "error", "facts", "failed", "key", "rule", "seen", "state", "waits")

    def __init__(self, rule: Rule, key: str, state: KeyState | None, at_us: int) -> None:
        self.rule = rule
        self.key = key
        self.state = state
        """None: its kind finds the keys itself."""
        self.at_us = at_us
        self.waits = state is None
        """Whether something of it must be announced before the event is taken in: then all is done in its turn."""
        self.due_us: int | None = None
        """When, on the key's time, its next timer ended before the event."""
        self.seen: Observation | None = None
        self.facts: Facts | None = None
        """What its clauses are held against; None: they stay as they are."""
        self.failed = 0
        """How many of the fields that it looks at are of a wrong type."""
        self.error: Exception | None = None
        """What broke in our own code on the way."""
