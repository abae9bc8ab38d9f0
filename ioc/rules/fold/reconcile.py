"""After a fold from the beginning of what is kept of the log: the memory takes over the alerts that the store has open.

The log is kept for some months, and another version of the engine may judge old entries in another way. So what a
fold from its beginning knows of open alerts need not be what the store has; but one open alert per (rule, key) is the
store's to say. What both know stays; what only the store has open is taken over with its id; what only the fold has
open is forgotten, and opens anew when its readings say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ioc.domain.alert import OpenAlert
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.kinds.registry import KINDS
from ioc.rules.language.rule import Rule, to_us
from ioc.rules.state.alert_state import AlertState
from ioc.rules.state.memory import KeyState, LevelState, Memory
from ioc.rules.state.timers import next_due


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How many alerts the memory took over, how many of its own it forgot, and how many nobody can end but people."""

    taken_over: int
    forgotten: int
    orphaned: int

    @property
    def agreed(self) -> bool:
        """Tell whether there was nothing to do."""
        return not (self.taken_over or self.forgotten or self.orphaned)


def reconcile(rules: RuleSet, memory: Memory, stored: Sequence[OpenAlert]) -> Reconciliation:
    """Make the open alerts of ``memory`` those of the store."""
    opened = {(alert.rule, alert.key): alert for alert in stored}
    forgotten = _forget(rules, memory, opened)
    taken_over = orphaned = 0
    for (identifier, key), alert in sorted(opened.items()):
        state = memory.keys.get(identifier, {}).get(key)
        rule = rules.rules.get(identifier)
        if state is not None and state.alert is not None and state.alert.id == alert.id:
            if not (state.alert.firing and state.alert.severity is alert.severity):
                state.alert = _state(alert)
                taken_over += 1
                _schedule(rules, memory, identifier, key, state)
            continue
        if state is None and rule is not None and not rule.spec.makes_keys:
            state = memory.keys.setdefault(identifier, {})[key] = _begin(rule, alert)
        if state is None:
            orphaned += 1
            continue
        state.alert = _state(alert)
        taken_over += 1
        _schedule(rules, memory, identifier, key, state)
    return Reconciliation(taken_over, forgotten, orphaned)


def _forget(rules: RuleSet, memory: Memory, opened: Mapping[tuple[str, str], OpenAlert]) -> int:
    forgotten = 0
    for identifier, states in memory.keys.items():
        rule = rules.rules.get(identifier)
        for key, state in states.items():
            if rule is not None and rule.ends_by_person and state.alert is not None and not state.alert.firing:
                state.alert = None  # it would open again whenever it returns, and the store may not have it
            if state.alert is not None and state.alert.firing and (identifier, key) not in opened:
                state.alert = None
                for level in state.levels:
                    level.live = False  # a level whose clause holds lives again at once, and opens anew
                _schedule(rules, memory, identifier, key, state)
                forgotten += 1
    return forgotten


def _schedule(rules: RuleSet, memory: Memory, identifier: str, key: str, state: KeyState) -> None:
    """Put the key's next timer on the log's clock, as its alert is now."""
    rule = rules.rules.get(identifier)
    if rule is not None:
        due_us = next_due(rule, state, KINDS[rule.kind].evaluator, memory.holidays)
        memory.schedule(identifier, key, state, None if due_us is None else state.log_us + due_us - state.time_us)


def _state(alert: OpenAlert) -> AlertState:
    return AlertState(
        id=alert.id, opened_position=alert.opened_position, opened_us=to_us(alert.opened_at), severity=alert.severity,
        flap_count=alert.flap_count, retrospective=alert.retrospective,
    )  # fmt: skip


def _begin(rule: Rule, alert: OpenAlert) -> KeyState:
    """Return the state of a key of which the kept log says nothing more."""
    at_us = to_us(alert.opened_at)
    state = KeyState(
        at_us, at_us, alert.feed, alert.device, [LevelState() for _ in rule.levels], area=alert.area, zone=alert.zone,
        lat=alert.lat, lon=alert.lon, told_us=at_us,
    )  # fmt: skip
    evaluator = KINDS[rule.kind].evaluator
    if evaluator is not None:
        state.kind_state = evaluator.begin(rule, at_us)
    return state
