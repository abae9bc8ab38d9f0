"""Levels and clears: what was observed is held against the clauses, levels live and end, the alert follows.

Rule by rule in the order of their ids, and each move is announced as it is made: its evidence is the key's as it is
then, and rules over alerts see the moves one after the other.

Worked through: `value > 5` with `clear: {for: 5m}`; the alert fires, and the facts are `{value: 3}` at 12:00. Before:
the level's truth since 11:00. After: it is false since 12:00, the level lives on, and the key's next timer is 12:05.
"""

from __future__ import annotations

from ioc.domain.alert import TransitionKind
from ioc.rules.fold import announce, observe
from ioc.rules.kinds.registry import KINDS, evaluator_of, kind_evaluator
from ioc.rules.language.rule import Rule
from ioc.rules.state import timers
from ioc.rules.state.faults import disable_failed_rule
from ioc.rules.state.memory import KeyState
from ioc.rules.state.move import Move
from ioc.rules.state.now import note, renew
from ioc.rules.state.observation import Facts, Observation, Sighting
from ioc.rules.state.step import FoldStep
from ioc.rules.state.timers import BUDGET_BITS, level_of, next_due


def follow(step: FoldStep) -> None:
    """Let the alerts of every key that the event fell to follow it."""
    for sighting in step.sightings:
        if sighting.error is not None:
            disable_failed_rule(step, sighting.rule, sighting.error)
            continue
        try:
            follow_one(step, sighting)
        except Exception as error:  # noqa: BLE001 - nobody foresaw it: the rule ends, the others go on
            disable_failed_rule(step, sighting.rule, error)


def follow_one(step: FoldStep, sighting: Sighting) -> None:
    """Let the alert of one key follow; what waits is taken in first, once its timers have ended."""
    rule, key, state, event = sighting.rule, sighting.key, sighting.state, step.entry.event
    assert event is not None, "an event entry has its event"
    if state is None:
        if sighting.waits:
            kind_evaluator(rule.kind).show(step, rule, event, step.values)
    elif KINDS[rule.kind].evaluator is None:
        if sighting.waits:
            advance(step, rule, key, state, limit_us=sighting.at_us)
            observe.read(step, sighting, state)
        follow_reading(step, sighting, state)
    elif sighting.waits:
        take(step, rule, key, state, sighting.seen or observe.observation_of(step, sighting))
    else:
        assert sighting.seen is not None, "a kind has seen the event"
        follow_kind(step, rule, key, state, sighting.seen, facts=sighting.facts, due_us=sighting.due_us)


def follow_reading(step: FoldStep, sighting: Sighting, state: KeyState) -> None:
    """Hold a threshold's reading against its clauses.

    While no timer runs and nothing changes, which is nearly always, there is nothing to advance.
    """
    rule, key, facts, pending = sighting.rule, sighting.key, sighting.facts, sighting.due_us is not None
    if facts is not None:
        changed = judge(step, rule, state, facts, told_us=sighting.at_us, failed=sighting.failed)
        if (
            state.alert is not None
            and state.alert.firing
            and (rule.main is None or facts.get(rule.main.name) is not None)
        ):
            renew(step.memory, rule, key, state, position=step.entry.position)
        if changed or pending:
            advance(step, rule, key, state, limit_us=sighting.at_us)
        speak_up(step, rule, key, state)
        if changed or pending or state.due_log_us is not None:
            timers.reschedule(step.memory, rule, key, state)
    elif sighting.waits:
        timers.reschedule(step.memory, rule, key, state)
    if rule.per_event and state.alert is None and state.idle:
        del step.memory.keys[rule.id][key]  # nearly every event: remembering each would fill the bound


def take(
    step: FoldStep, rule: Rule, key: str, state: KeyState, seen: Observation, *, log_us: int | None = None
) -> None:
    """Let a kind take in an event once the timers of its key have ended, and judge what it then says."""
    evaluator = evaluator_of(rule, state)
    assert evaluator is not None, "a threshold takes its readings as they are"
    if not observe.passes(step, rule, state, seen, evaluator):
        return
    due_us = None if state.due_log_us is None else state.time_us + state.due_log_us - state.log_us
    if not seen.late and due_us is not None and due_us <= seen.at_us:
        advance(step, rule, key, state, limit_us=seen.at_us)
        due_us = next_due(rule, state, evaluator, step.memory.holidays)
    facts = observe.taken(step, rule, state, seen, evaluator=evaluator, log_us=log_us)
    follow_kind(step, rule, key, state, seen, facts=facts, due_us=due_us)


def follow_kind(
    step: FoldStep, rule: Rule, key: str, state: KeyState, seen: Observation, *, facts: Facts | None, due_us: int | None
) -> None:
    """Hold what a kind says against the clauses; ``due_us`` is when its next timer ended before the event."""
    if facts is not None and not (seen.late and state.over):
        state.values = {name: facts[name] for name in rule.measures if facts.get(name) is not None}
        changed = judge(step, rule, state, facts, told_us=None if seen.late else seen.at_us)
        if state.alert is not None and state.alert.firing:
            renew(step.memory, rule, key, state, position=step.entry.position)
        if changed or (due_us is not None and due_us <= state.head_us):
            advance(step, rule, key, state, limit_us=state.head_us)
    if not seen.late and facts is not None:
        speak_up(step, rule, key, state)
    timers.reschedule(step.memory, rule, key, state, evaluator_of(rule, state))


def judge(step: FoldStep, rule: Rule, state: KeyState, facts: Facts, *, told_us: int | None, failed: int = 0) -> bool:
    """Hold facts against the clauses at the key's head; return whether one changed."""
    memory = step.memory
    changed, broke, without = timers.observe(
        rule, state, facts, at_us=state.head_us, limits=memory.limits, holidays=memory.holidays
    )
    if told_us is not None and broke + without < len(rule.clauses):
        state.told_us, state.over = told_us, False
    failed += broke
    if failed or without:
        state.errors += failed
        state.no_data += without
        memory.tally.errors[rule.id] += failed
        memory.tally.no_data[rule.id] += without
    if failed or state.failed:
        state.failed = (state.failed << 1 | bool(failed)) & BUDGET_BITS
    return changed


def speak_up(step: FoldStep, rule: Rule, key: str, state: KeyState) -> None:
    """Say aloud an alert that opened too late to be heard, once a live reading shows that it still holds."""
    alert = state.alert
    if alert is None or not alert.firing or not alert.retrospective:
        return
    top = level_of(rule, alert.severity)
    live = step.log_us - state.time_us <= rule.live_age_us_max[state.feed]
    if live and state.levels[top].truth:
        since_us = state.levels[top].since_us
        at_us = max(state.floor_us, state.time_us)
        announce.say(
            step, rule, key, Move(TransitionKind.RAISED, at_us, top, since_us, alert.severity, "still_holds", at_us)
        )


def advance(step: FoldStep, rule: Rule, key: str, state: KeyState, *, limit_us: int) -> None:
    """End the timers of a key that are due by ``limit_us`` of its own time."""
    memory, position = step.memory, step.entry.position
    for move in timers.advance(
        rule, key, state, limit_us=limit_us, position=position, limits=memory.limits,
        evaluator=evaluator_of(rule, state), holidays=memory.holidays,
    ):  # fmt: skip
        announce.say(step, rule, key, move)
    alert = state.alert
    if alert is not None and alert.now is not None and alert.now.position == position:
        note(memory, rule, key)  # a pane or a member that left may have changed what it tells


def end_key(
    step: FoldStep, rule: Rule, key: str, state: KeyState, reason: str, *, at_us: int | None = None,
    limit_us: int | None = None,
) -> None:  # fmt: skip
    """End a key's alert, if one is open, for a reason of ours; first what is due by ``limit_us`` of its time."""
    advance(step, rule, key, state, limit_us=state.at_log(step.log_us) if limit_us is None else limit_us)
    alert = state.alert
    if alert is not None and alert.firing:
        at_us = max(step.log_us if at_us is None else at_us, state.floor_us)
        alert.firing, alert.cleared_us = False, at_us
        level = level_of(rule, alert.severity)
        move = Move(TransitionKind.CLEARED, at_us, level, at_us, alert.severity, reason, state.at_log(step.log_us))
        announce.say(step, rule, key, move)
