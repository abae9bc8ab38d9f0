"""What every kind of rule does beside levels and alerts: take in an event, say what is due, end it, remember it.

A kind keeps its memory of a key in ``state.own`` and answers with *facts*: what the conditions stand on from then on,
at ``state.head_us``. None: it has nothing to say, and every condition stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ioc.rules.memory import KeyState, Own, Tally
from ioc.rules.rule import Rule

Facts = Mapping[str, Any]


@dataclass(slots=True)
class Taken:
    """An event as a kind sees it: its values with those of its place, and when it counts."""

    position: int
    at_us: int
    """Its effective time."""
    feed: str
    device: str
    values: Mapping[str, Any]
    late: bool = False
    """Older than the key's newest."""


class Watch(Protocol):
    """One kind of rule."""

    late: bool
    """Whether an event that is older than the key's newest still matters to it."""

    def begin(self, rule: Rule, at_us: int) -> Own:
        """Return the memory of a new key."""
        ...

    def take(self, rule: Rule, state: KeyState, taken: Taken, tally: Tally) -> Facts | None:
        """Take in an event, and set ``state.head_us`` to the instant at which it is judged."""
        ...

    def due(self, rule: Rule, state: KeyState) -> int | None:
        """Return when, on the key's time, something of its own is due."""
        ...

    def end(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        """End what is due at ``at_us``; afterwards :meth:`due` says something later, or None."""
        ...

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        """Return what is known at ``at_us``, to judge a new condition by."""
        ...

    def unpack(self, rule: Rule, packed: Any) -> Own:
        """Return the memory that a snapshot kept."""
        ...

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        """Return what evidence says of this kind, in JSON's own types; times as whole microseconds under `*_us`."""
        ...


class Plain:
    """What most kinds have in common: nothing is due by itself."""

    late = False

    def due(self, rule: Rule, state: KeyState) -> int | None:  # noqa: ARG002
        """Return when something of its own is due."""
        return None

    def end(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:  # noqa: ARG002
        """End what is due."""
        return None


def placed(rule: Rule, state: KeyState, values: Mapping[str, Any] | None, found: dict[str, Any]) -> dict[str, Any]:
    """Return ``found`` with what the rule's conditions ask of the place, from an event or as last seen."""
    if rule.context:
        if values is not None:
            state.context = {name: values[name] for name in rule.context if values.get(name) is not None}
        return {**state.context, **found}
    return found
