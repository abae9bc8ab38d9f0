"""How things are with an open alert: its main measure at the newest evaluation, the peak since the opening, the trend.

Memory, not transitions (docs/rules.md, Now, peak and trend). Only a key whose alert is open pays for it.
"""

from __future__ import annotations

from ioc.rules.language.rule import Main, Mode, Rule, Worse
from ioc.rules.state.alert_state import Now, Trend
from ioc.rules.state.memory import KeyState, Memory

STEADY_US = 30 * 60 * 1_000_000
"""A value that has not moved by the tolerance for this long is steady."""


def evaluated(rule: Rule, state: KeyState, position: int, *, opening: bool = False) -> None:
    """Keep what an evaluation at ``position`` says of the key's alert.

    ``opening``: the alert has just come to fire. A peak begins with the opening; of an alert of which an older
    version's memory knew none, nobody knows the peak.
    """
    alert = state.alert
    assert alert is not None, "only an alert tells how things are"
    main = rule.main
    if main is None and (not rule.spec.has_value or rule.per_event):
        return
    name = "" if main is None else main.name
    value = None if main is None else state.values.get(name)
    now, time_us = alert.now, state.time_us
    if main is not None and opening and rule.spec.by_reading:
        time_us = _told_us(state, name)  # a `for` that a timer ends rests on a reading before it
    holds = any(level.truth is True for level in state.levels)
    if now is None or now.measure != name:
        begins = opening or now is not None
        alert.now = now = Now(name, value, time_us, position, holds)
        if main is not None and type(value) is not bool and value is not None:
            _begin(main, now, value, state.head_us, begins=begins)
        return
    if value is None and main is not None:
        return  # no data: the newest value that is known stands, with its own time
    now.value, now.time_us, now.position, now.holds = value, time_us, position, holds
    if main is None or value is None or type(value) is bool:
        return
    if now.trend is None:
        _begin(main, now, value, state.head_us, begins=opening or now.peak is not None)
        return
    if now.peak is not None and main.is_worse(value, now.peak):
        now.peak, now.peak_us, now.peak_position = float(value), time_us, position
    _turn(main, now, value, state.head_us)


def renew(memory: Memory, rule: Rule, key: str, state: KeyState, *, position: int, opening: bool = False) -> None:
    """Let the key's alert tell what the entry at ``position`` says of it."""
    evaluated(rule, state, position, opening=opening)
    note(memory, rule, key)


def note(memory: Memory, rule: Rule, key: str) -> None:
    """Note that an alert tells something new, for whoever looks."""
    if memory.renewed is not None and rule.mode is Mode.ALERT:
        memory.renewed[rule.id, key] = None


def _told_us(state: KeyState, name: str) -> int:
    """Return when the newest reading was made that had the value."""
    for item in reversed(state.readings):
        if name in item.names and item.values[item.names.index(name)] is not None:
            effective_us: int = item.effective_us
            return effective_us
    return state.time_us


def _begin(main: Main, now: Now, value: float, at_us: int, *, begins: bool) -> None:
    value = float(value)  # compiled code has floats here: a whole number must be written alike by both
    now.trend, now.mark, now.mark_us = Trend.STEADY, value, at_us
    if begins and main.worse is not Worse.UNKNOWN:
        now.peak, now.peak_us, now.peak_position = value, now.time_us, now.position


def _turn(main: Main, now: Now, value: float, at_us: int) -> None:
    """Let the trend follow: a move by the tolerance turns it, half an hour without one makes it steady."""
    moved = value - now.mark
    if moved >= main.tolerance:
        now.trend, now.mark, now.mark_us = Trend.RISING, float(value), at_us
    elif -moved >= main.tolerance:
        now.trend, now.mark, now.mark_us = Trend.FALLING, float(value), at_us
    elif at_us - now.mark_us >= STEADY_US:
        now.trend = Trend.STEADY
