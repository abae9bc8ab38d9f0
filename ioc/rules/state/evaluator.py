"""What every kind of rule does beside levels and alerts: take in an event, say what is due, end it, remember it.

A kind keeps what it knows of a key in ``state.kind_state`` and answers with *facts*: what the clauses stand on from
then on, at ``state.head_us``. None: it has nothing to say, and every clause stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from ioc.domain.alert import Transition
from ioc.domain.event import Event
from ioc.rules.language.rule import Rule
from ioc.rules.state.memory import KeyState, KindState
from ioc.rules.state.observation import Facts, Observation, Sighting
from ioc.rules.state.step import FoldStep
from ioc.rules.state.tally import Tally


class Remainder(NamedTuple):
    """What is left of a key once a person has taken readings back."""

    left: bool
    """Whether anything is: a key of which nothing is left ends, and is forgotten."""
    newest_us: int | None = None
    """When the newest reading was made that it now rests on; None: `hold` counts on as it did."""


class KindEvaluator:
    """One kind of rule. Of most nothing is due by itself, and a reading falls to the one key that `by` says."""

    late = False
    """Whether an event that is older than the key's newest still matters to it."""
    finds_keys = False
    """Whether it finds the key of an event itself, in :meth:`find`."""

    # What a key remembers.

    def begin(self, rule: Rule, at_us: int) -> KindState:
        """Return the memory of a new key."""
        raise NotImplementedError(f"{rule.kind} has no keys")

    def unpack(self, rule: Rule, packed: Any) -> KindState:
        """Return the memory that a snapshot kept."""
        raise NotImplementedError(f"{rule.kind} has no keys")

    def is_over(self, state: KeyState) -> bool:  # noqa: ARG002
        """Tell whether nothing will ever ask for a key again, now that its timers have ended."""
        return False

    # What it says of a key.

    def take(self, rule: Rule, state: KeyState, observation: Observation, tally: Tally) -> Facts | None:
        """Take in an event, and set ``state.head_us`` to the instant at which it is judged."""
        raise NotImplementedError(f"{rule.kind} takes nothing in")

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        """Return what is known at ``at_us``, to judge a new clause by."""
        raise NotImplementedError(f"{rule.kind} knows nothing")

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        """Return what evidence says of this kind, in JSON's own types; times as whole microseconds under `*_us`."""
        raise NotImplementedError(f"{rule.kind} has no evidence")

    def do_without(
        self, step: FoldStep, rule: Rule, key: str, state: KeyState, gone: AbstractSet[int]  # noqa: ARG002
    ) -> Remainder | None:  # fmt: skip
        """Forget the readings at some positions, which a person took back; what is left is judged by :meth:`facts`.

        None: the key does not rest on them.
        """
        return None

    # What is due of a key by itself.

    def due(self, rule: Rule, state: KeyState) -> int | None:  # noqa: ARG002
        """Return when, on the key's time, something of its own is due."""
        return None

    def end(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:  # noqa: ARG002
        """End what is due at ``at_us``; afterwards :meth:`due` says something later, or None."""
        return None

    def put_off(self, step: FoldStep, rule: Rule, key: str, state: KeyState) -> bool:  # noqa: ARG002
        """Put off what falls due while we were away ourselves; false: it ends as any other timer."""
        return False

    def resume(self, step: FoldStep, rule: Rule, key: str, state: KeyState, *, was_put_off: bool) -> bool:  # noqa: ARG002
        """Begin anew what was put off, or fell due in the gap that ends now; false: it ends as any other timer."""
        return False

    # Whose keys it finds itself.

    def find(self, step: FoldStep, rule: Rule, event: Event, values: Mapping[str, Any]) -> Sighting | None:
        """Return the key that an event falls to, with the event as the kind sees it; None: it does not exist for it."""
        raise NotImplementedError(f"{rule.kind} finds no keys")

    def show(self, step: FoldStep, rule: Rule, event: Event, values: Mapping[str, Any]) -> None:
        """Show an event to the keys that it falls to, in the rule's turn, where :meth:`find` left that open."""
        raise NotImplementedError(f"{rule.kind} finds its keys beforehand")

    def show_alert(
        self, step: FoldStep, rule: Rule, transition: Transition, values: dict[str, Any], log_us: int
    ) -> None:
        """Show what another rule's alert did, which was due at ``log_us``, to the keys that it falls to."""
        raise NotImplementedError(f"{rule.kind} listens to no alerts")

    def expect(self, step: FoldStep, rule: Rule, device: str) -> None:
        """Learn that a registered device came, changed or went, where the kind asks the registry."""


def with_place(rule: Rule, state: KeyState, values: Mapping[str, Any] | None, found: dict[str, Any]) -> dict[str, Any]:
    """Return ``found`` with what the rule's clauses ask of the place, from an event or as last seen."""
    if rule.context:
        if values is not None:
            state.context = {name: values[name] for name in rule.context if values.get(name) is not None}
        return {**state.context, **found}
    return found
