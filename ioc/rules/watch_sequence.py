"""Sequence: one thing after another of the same key, within a time of the first."""

from __future__ import annotations

from typing import Any

from ioc.rules.condition import EvaluationError
from ioc.rules.kinds import Sequence, Step
from ioc.rules.memory import KeyState, Tally
from ioc.rules.rule import Rule
from ioc.rules.watch import Facts, Plain, Taken, placed

Link = list[Any]
"""[time, position, feed, device] of one step."""


class Chains:
    """For each step but the last the chain that reached it and began latest; and the last one that was completed."""

    __slots__ = ("done", "open")

    def __init__(self, steps: int) -> None:
        self.open: list[list[Link] | None] = [None] * (steps - 1)
        self.done: list[Link] = []

    def pack(self) -> Any:
        """Return it for a snapshot."""
        return [self.open, self.done]


class SequenceWatch(Plain):
    """The kind `sequence`."""

    def begin(self, rule: Rule, at_us: int) -> Chains:  # noqa: ARG002 - a kind's shape
        """Return the memory of a key without chains."""
        return Chains(len(_shape(rule).steps))

    def take(self, rule: Rule, state: KeyState, taken: Taken, tally: Tally) -> Facts | None:
        """Let an event continue or begin chains; from the last step to the first, so that it is one step only."""
        shape, own = _shape(rule), _own(state)
        state.head_us = taken.at_us
        link: Link = [taken.at_us, taken.position, taken.feed, taken.device]
        done: list[Link] | None = None
        for number in range(len(shape.steps) - 1, -1, -1):
            if not _matches(shape.steps[number], taken, tally, rule):
                continue
            if number == 0:
                own.open[0] = [link]
                continue
            chain = own.open[number - 1]
            if chain is None or taken.at_us - chain[0][0] > shape.within_us:
                continue
            if number == len(shape.steps) - 1:
                done = [*chain, link]
                continue
            known = own.open[number]
            if known is None or chain[0][0] >= known[0][0]:
                own.open[number] = [*chain, link]
        if done is None:
            return None
        own.open = [None] * (len(shape.steps) - 1)
        own.done = done
        return placed(rule, state, taken.values, {"complete": True, "took": (done[-1][0] - done[0][0]) / 1e6})

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:  # noqa: ARG002
        """Return the completion that stands, if one does."""
        return None if state.over or not _own(state).done else placed(rule, state, None, dict(state.values))

    def unpack(self, rule: Rule, packed: Any) -> Chains:
        """Return what a snapshot kept."""
        own = Chains(len(_shape(rule).steps))
        own.open, own.done = packed
        return own

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:  # noqa: ARG002
        """Return the steps of the completed chain."""
        done = _own(state).done
        steps = [{"at_us": at, "position": position, "feed": feed, "device": device}
                 for at, position, feed, device in done]  # fmt: skip
        return {"kind": "sequence", "steps": steps, "took_s": (done[-1][0] - done[0][0]) / 1e6 if done else None}


def _matches(step: Step, taken: Taken, tally: Tally, rule: Rule) -> bool:
    if step.feed != taken.feed:
        return False
    if step.where is None:
        return True
    try:
        return step.where(taken.values) is True
    except EvaluationError:
        tally.errors[rule.id] += 1
        return False


def _shape(rule: Rule) -> Sequence:
    assert type(rule.shape) is Sequence, "a sequence rule has its steps"
    return rule.shape


def _own(state: KeyState) -> Chains:
    assert type(state.own) is Chains, "a sequence key has its chains"
    return state.own
