"""The life of one key: levels that wait, live and end, and the alert that follows them.

Everything is dated when it became due, never when it was noticed. Timers end in the order of their due times, those
of one instant together, so an alert that reaches two levels at once opens once, at the higher.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Any

from ioc.domain.alert import TransitionKind, alert_id
from ioc.domain.severity import Severity
from ioc.rules.condition import Condition, EvaluationError
from ioc.rules.memory import FLAPS_MAX, AlertState, KeyState, LevelState
from ioc.rules.rule import Rule
from ioc.rules.watch import Facts, Watch

HOLD_OVER = "hold_over"
"""Why an alert cleared of which nothing more was heard."""
NO_DAYS: frozenset[date] = frozenset()
BUDGET_BITS = (1 << 20) - 1
"""Which of a key's last twenty readings failed, one bit each."""


@dataclass(frozen=True, slots=True)
class Move:
    """What an alert did: its new level's index and since when that level's condition (or the clear band) holds."""

    kind: TransitionKind
    at_us: int
    level: int
    since_us: int
    was: Severity | None = None
    """The severity that it showed before, or when it cleared last."""
    reason: str = ""
    due_us: int = 0
    """When it became due on the key's time, which ``at_us`` may be after."""


def clear_due(rule: Rule, state: KeyState) -> int | None:
    """Return when the clear band will have held for its time, None while it does not hold."""
    if rule.clear.when is not None:
        return state.clear.since_us + rule.clear.for_us if state.clear.truth else None
    since_us = 0
    for level in state.levels:
        if level.truth is not False:
            return None
        since_us = max(since_us, level.since_us)
    return since_us + rule.clear.for_us


def level_due(rule: Rule, number: int, level: LevelState) -> int | None:
    """Return when a level will begin to live (its `for` served) or end (false for `clear.for`)."""
    if level.truth and not level.live:
        return level.since_us + rule.levels[number].for_us
    if level.live and level.truth is False:
        return level.since_us + rule.clear.for_us
    return None


def hold_due(rule: Rule, state: KeyState) -> int | None:
    """Return when the key's newest reading no longer stands; None where its end would change nothing."""
    if rule.hold_us is None or state.over:
        return None
    firing = state.alert is not None and state.alert.firing
    if any(level.truth for level in state.levels) or (firing and clear_due(rule, state) is None):
        return state.told_us + rule.hold_us
    return None


def expire(rule: Rule, state: KeyState, *, at_us: int) -> None:
    """Let every condition of a key be false from ``at_us`` on, and the recovery band hold."""
    state.over = True
    for level in state.levels:
        level.raw = False
        if level.truth is not False:
            level.truth, level.since_us = False, at_us
    state.clear.raw = True
    if rule.clear.when is not None and not state.clear.truth:
        state.clear.truth, state.clear.since_us = True, at_us


def season_due(rule: Rule, state: KeyState, holidays: AbstractSet[date]) -> int | None:
    """Return when the rule's hours begin or end next; None where it has none, or where that would change nothing."""
    if rule.schedule is None:
        return None
    firing = state.alert is not None and state.alert.firing
    if not firing and not any(level.raw or level.truth or level.live for level in state.levels):
        return None
    return rule.schedule.next_change(state.season_us, holidays)


def turn(rule: Rule, state: KeyState, *, at_us: int, holidays: AbstractSet[date]) -> None:
    """Let every condition be what the schedule makes of it at ``at_us``; without one, what the readings say."""
    if rule.schedule is not None:
        # Never before a period's end that the key has passed: at an edit its time may lie before it.
        at_us = state.season_us = max(state.season_us, at_us)
    active = rule.schedule is None or rule.schedule.active(at_us, holidays)
    for level in state.levels:
        truth = level.raw if active else False
        if truth is not level.truth:
            level.truth, level.since_us = truth, at_us
    truth = state.clear.raw if active else True
    if rule.clear.when is not None and truth is not state.clear.truth:
        state.clear.truth, state.clear.since_us = truth, at_us


def next_due(
    rule: Rule, state: KeyState, watch: Watch | None = None, holidays: AbstractSet[date] = NO_DAYS
) -> int | None:
    """Return the key's time at which its next timer ends, None while none runs."""
    found: int | None = None
    for number, level in enumerate(state.levels):
        if level.truth or level.live:  # else none of it runs
            due = level_due(rule, number, level)
            if due is not None and (found is None or due < found):
                found = due
    if state.alert is not None and state.alert.firing and not any(level.live for level in state.levels):
        due = clear_due(rule, state)
        found = due if found is None or (due is not None and due < found) else found
    if rule.hold_us is not None:
        due = hold_due(rule, state)
        found = due if found is None or (due is not None and due < found) else found
    if rule.schedule is not None:
        due = season_due(rule, state, holidays)
        found = due if found is None or (due is not None and due < found) else found
    if watch is not None:
        due = watch.due(rule, state)
        found = due if found is None or (due is not None and due < found) else found
    return found


def advance(
    rule: Rule,
    key: str,
    state: KeyState,
    *,
    limit_us: int,
    position: int,
    watch: Watch | None = None,
    holidays: AbstractSet[date] = NO_DAYS,
) -> Iterator[Move]:
    """End every timer due by ``limit_us``, in order, and yield what the alert does.

    At one instant: first the kind's own (a pane leaves), then the schedule, then a passed hold, then all levels, and
    the alert follows. A timer that turns out to be due before one that has already ended (a reading that took longer
    to arrive than the one before) is dated with that one: an alert's moves never go back in time.
    """
    while (due_us := next_due(rule, state, watch, holidays)) is not None and due_us <= limit_us:
        state.floor_us = max(state.floor_us, due_us)
        if watch is not None:
            own_us = watch.due(rule, state)
            if own_us is not None and own_us <= due_us:
                facts = watch.end(rule, state, own_us)
                # While a passed hold makes every condition false, what leaves changes none of them.
                if facts is not None and not state.over:
                    state.values = {name: facts[name] for name in rule.measures if facts.get(name) is not None}
                    observe(rule, state, facts, at_us=own_us, holidays=holidays)
        if rule.schedule is not None:
            turn_us = season_due(rule, state, holidays)
            if turn_us is not None and turn_us <= due_us:
                turn(rule, state, at_us=turn_us, holidays=holidays)
        over_us = hold_due(rule, state)
        if over_us is not None and over_us <= due_us:
            expire(rule, state, at_us=over_us)
        for number, level in enumerate(state.levels):
            level_due_us = level_due(rule, number, level)
            if level_due_us is not None and level_due_us <= due_us:
                level.live = not level.live
        move = follow(rule, key, state, due_us=due_us, position=position)
        if move is not None:
            yield move


def follow(rule: Rule, key: str, state: KeyState, *, due_us: int, position: int) -> Move | None:
    """Make the alert follow its levels, and return its move if it made one."""
    at_us, alert = state.floor_us, state.alert
    top = max((number for number, level in enumerate(state.levels) if level.live), default=None)
    if top is None:
        due = clear_due(rule, state)
        if alert is None or not alert.firing or due is None or due > due_us:
            return None
        alert.firing, alert.cleared_us = False, at_us
        shown = level_of(rule, alert.severity)
        reason = HOLD_OVER if state.over else ""
        since_us = due - rule.clear.for_us
        return Move(TransitionKind.CLEARED, at_us, shown, since_us, was=alert.severity, reason=reason, due_us=due_us)
    severity, since_us = rule.levels[top].severity, state.levels[top].since_us
    if alert is None or (not alert.firing and at_us - alert.cleared_us > rule.refire_us):
        state.alert = AlertState(alert_id(rule.id, key, position), position, at_us, severity)
        return Move(TransitionKind.OPENED, at_us, top, since_us, due_us=due_us)
    was = alert.severity
    if not alert.firing:
        alert.firing, alert.severity = True, severity
        alert.flap_count += 1
        alert.flaps_us = [*alert.flaps_us, at_us][-FLAPS_MAX:]
        return Move(TransitionKind.REOPENED, at_us, top, since_us, was=was, due_us=due_us)
    if severity is was:
        return None
    alert.severity = severity
    kind = TransitionKind.RAISED if severity.rank > was.rank else TransitionKind.LOWERED
    return Move(kind, at_us, top, since_us, was=was, due_us=due_us)


def level_of(rule: Rule, severity: Severity) -> int:
    """Return the index of the level that shows ``severity``; after an edit, of the nearest below, else the lowest."""
    below = [number for number, level in enumerate(rule.levels) if level.severity.rank <= severity.rank]
    return below[-1] if below else 0


def observe(
    rule: Rule,
    state: KeyState,
    values: Facts,
    *,
    at_us: int,
    holidays: AbstractSet[date] = NO_DAYS,
    kept: Sequence[LevelState] | None = None,
) -> tuple[bool, int, int]:
    """Let a reading say what each condition is from ``at_us`` on; return (whether one changed, failed, without data).

    *No data* and a failure leave a condition as it was, and a reading that answers none renews no hold. ``kept`` are
    conditions that are not asked: after an edit those that it left as they were.
    """
    changed, failed, without = False, 0, 0
    levels, active, scheduled, since_us = state.levels, True, rule.schedule is not None, at_us
    if rule.schedule is not None:
        # A late event is judged at the key's head, which may lie before a period's end that the key has passed.
        since_us = state.season_us = max(state.season_us, at_us)
        active = rule.schedule.active(since_us, holidays)
    for number, when in enumerate(rule.conditions):
        banded = number == len(levels)  # the recovery band's own, which is held against the lowest level's limit
        known = state.clear if banded else levels[number]
        if kept is not None and any(known is one for one in kept):
            continue
        if rule.asks_limit:
            values = {**values, "limit": rule.limit_in_force(rule.levels[0 if banded else number], at_us)}
        try:
            truth = when.ask(values)
        except EvaluationError:
            truth = known.raw
            failed += 1
        else:
            if truth is None:
                truth = known.raw
                without += 1
        changed = changed or (scheduled and known.raw is not truth)  # it counts when the hours begin
        known.raw = truth
        if not active:
            truth = banded
        if truth is not known.truth and (truth is not None or scheduled):
            known.truth, known.since_us, changed = truth, since_us, True
    return changed, failed, without


def verdict(when: Condition, values: Mapping[str, Any]) -> tuple[bool | None, bool]:
    """Return (truth, whether the evaluation failed); a failure is never true."""
    try:
        return when(values), False
    except EvaluationError:
        return None, True
