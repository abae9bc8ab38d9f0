"""What the evaluator's parts need of all that a log has said so far; `Evaluation` is it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple, Protocol

from proof.evaluator.keys import Facts, Key
from proof.evaluator.measures import Reading
from proof.evaluator.registry import Registry
from proof.evaluator.rules import Rule


class ExpectedTransition(NamedTuple):
    """One transition, comparable with the engine's. Times are microseconds since 1970."""

    rule: str
    key: str
    kind: str
    severity: str
    at: int
    reason: str
    retrospective: bool
    labels: tuple[str, ...]
    flaps: int
    opened: int
    position: int
    values: tuple[tuple[str, Any], ...]
    limit: float | None = None
    """The one that its evidence cites."""


class LogState(Protocol):
    """All that a log has said so far, and what becomes of it."""

    zone: tzinfo
    rules: dict[str, Rule]
    keys: dict[tuple[str, str], Key]
    registry: Registry
    holidays: list[str]
    limits: dict[str, Mapping[str, Any]]
    """Limits by device, class and area, as the log has them."""
    transitions: list[ExpectedTransition]
    begun: list[str]
    """Names of clusters in the order in which they began."""
    depth: int
    queue: list[tuple[int, str, Reading, int]]
    """(depth, kind, reading, log time) of transitions that rules over alerts have not seen yet."""
    position: int
    log: int

    def show(self) -> None:
        """Show transitions to the rules over alerts in the order in which they are made, and theirs too."""

    def begin(self, rule: Rule, name: str, parts: tuple[str, ...], at: int, log: int) -> Key:
        """Begin a key."""
        ...

    def end_until(self, key: Key, at: int) -> None:
        """End the timers of one key that are due by an instant of its time."""

    def chosen(self, rule: Rule, values: Mapping[str, Any]) -> bool:
        """Tell whether an event exists for a rule."""
        ...

    def read(self, rule: Rule, parts: tuple[str, ...], reading: Reading, log: int) -> None:
        """Give a reading to its key."""

    def observe(self, key: Key, at: int, facts: Facts, *, made_at: int | None) -> None:
        """Evaluate a reading, and let follow what follows at once; ``made_at`` None: it is late and renews no hold."""

    def judge(self, key: Key, at: int, facts: Facts, only: Sequence[int] | None = None) -> tuple[bool, bool]:
        """Ask conditions what is known at an instant; return whether one answered, and whether one failed."""
        ...
