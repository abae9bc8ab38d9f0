"""Observe by kind: each key takes the event in, and says what its clauses are held against from then on.

Nothing is judged and nothing announced here, so the order of the rules does not matter. A key of which a timer is due
by the event's own time waits for its rule's turn (:mod:`ioc.rules.fold.levels`): what the timer does comes first.

Worked through: a window of the sum over an hour holds 3 and 4; a reading of 2 comes at 12:10. Before: `head_us` 12:05.
After: the pane of 12:10 holds 2, `head_us` is 12:10, the facts are `{sum: 9}`; what the clauses were stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ioc.domain.manual_entry import DOOR
from ioc.rules.kinds.registry import evaluator_of
from ioc.rules.language.rule import Rule
from ioc.rules.state.evaluator import KindEvaluator
from ioc.rules.state.memory import KeyState, Reading
from ioc.rules.state.observation import Facts, Observation, Sighting
from ioc.rules.state.step import FoldStep

# Made by the tuple's own __new__: the one that NamedTuple generates costs twice as much.
_made = cast("Callable[[type[Reading], tuple[Any, ...]], Reading]", tuple.__new__)


def observe(step: FoldStep) -> None:
    """Let every key that does not wait take the event in."""
    for sighting in step.sightings:
        state = sighting.state
        if state is None:
            continue
        if state.due_log_us is not None:
            sighting.due_us = state.time_us + state.due_log_us - state.log_us
            if state.time_us <= sighting.at_us and sighting.due_us <= sighting.at_us:
                sighting.waits = True
                continue
        try:
            take_in(step, sighting, state)
        except Exception as error:  # noqa: BLE001 - nobody foresaw it: the rule ends in its turn, the others go on
            sighting.error = error


def take_in(step: FoldStep, sighting: Sighting, state: KeyState) -> None:
    """Let one key take the event in."""
    evaluator = evaluator_of(sighting.rule, state)
    if evaluator is None:
        read(step, sighting, state)
        return
    seen = sighting.seen
    if seen is None:
        seen = sighting.seen = observation_of(step, sighting)
    if passes(step, sighting.rule, state, seen, evaluator):
        sighting.facts = taken(step, sighting.rule, state, seen, evaluator=evaluator)
    else:
        sighting.state = None
        sighting.waits = False


def observation_of(step: FoldStep, sighting: Sighting) -> Observation:
    """Return the event as a kind sees it."""
    event = step.entry.event
    assert event is not None, "an event entry has its event"
    by_hand = event.door == DOOR
    return Observation(step.entry.position, sighting.at_us, event.feed, event.device, step.values, by_hand=by_hand)


def read(step: FoldStep, sighting: Sighting, state: KeyState) -> None:
    """Take a threshold's reading as the key's current value; one that is late, or came before, changes nothing."""
    rule, at_us, values, event = sighting.rule, sighting.at_us, step.values, step.entry.event
    assert event is not None, "an event entry has its event"
    if at_us < state.time_us:
        step.memory.tally.late[rule.id] += 1
        return
    names = rule.measures
    looked_at = tuple([values.get(name) for name in names])
    if at_us == state.time_us and state.has(event.device, at_us, looked_at):
        return
    if at_us > state.time_us:
        # A second reading of the same instant must not move the key's clock, or it would put off a timer.
        state.time_us, state.log_us = at_us, step.log_us
    state.head_us = at_us
    state.move_to(event.feed, event.device, values)
    for name, value in zip(names, looked_at, strict=True):
        if value is not None:
            state.values[name] = value
    state.readings.append(_made(Reading, (step.entry.position, event.device, at_us, names, looked_at)))
    sighting.failed = sum(name in rule.measures for name in step.wrong) if step.wrong else 0
    sighting.facts = values


def passes(step: FoldStep, rule: Rule, state: KeyState, seen: Observation, evaluator: KindEvaluator) -> bool:
    """Tell whether an event still matters to a key; one that is older than its newest does to some kinds only."""
    seen.late = seen.at_us < state.time_us
    if seen.late and not evaluator.late:
        step.memory.tally.late[rule.id] += 1
        return False
    return True


def taken(
    step: FoldStep,
    rule: Rule,
    state: KeyState,
    seen: Observation,
    *,
    evaluator: KindEvaluator,
    log_us: int | None = None,
) -> Facts | None:
    """Let a kind take an event in, which is kept as evidence; where it is not late the key is where and when it is."""
    if not seen.late:
        if seen.at_us > state.time_us:
            state.time_us, state.log_us = seen.at_us, step.log_us if log_us is None else log_us
        state.move_to(seen.feed, seen.device, seen.values)
    device, kept = seen.device, tuple([seen.values.get(name) for name in rule.inputs])
    state.readings.append(_made(Reading, (seen.position, device, seen.at_us, rule.inputs, kept)))
    return evaluator.take(rule, state, seen, step.memory.tally)
