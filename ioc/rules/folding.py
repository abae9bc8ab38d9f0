"""What the parts of the fold need of the step that is being made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ioc.domain.alert import Transition
from ioc.domain.event import Entry
from ioc.rules.memory import IDLE_US, KeyState, Memory
from ioc.rules.rule import Rule
from ioc.rules.ruleset import RuleSet
from ioc.rules.timers import Move
from ioc.rules.watch import Taken, Watch


class Folding(Protocol):
    """One step of the fold: the entry, what it works on, and what can be done to a key."""

    rules: RuleSet
    memory: Memory
    entry: Entry
    log_us: int
    effective_us: int
    transitions: list[Transition]

    def chosen(self, rule: Rule, values: Mapping[str, Any]) -> bool:
        """Tell whether an event exists for a rule: its `where` is true."""
        ...

    def begin(
        self, rule: Rule, key: str, at_us: int, *, feed: str, device: str, idle_us: int = IDLE_US,
        log_us: int | None = None,
    ) -> KeyState | None:  # fmt: skip
        """Return the state of a new key; None where the rule has no room for one more."""
        ...

    def take(self, rule: Rule, key: str, state: KeyState, taken: Taken, *, log_us: int | None = None) -> None:
        """Let a kind take in an event, and judge what it then says."""
        ...

    def watch_of(self, rule: Rule, state: KeyState) -> Watch:
        """Return the kind of a rule, and make sure that the key's memory of it is unpacked."""
        ...

    def advance(self, rule: Rule, key: str, state: KeyState, *, limit_us: int) -> None:
        """End the timers of a key that are due by ``limit_us`` of its own time."""
        ...

    def end_one(self, rule: Rule, key: str, state: KeyState, due_log_us: int) -> None:
        """End what is due of one key at one instant of the log's clock."""
        ...

    def end_key(
        self, rule: Rule, key: str, state: KeyState, reason: str, *, at_us: int | None = None,
        limit_us: int | None = None,
    ) -> None:  # fmt: skip
        """End a key's alert, if one is open, for a reason of ours."""
        ...

    def next_due(self, rule: Rule, state: KeyState) -> int | None:
        """Return when, on the key's time, its next timer ends."""
        ...

    def reschedule(self, rule: Rule, key: str, state: KeyState) -> None:
        """Put the key's next timer on the log's clock."""
        ...

    def say(self, rule: Rule, key: str, move: Move) -> None:
        """Record a move."""
        ...

    def drain(self) -> None:
        """Show the transitions so far to the rules over alerts."""
        ...
