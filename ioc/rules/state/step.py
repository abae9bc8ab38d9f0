"""One step of the fold: the entry, what it works on, and what it has led to so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ioc.domain.alert import Transition
from ioc.domain.event import Entry
from ioc.rules.language.rule import Mode, Rule, to_us
from ioc.rules.state.memory import KeyState, Memory, RuleRecord
from ioc.rules.state.move import Move
from ioc.rules.state.observation import Observation, Sighting


class RulesInForce(Protocol):
    """The rules that an entry is folded by."""

    rules: dict[str, Rule]
    refused: dict[str, str]
    over_alerts: tuple[Rule, ...]
    expecting: tuple[Rule, ...]

    def compile(self, identifier: str, record: RuleRecord) -> Rule | None:
        """Return the rule of a record; None (and the reason in ``refused``) when it cannot be loaded."""
        ...

    def put(self, rule: Rule) -> None:
        """Put a rule in force, in the place of an older one of its id."""
        ...

    def remove(self, identifier: str) -> Rule | None:
        """Take a rule out of force and return it."""
        ...


class FoldStep:
    """What the stages hand on to each other; and what they do for a kind that finds its keys itself.

    A class and no Protocol: what is compiled calls its methods directly.
    """

    def __init__(self, rules: RulesInForce, memory: Memory, entry: Entry) -> None:
        self.rules = rules
        self.memory = memory
        self.entry = entry
        self.log_us = to_us(entry.log_time)
        self.effective_us = 0
        """The effective time of the entry's event."""
        self.values: Mapping[str, Any] = {}
        """What the event says, with what its rules may ask of its place."""
        self.wrong: tuple[str, ...] = ()
        """The fields of the event that are of another type than its feed says."""
        self.sightings: list[Sighting] = []
        """The rules that the event falls to, in the order of their ids."""
        self.transitions: list[Transition] = []
        self.unseen: list[tuple[Transition, Mode, int, int]] = []
        """(transition, its rule's mode, log time at which it was due, depth): not yet seen by rules over alerts."""
        self.depth = 0
        """How deep the rules over alerts stand that are being evaluated; 0: none is."""

    def take(self, rule: Rule, key: str, state: KeyState, seen: Observation, *, log_us: int | None = None) -> None:
        """Let a kind take in an event, and judge what it then says."""
        raise NotImplementedError

    def advance(self, rule: Rule, key: str, state: KeyState, *, limit_us: int) -> None:
        """End the timers of a key that are due by ``limit_us`` of its own time."""
        raise NotImplementedError

    def end_key(
        self, rule: Rule, key: str, state: KeyState, reason: str, *, at_us: int | None = None,
        limit_us: int | None = None,
    ) -> None:  # fmt: skip
        """End a key's alert, if one is open, for a reason of ours."""
        raise NotImplementedError

    def say(self, rule: Rule, key: str, move: Move) -> None:
        """Announce what the alert of a key does."""
        raise NotImplementedError
