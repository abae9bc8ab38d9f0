"""The life of one key: levels that wait, live and end, and the alert that follows them.

Everything is dated when it became due, never when it was noticed. Timers end in the order of their due times, those
of one instant together, so an alert that reaches two levels at once opens once, at the higher.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ioc.domain.alert import TransitionKind, alert_id
from ioc.domain.severity import Severity
from ioc.rules.condition import Condition, EvaluationError
from ioc.rules.memory import FLAPS_MAX, AlertState, KeyState, LevelState
from ioc.rules.rule import Rule

HOLD_OVER = "hold_over"
"""Why an alert cleared of which nothing more was heard."""


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


def clear_due(rule: Rule, state: KeyState) -> int | None:
    """Return when the clear band will have held for its time, None while it does not hold."""
    if rule.clear.when is not None:
        return state.clear.since_us + rule.clear.for_us if state.clear.truth else None
    if any(level.truth is not False for level in state.levels):
        return None
    return max(level.since_us for level in state.levels) + rule.clear.for_us


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
        if level.truth is not False:
            level.truth, level.since_us = False, at_us
    if rule.clear.when is not None and not state.clear.truth:
        state.clear.truth, state.clear.since_us = True, at_us


def next_due(rule: Rule, state: KeyState) -> int | None:
    """Return the key's time at which its next timer ends, None while none runs."""
    dues = [level_due(rule, number, level) for number, level in enumerate(state.levels)]
    if state.alert is not None and state.alert.firing and not any(level.live for level in state.levels):
        dues.append(clear_due(rule, state))
    if rule.hold_us is not None:
        dues.append(hold_due(rule, state))
    return min((due for due in dues if due is not None), default=None)


def advance(rule: Rule, key: str, state: KeyState, *, limit_us: int, position: int) -> Iterator[Move]:
    """End every timer due by ``limit_us``, in order, and yield what the alert does.

    A timer that turns out to be due before one that has already ended (a reading that took longer to arrive than the
    one before) is dated with that one: an alert's moves never go back in time.
    """
    while (due_us := next_due(rule, state)) is not None and due_us <= limit_us:
        state.floor_us = max(state.floor_us, due_us)
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
        return Move(TransitionKind.CLEARED, at_us, shown, due - rule.clear.for_us, was=alert.severity, reason=reason)
    severity, since_us = rule.levels[top].severity, state.levels[top].since_us
    if alert is None or (not alert.firing and at_us - alert.cleared_us > rule.refire_us):
        state.alert = AlertState(alert_id(rule.id, key, position), position, at_us, severity)
        return Move(TransitionKind.OPENED, at_us, top, since_us)
    was = alert.severity
    if not alert.firing:
        alert.firing, alert.severity = True, severity
        alert.flap_count += 1
        alert.flaps_us = [*alert.flaps_us, at_us][-FLAPS_MAX:]
        return Move(TransitionKind.REOPENED, at_us, top, since_us, was=was)
    if severity is was:
        return None
    alert.severity = severity
    kind = TransitionKind.RAISED if severity.rank > was.rank else TransitionKind.LOWERED
    return Move(kind, at_us, top, since_us, was=was)


def level_of(rule: Rule, severity: Severity) -> int:
    """Return the index of the level that shows ``severity``; after an edit, of the nearest below, else the lowest."""
    below = [number for number, level in enumerate(rule.levels) if level.severity.rank <= severity.rank]
    return below[-1] if below else 0


def observe(rule: Rule, state: KeyState, values: Mapping[str, Any], *, at_us: int) -> tuple[bool, int, int]:
    """Let a reading say what each condition is from ``at_us`` on; return (whether one changed, failed, without data).

    *No data* and a failure leave a condition as it was, and a reading that answers none renews no hold.
    """
    changed, failed, without = False, 0, 0
    pairs = [(level.when, state.levels[number]) for number, level in enumerate(rule.levels)]
    if rule.clear.when is not None:
        pairs.append((rule.clear.when, state.clear))
    for when, level in pairs:
        truth, broke = verdict(when, values)
        failed += broke
        if truth is None:
            without += not broke
        elif truth is not level.truth:
            level.truth, level.since_us, changed = truth, at_us, True
    return changed, failed, without


def verdict(when: Condition, values: Mapping[str, Any]) -> tuple[bool | None, bool]:
    """Return (truth, whether the evaluation failed); a failure is never true."""
    try:
        return when(values), False
    except EvaluationError:
        return None, True
