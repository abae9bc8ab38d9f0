"""Sequence: one thing after another of the same key, within a time of the first."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any

from ioc.rules.kinds.sequence.spec import Sequence, Step
from ioc.rules.language.clause import EvaluationError
from ioc.rules.language.rule import Rule
from ioc.rules.state.evaluator import KindEvaluator, Remainder, with_place
from ioc.rules.state.memory import READINGS_MAX, KeyState
from ioc.rules.state.observation import Facts, Observation
from ioc.rules.state.step import FoldStep
from ioc.rules.state.tally import Tally

Link = list[Any]
"""[time, position, feed, device] of one step."""
Chain = list[Link]


class ChainProgress:
    """For each step but the last the chain that reached it and began latest; and the last one that was completed."""

    __slots__ = ("done", "open")

    def __init__(self, steps: int) -> None:
        self.open: list[Chain | None] = [None] * (steps - 1)
        self.done: Chain = []

    def go_on(self, link: Link, numbers: Iterable[int], within_us: int) -> bool:
        """Let an event of some steps, the last one first, continue or begin chains; tell whether it completed one."""
        done: Chain | None = None
        for number in numbers:
            if number == 0:
                self.open[0] = [link]
                continue
            chain = self.open[number - 1]
            if chain is None or link[0] - chain[0][0] > within_us:
                continue
            if number == len(self.open):
                done = [*chain, link]
                continue
            known = self.open[number]
            if known is None or chain[0][0] >= known[0][0]:
                self.open[number] = [*chain, link]
        if done is None:
            return False
        self.open = [None] * len(self.open)
        self.done = done
        return True

    def copy(self) -> ChainProgress:
        """Return the same once more; chains are never changed, only replaced."""
        other = ChainProgress(len(self.open) + 1)
        other.open, other.done = list(self.open), self.done
        return other


class Chains:
    """How far chains are, and the newest events that led there: a person may take one back."""

    __slots__ = ("before", "now", "seen")

    def __init__(self, steps: int) -> None:
        self.now = ChainProgress(steps)
        self.before = ChainProgress(steps)
        """How far they were before the events that are kept."""
        self.seen: list[tuple[Link, list[int]]] = []
        """The newest events that were of a step, oldest first, each with its steps, the last one first."""

    def pack(self) -> Any:
        """Return it for a snapshot."""
        return [self.now.open, self.now.done, self.before.open, self.before.done, self.seen]

    def see(self, link: Link, numbers: list[int], within_us: int) -> bool:
        """Take in an event of some steps; tell whether it completed a chain."""
        if len(self.seen) == READINGS_MAX:
            oldest, its_numbers = self.seen.pop(0)
            self.before.go_on(oldest, its_numbers, within_us)
        self.seen.append((link, numbers))
        return self.now.go_on(link, numbers, within_us)

    def forget(self, gone: AbstractSet[int], within_us: int) -> bool:
        """Do without events that were taken back; tell whether there was one of them."""
        rest = [item for item in self.seen if item[0][1] not in gone]
        if len(rest) == len(self.seen):
            return False
        self.seen, self.now = rest, self.before.copy()
        for link, numbers in rest:
            self.now.go_on(link, numbers, within_us)
        return True

    @property
    def found(self) -> dict[str, Any]:
        """What its clauses stand on."""
        done = self.now.done
        return {"complete": True, "took": (done[-1][0] - done[0][0]) / 1e6} if done else {}


class SequenceEvaluator(KindEvaluator):
    """The kind `sequence`."""

    def begin(self, rule: Rule, at_us: int) -> Chains:  # noqa: ARG002 - a kind's shape
        """Return the memory of a key without chains."""
        return Chains(len(spec_of(rule).steps))

    def take(self, rule: Rule, state: KeyState, observation: Observation, tally: Tally) -> Facts | None:
        """Let an event continue or begin chains; from the last step to the first, so that it is one step only."""
        spec, own = spec_of(rule), _own(state)
        state.head_us = observation.at_us
        numbers = [
            number
            for number in range(len(spec.steps) - 1, -1, -1)
            if _matches(spec.steps[number], observation, tally, rule)
        ]
        if not numbers:
            return None
        link: Link = [observation.at_us, observation.position, observation.feed, observation.device]
        if not own.see(link, numbers, spec.within_us):
            return None
        return with_place(rule, state, observation.values, own.found)

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:  # noqa: ARG002
        """Return the completion that stands, if one does."""
        return None if state.over or not _own(state).now.done else with_place(rule, state, None, dict(state.values))

    def unpack(self, rule: Rule, packed: Any) -> Chains:
        """Return what a snapshot kept."""
        own = Chains(len(spec_of(rule).steps))
        own.now.open, own.now.done, *earlier = packed
        if earlier:  # a snapshot of before 0.3.0 has no more than how far they are
            own.before.open, own.before.done, seen = earlier
            own.seen = [(link, numbers) for link, numbers in seen]
        return own

    def do_without(
        self, step: FoldStep, rule: Rule, key: str, state: KeyState, gone: AbstractSet[int]  # noqa: ARG002
    ) -> Remainder | None:  # fmt: skip
        """Be as far as the events have led that are left."""
        own = _own(state)
        if not own.forget(gone, spec_of(rule).within_us):
            return None
        state.values = own.found
        done = own.now.done
        return Remainder(bool(done or own.seen), done[-1][0] if done else None)

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:  # noqa: ARG002
        """Return the steps of the completed chain."""
        done = _own(state).now.done
        steps = [{"at_us": at, "position": position, "feed": feed, "device": device}
                 for at, position, feed, device in done]  # fmt: skip
        return {"kind": "sequence", "steps": steps, "took_s": (done[-1][0] - done[0][0]) / 1e6 if done else None}


def _matches(step: Step, observation: Observation, tally: Tally, rule: Rule) -> bool:
    if step.feed != observation.feed:
        return False
    if step.where is None:
        return True
    try:
        return step.where(observation.values) is True
    except EvaluationError:
        tally.errors[rule.id] += 1
        return False


def spec_of(rule: Rule) -> Sequence:
    """Return the steps of a rule."""
    assert type(rule.spec) is Sequence, "a sequence rule has its steps"
    return rule.spec


def _own(state: KeyState) -> Chains:
    assert type(state.kind_state) is Chains, "a sequence key has its chains"
    return state.kind_state
