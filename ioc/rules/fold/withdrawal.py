"""What a person had entered is taken back: keys that rest on it are judged by what they know without it.

The entry is no reading: it moves no key's time, and no rule takes it in. Each kind forgets what was taken back by what
it keeps for that; rules over alerts follow what becomes of the alerts.

Worked through: a level `gates > 0`; readings of 0 at 08:00, of 3 at 09:00 and an alert since. At 09:05 the second is
taken back. The key's newest value of `gates` is again 0, its condition is false since 09:05, and the alert ends as
after any reading of 0 (at once, or after `clear.for`). Had there been no reading of 08:00, the alert would end with the
reason `withdrawn`, and the key be forgotten.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from ioc.domain.event import TAKEN_BACK, Event
from ioc.rules.fold import levels
from ioc.rules.kinds.registry import KINDS, evaluator_of
from ioc.rules.language.rule import Rule
from ioc.rules.state import timers
from ioc.rules.state.faults import fault_guard
from ioc.rules.state.keys import add_place
from ioc.rules.state.memory import READINGS_MAX, KeyState, Reading
from ioc.rules.state.now import renew
from ioc.rules.state.observation import Facts
from ioc.rules.state.step import FoldStep
from ioc.rules.state.timers import observe


def take_back(fold: FoldStep, event: Event) -> None:
    """Let each rule that listens to the feed do without the readings that an event takes back."""
    named = event.data.get(TAKEN_BACK)
    gone = frozenset(named) if isinstance(named, list) else frozenset[int]()
    for _, rule in sorted(fold.rules.rules.items()):
        if event.feed not in rule.feeds:
            continue
        with fault_guard(fold, rule):
            states = fold.memory.keys.get(rule.id, {})
            if KINDS[rule.kind].evaluator is not None:
                for key in sorted(states):
                    kind_does_without(fold, rule, key, states[key], gone)
            else:
                for key in sorted(key for key, state in states.items() if _rests_on(state, gone)):
                    do_without(fold, rule, key, states[key], gone)


def _rests_on(state: KeyState, gone: AbstractSet[int]) -> bool:
    return any(item.position in gone for item in state.readings)


def do_without(fold: FoldStep, rule: Rule, key: str, state: KeyState, gone: AbstractSet[int]) -> None:
    """Judge a key by its other readings; without any its alert ends, and it is forgotten."""
    rest = [item for item in state.readings if item.position not in gone]
    lost = {name for name in state.values if (holder := newest(state.readings, name)) and holder.position in gone}
    withdrawn_us = {item.effective_us for item in state.readings if item.position in gone}
    state.readings = deque(rest, maxlen=READINGS_MAX)
    if not rest:
        levels.end_key(fold, rule, key, state, "withdrawn")
        del fold.memory.keys[rule.id][key]
        return
    if not lost:
        return
    for name in lost:
        other = newest(rest, name)
        if other is None:
            del state.values[name]
        else:
            state.values[name] = other.known()[name]
    state.told_us = min(state.told_us, max(item.effective_us for item in rest))
    if state.over:
        return
    _judge(fold, rule, state)
    _tell(fold, rule, key, state, rest, withdrawn_us if rule.main is not None and rule.main.name in lost else set())
    levels.advance(fold, rule, key, state, limit_us=state.at_log(fold.log_us))
    timers.reschedule(fold.memory, rule, key, state, evaluator_of(rule, state))


def kind_does_without(fold: FoldStep, rule: Rule, key: str, state: KeyState, gone: AbstractSet[int]) -> None:
    """Judge a key by what its kind knows without the readings; with nothing left it ends and is forgotten."""
    evaluator = evaluator_of(rule, state)
    assert evaluator is not None, "a threshold keeps its readings itself"
    remainder = evaluator.do_without(fold, rule, key, state, gone)
    withdrawn_us = {item.effective_us for item in state.readings if item.position in gone}
    if withdrawn_us:
        state.readings = deque((item for item in state.readings if item.position not in gone), maxlen=READINGS_MAX)
    if remainder is None:
        return
    if not remainder.left:
        levels.end_key(fold, rule, key, state, "withdrawn")
        del fold.memory.keys[rule.id][key]
        return
    if remainder.newest_us is not None:
        state.told_us = min(state.told_us, remainder.newest_us)
    if state.over:
        return
    at_us = state.at_log(fold.log_us)
    state.floor_us = max(state.floor_us, at_us)
    facts = evaluator.facts(rule, state, at_us) or {}
    state.values = {name: facts[name] for name in rule.measures if facts.get(name) is not None}
    _ask(fold, rule, state, facts, at_us=max(at_us, state.head_us))
    if state.alert is not None and state.alert.firing:
        renew(fold.memory, rule, key, state, position=fold.entry.position)
        _tell_rest(state, remainder.newest_us, withdrawn_us)
    levels.advance(fold, rule, key, state, limit_us=at_us)
    timers.reschedule(fold.memory, rule, key, state, evaluator)


def _tell_rest(state: KeyState, newest_us: int | None, withdrawn_us: AbstractSet[int]) -> None:
    """Let an open alert tell the time that its value is of, and no peak that a reading had made which is gone."""
    now = None if state.alert is None else state.alert.now
    if now is None:
        return
    if newest_us is not None:
        now.time_us = min(now.time_us, newest_us)
    if now.peak is not None and now.peak_us in withdrawn_us and now.value is not None:
        now.peak, now.peak_us, now.peak_position = float(now.value), now.time_us, now.position


def newest(readings: Sequence[Reading] | deque[Reading], name: str) -> Reading | None:
    """Return the reading that was taken in last of those that have a value."""
    return next((item for item in reversed(readings) if item.known().get(name) is not None), None)


def _judge(fold: FoldStep, rule: Rule, state: KeyState) -> None:
    """Let each condition be what the key still knows says of it; one of which that says nothing is false."""
    at_us = state.at_log(fold.log_us)
    state.floor_us = max(state.floor_us, at_us)
    values = dict(state.values)
    context = {"feed": state.feed, "area": state.area, "zone": state.zone, "lat": state.lat, "lon": state.lon}
    add_place(values, state.device, context, fold.memory.devices.get(state.device, {}))
    _ask(fold, rule, state, values, at_us=at_us)


def _ask(fold: FoldStep, rule: Rule, state: KeyState, values: Facts, *, at_us: int) -> None:
    for level in state.levels:
        level.raw = False
    state.clear.raw = True
    observe(rule, state, values, at_us=at_us, limits=fold.memory.limits, holidays=fold.memory.holidays)


def _tell(
    fold: FoldStep, rule: Rule, key: str, state: KeyState, rest: Sequence[Reading], withdrawn_us: AbstractSet[int]
) -> None:  # fmt: skip
    """Let an open alert tell the value that is true without the reading, and no peak that it had made."""
    alert, main = state.alert, rule.main
    told = None if main is None else newest(rest, main.name)
    if alert is None or not alert.firing or main is None or told is None or not withdrawn_us:
        return
    now = alert.now
    if now is not None and now.peak is not None and now.peak_us in withdrawn_us:
        now.peak, now.peak_us, now.peak_position = float(told.known()[main.name]), told.effective_us, told.position
        for item in rest:
            value = item.known().get(main.name)
            if value is not None and main.is_worse(value, now.peak):
                now.peak, now.peak_us, now.peak_position = float(value), item.effective_us, item.position
    renew(fold.memory, rule, key, state, position=fold.entry.position)
    if alert.now is not None:
        alert.now.time_us = told.effective_us
