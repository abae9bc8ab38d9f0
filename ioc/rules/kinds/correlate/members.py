"""The conditions of other rules that a key holds, and how they come and go (docs/rules.md, Rules over alerts)."""

from __future__ import annotations

from typing import Any

from ioc.domain.alert import Transition, TransitionKind
from ioc.rules.language.kinds import ALERTS
from ioc.rules.language.rule import Rule, to_us
from ioc.rules.state.keys import chosen, key_of, new_key
from ioc.rules.state.memory import KeyState, PackedState
from ioc.rules.state.observation import Observation
from ioc.rules.state.step import FoldStep

MEMBERS_MAX = 500
"""Conditions that one key holds."""


class MemberAlerts:
    """The conditions of a key by `rule` and `key`: [rule, key, alert id, severity, domain, device, since]."""

    __slots__ = ("members",)

    def __init__(self) -> None:
        self.members: dict[str, list[Any]] = {}

    def pack(self) -> Any:
        """Return it for a snapshot."""
        return self.members


def held_of(state: KeyState) -> MemberAlerts:
    """Return what a key holds."""
    kept = state.kind_state
    if type(kept) is PackedState:
        kept = state.kind_state = unpacked(kept.data)
    assert type(kept) is MemberAlerts, "a correlate key has what it holds"
    return kept


def unpacked(packed: Any) -> MemberAlerts:
    """Return what a snapshot kept."""
    own = MemberAlerts()
    own.members = packed
    return own


def correlate(step: FoldStep, rule: Rule, transition: Transition, values: dict[str, Any], log_us: int) -> None:
    """Take a condition out of the key that it was in, put it where it belongs now, and judge both keys."""
    base = f"{transition.rule}\x00{transition.key}"
    placed = step.memory.placed.setdefault(rule.id, {})
    before, now = placed.get(base), None
    if transition.kind is not TransitionKind.CLEARED and chosen(step.memory, rule, values):
        now = key_of(rule, b"", values)
        if now is None:
            step.memory.tally.no_data[rule.id] += 1
    at_us = to_us(transition.at)
    touched = []
    if before is not None and before != now:
        state = step.memory.keys[rule.id][before]
        held_of(state).members.pop(base, None)
        del placed[base]
        touched.append(before)
    if now is not None and hold(step, rule, transition, base=base, key=now, log_us=log_us):
        touched.append(now)
    for key in touched:
        state = step.memory.keys[rule.id][key]
        # An alert's move may be dated before the key's time; what the key holds changes now all the same.
        observation = Observation(
            step.entry.position, max(at_us, state.time_us), ALERTS, transition.device or "", values
        )
        step.take(rule, key, state, observation, log_us=log_us)


def hold(step: FoldStep, rule: Rule, transition: Transition, *, base: str, key: str, log_us: int) -> bool:
    """Let a key hold a condition; false where there is no room."""
    at_us = to_us(transition.at)
    state = step.memory.keys.get(rule.id, {}).get(key)
    if state is None:
        state = new_key(
            step,
            rule,
            key,
            at_us,
            kind_state=MemberAlerts(),
            feed=ALERTS,
            device=transition.device or "",
            log_us=log_us,
        )
        if state is None:
            return False
    members = held_of(state).members
    if base not in members and len(members) >= MEMBERS_MAX:
        step.memory.tally.full[rule.id] += 1
        return False
    members[base] = [transition.rule, transition.key, transition.alert_id, transition.severity.value,
                     transition.domain, transition.device, at_us]  # fmt: skip
    step.memory.placed[rule.id][base] = key
    return True
