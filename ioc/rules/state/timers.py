"""The life of one key: levels that wait, live and end, and the alert that follows them.

Everything is dated when it became due, never when it was noticed. Timers end in the order of their due times, those
of one instant together, so an alert that reaches two levels at once opens once, at the higher.

The six times of a key (:class:`ioc.rules.state.memory.KeyState`), by whose clock each is and what it bounds:

| time | whose clock | what it bounds |
| --- | --- | --- |
| `time_us` | the events': the newest that was current | an event before it is late; timers are held against it |
| `log_us` | the log's: the entry that brought `time_us` | key's time now = `time_us` + (log now - `log_us`) |
| `head_us` | the key's: its newest evaluation | what a window or cluster holds; a late event is judged here |
| `told_us` | the events': the newest that answered a clause | `hold` counts from it |
| `floor_us` | the key's: the newest timer that ended | no move of the alert is dated before it |
| `season_us` | the key's: when the rule's hours were asked last | the next begin or end of the hours comes after it |

Worked through: a level `value > 5` with `for: 5m`; a reading of 7 at 12:00:00, which entered the log at 12:00:02.
Before: no truth, nothing lives. Observed: truth since 12:00:00; :func:`next_due` says 12:05:00 of the key, which is
12:05:02 on the log's (`due_log_us`). An entry at 12:05:10 ends it: `floor_us` is 12:05:00, the level lives, and
:func:`apply_levels` opens the alert, dated 12:05:00. After: :func:`next_due` says None, until a reading ends the truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date

from ioc.domain.alert import Limit, TransitionKind, alert_id
from ioc.domain.severity import Severity
from ioc.rules.language.clause import EvaluationError
from ioc.rules.language.rule import Level, Rule
from ioc.rules.state.alert_state import FLAPS_MAX, AlertState
from ioc.rules.state.evaluator import KindEvaluator
from ioc.rules.state.limit_book import LimitBook
from ioc.rules.state.memory import KeyState, LevelState, Memory
from ioc.rules.state.move import Move
from ioc.rules.state.now import evaluated
from ioc.rules.state.observation import Facts

HOLD_OVER = "hold_over"
"""Why an alert cleared of which nothing more was heard."""
NO_DAYS: frozenset[date] = frozenset()
BUDGET_BITS = (1 << 20) - 1
"""Which of a key's last twenty readings failed, one bit each."""


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
    """Let every clause of a key be false from ``at_us`` on, and the recovery band hold."""
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
    """Let every clause be what the schedule makes of it at ``at_us``; without one, what the readings say."""
    if rule.schedule is not None:
        # At an edit the key's time may lie before a period's end that it has passed: never go back behind that.
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
    rule: Rule, state: KeyState, evaluator: KindEvaluator | None = None, holidays: AbstractSet[date] = NO_DAYS
) -> int | None:
    """Return the key's time at which its next timer ends, None while none runs."""
    found: int | None = None
    for number, level in enumerate(state.levels):
        if level.truth or level.live:  # else the level has no timer
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
    if evaluator is not None:
        due = evaluator.due(rule, state)
        found = due if found is None or (due is not None and due < found) else found
    return found


def reschedule(memory: Memory, rule: Rule, key: str, state: KeyState, evaluator: KindEvaluator | None = None) -> None:
    """Put the key's next timer on the log's clock."""
    due_us = next_due(rule, state, evaluator, memory.holidays)
    memory.schedule(rule.id, key, state, None if due_us is None else state.log_us + due_us - state.time_us)


def comes_last(rule: Rule, state: KeyState, own_us: int, holidays: AbstractSet[date]) -> bool:
    """Tell whether what a kind has due must wait for other timers of the same instant."""
    if not rule.spec.comes_last:
        return False
    others_us = next_due(rule, state, None, holidays)
    return others_us is not None and others_us <= own_us


def advance(
    rule: Rule,
    key: str,
    state: KeyState,
    *,
    limit_us: int,
    position: int,
    limits: LimitBook,
    evaluator: KindEvaluator | None = None,
    holidays: AbstractSet[date] = NO_DAYS,
) -> Iterator[Move]:
    """End every timer due by ``limit_us``, in order, and yield what the alert does.

    At one instant: first the kind's own (a pane leaves), then the schedule, then a passed hold, then all levels, and
    the alert follows; an hour that is over comes after them. A timer that turns out to be due before one that has
    already ended (a reading that took longer to arrive than the one before) is dated with that one: an alert's moves
    never go back in time.
    """
    while (due_us := next_due(rule, state, evaluator, holidays)) is not None and due_us <= limit_us:
        state.floor_us = max(state.floor_us, due_us)
        if evaluator is not None:
            own_us = evaluator.due(rule, state)
            if own_us is not None and own_us <= due_us and not comes_last(rule, state, own_us, holidays):
                facts = evaluator.end(rule, state, own_us)
                # After a passed hold every clause is false, and what leaves the window changes none of them.
                if facts is not None and not state.over:
                    state.values = {name: facts[name] for name in rule.measures if facts.get(name) is not None}
                    observe(rule, state, facts, at_us=own_us, limits=limits, holidays=holidays)
                    if state.alert is not None and state.alert.firing:
                        evaluated(rule, state, position)
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
        move = apply_levels(rule, key, state, due_us=due_us, position=position)
        if move is not None:
            yield move


def apply_levels(rule: Rule, key: str, state: KeyState, *, due_us: int, position: int) -> Move | None:
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
    limits: LimitBook,
    holidays: AbstractSet[date] = NO_DAYS,
    kept: Sequence[LevelState] | None = None,
) -> tuple[bool, int, int]:
    """Let a reading say what each clause is from ``at_us`` on; return (whether one changed, failed, without data).

    *No data* and a failure leave a clause as it was, and a reading that answers none renews no hold. ``kept`` are
    clauses that are not asked: after an edit those that it left as they were.
    """
    changed, failed, without = False, 0, 0
    limit: Limit | None = None
    levels, active, scheduled, since_us = state.levels, True, rule.schedule is not None, at_us
    if rule.schedule is not None:
        # A late event is judged at the key's head, which may lie before a period's end that the key has passed.
        since_us = state.season_us = max(state.season_us, at_us)
        active = rule.schedule.active(since_us, holidays)
    for number, when in enumerate(rule.clauses):
        banded = number == len(levels)  # the last clause is the recovery band's, which goes by the lowest level's limit
        known = state.clear if banded else levels[number]
        if kept is not None and any(known is one for one in kept):
            continue
        if rule.asks_limit:
            limit = limit_at(rule, rule.levels[0 if banded else number], state, at_us=at_us, limits=limits)
            values = {**values, "limit": None if limit is None else limit.value}
        try:
            truth = when.ask(values)
        except EvaluationError:
            truth = known.raw
            failed += 1
        else:
            if truth is None:
                truth = known.raw
                without += 1
            elif rule.asks_table and not banded:
                note_limit(state, number, limit)
        changed = changed or (scheduled and known.raw is not truth)  # it counts when the hours begin
        known.raw = truth
        if not active:
            truth = banded
        if truth is not known.truth and (truth is not None or scheduled):
            known.truth, known.since_us, changed = truth, since_us, True
    return changed, failed, without


def limit_at(rule: Rule, level: Level, state: KeyState, *, at_us: int, limits: LimitBook) -> Limit | None:
    """Return what the name `limit` stands for in a level's clause at an instant."""
    if level.table is None:
        return rule.limit_of(level, at_us)
    return limits.limit(rule, level, at_us, device=state.device, area=state.area, zone=state.zone)


def note_limit(state: KeyState, number: int, limit: Limit | None) -> None:
    """Keep what a level was held against, for its sentence and its evidence."""
    if len(state.limits) != len(state.levels):
        state.limits = [None] * len(state.levels)
    state.limits[number] = limit
