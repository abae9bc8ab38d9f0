"""From a key's memory to what its alert tells of now: headline, newest value, peak and trend, in both languages."""

from __future__ import annotations

from collections.abc import Callable

from ioc.domain.alert import AlertNow, MeasuredValue
from ioc.domain.feed import Label
from ioc.rules.fold.headline import closing_headline, headline, now_text, peak_word
from ioc.rules.fold.places import place_of, subject
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.summary import Filling
from ioc.rules.language.amounts import amount_text, unit_of
from ioc.rules.language.rule import Level, Rule, from_us
from ioc.rules.state.alert_state import AlertState, Now
from ioc.rules.state.keys import parts_of
from ioc.rules.state.memory import KeyState, Memory
from ioc.rules.state.timers import level_of


def alert_now(rules: RuleSet, memory: Memory, *, rule: Rule, key: str, state: KeyState) -> AlertNow:
    """Return what the alert of a key tells, as the memory is."""
    alert = state.alert
    assert alert is not None, "only an alert tells how things are"
    rule = rule.held_against(state.limits)
    level, now = rule.levels[level_of(rule, alert.severity)], alert.now
    text = None if now is None else _both(lambda vi: now_text(rule, level, now, vi=vi, over=not alert.firing))
    device, area, zone = subject(rule, state, memory)
    named = parts_of(rule, key)
    place = place_of(rules, memory, device=device, area=area, zone=zone, named=named)

    def where(vi: bool) -> str:  # noqa: FBT001 - the one thing that differs
        return Filling(rule=rule, level=level, values=named, place=place, held_us=0, vi=vi).where()

    def line(vi: bool) -> str:  # noqa: FBT001 - the one thing that differs
        told = "" if text is None else (text.vi if vi else text.en)
        return headline(rule, level, now, where=where(vi), text=told, vi=vi)

    def last_line(vi: bool) -> str:  # noqa: FBT001 - the one thing that differs
        lasted_us = max(alert.cleared_us - alert.opened_us, 0)
        return closing_headline(
            rule, level, now, where=where(vi), lasted_us=lasted_us, at_us=alert.cleared_us, vi=vi
        )  # fmt: skip

    return AlertNow(
        alert_id=alert.id,
        position=_position(alert),
        headline=_both(line),
        now=None if now is None or text is None else _told(rule, level, now, text),
        peak=None if now is None else _peak(rule, level, now),
        trend=None if now is None or now.trend is None else str(now.trend),
        # An alert that only people end is not over when its condition is.
        closing=None if alert.firing or rule.ends_by_person else _both(last_line),
    )


def _position(alert: AlertState) -> int:
    return alert.opened_position if alert.now is None else alert.now.position


def _told(rule: Rule, level: Level, now: Now, text: Label) -> MeasuredValue:
    unit = "" if rule.main is None or isinstance(now.value, bool) else unit_of(rule, level, rule.main.name, now.time_us)
    return MeasuredValue(now.value, unit, from_us(now.time_us), now.position, text)


def _peak(rule: Rule, level: Level, now: Now) -> MeasuredValue | None:
    peak, main = now.peak, rule.main
    if peak is None or main is None:
        return None
    unit = unit_of(rule, level, main.name, now.peak_us)
    text = _both(lambda vi: amount_text(rule, main.name, peak, unit, vi=vi))
    return MeasuredValue(peak, unit, from_us(now.peak_us), now.peak_position, text, peak_word(rule))


def _both(say: Callable[[bool], str]) -> Label:
    return Label(vi=say(True), en=say(False))  # noqa: FBT003 - the one thing that differs
