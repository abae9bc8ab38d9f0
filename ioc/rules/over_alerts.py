"""Rules over alerts: what other rules' conditions do, in the same step (docs/rules.md, Rules over alerts)."""

from __future__ import annotations

from typing import Any

from ioc.domain.alert import Transition, TransitionKind
from ioc.domain.event import hash16
from ioc.rules.clusters import join, part_of
from ioc.rules.faults import guarded
from ioc.rules.folding import Folding
from ioc.rules.keys import add_place, key_of
from ioc.rules.kinds import ALERTS, Kind
from ioc.rules.rule import Mode, Rule, to_us
from ioc.rules.watch import Taken
from ioc.rules.watch_correlate import MEMBERS_MAX, held_of

BEGUN = (TransitionKind.OPENED, TransitionKind.REOPENED)


def seen(fold: Folding, transition: Transition, mode: Mode, log_us: int) -> None:
    """Show a transition to every rule over alerts but its own; ``log_us`` is the log time at which it was due."""
    values = values_of(fold, transition, mode)
    for rule in fold.rules.over_alerts:
        if rule.id == transition.rule or rule.id not in fold.rules.rules:
            continue
        fold.memory.tally.evaluated[rule.id] += 1
        with guarded(fold, rule):
            if rule.kind is not Kind.NEAR:
                correlate(fold, rule, transition, values, log_us)
            elif transition.kind in BEGUN and (rule.where is None or fold.chosen(rule, values)):
                near(fold, rule, transition, values, log_us)


def values_of(fold: Folding, transition: Transition, mode: Mode) -> dict[str, Any]:
    """Return what rules may ask of an alert."""
    device = fold.memory.devices.get(transition.device or "", {})
    values: dict[str, Any] = {
        "rule": transition.rule, "key": transition.key, "domain": transition.domain,
        "severity": transition.severity.value, "rank": transition.severity.rank,
        "mode": mode.value,
    }  # fmt: skip
    place = {"feed": transition.feed, "area": transition.area, "zone": transition.zone, "lat": transition.lat,
             "lon": transition.lon}  # fmt: skip
    add_place(values, transition.device or "", place, device)
    if transition.device is None:
        del values["device"]
    values["flags"] = []
    return values


def near(fold: Folding, rule: Rule, transition: Transition, values: dict[str, Any], log_us: int) -> None:
    """Let an alert that has begun join the clusters of alerts near it."""
    part = part_of(rule, b"", values)
    if part is None:
        fold.memory.tally.no_data[rule.id] += 1
        return
    at_us = to_us(transition.at)
    name = f"c{hash16(transition.rule.encode(), transition.key.encode(), str(at_us).encode()).hex()[:12]}"
    taken = Taken(fold.entry.position, at_us, ALERTS, transition.device or transition.key, values)
    join(fold, rule, taken, part=part, name=name, log_us=log_us)


def correlate(fold: Folding, rule: Rule, transition: Transition, values: dict[str, Any], log_us: int) -> None:
    """Take a condition out of the key that it was in, put it where it belongs now, and judge both keys."""
    base = f"{transition.rule}\x00{transition.key}"
    placed = fold.memory.placed.setdefault(rule.id, {})
    before, now = placed.get(base), None
    if transition.kind is not TransitionKind.CLEARED and (rule.where is None or fold.chosen(rule, values)):
        now = key_of(rule, b"", values)
        if now is None:
            fold.memory.tally.no_data[rule.id] += 1
    at_us = to_us(transition.at)
    touched = []
    if before is not None and before != now:
        state = fold.memory.keys[rule.id][before]
        fold.watch_of(rule, state)
        held_of(state).members.pop(base, None)
        del placed[base]
        touched.append(before)
    if now is not None and hold(fold, rule, transition, base=base, key=now, log_us=log_us):
        touched.append(now)
    for key in touched:
        state = fold.memory.keys[rule.id][key]
        # Whatever the alert's own time, what the key holds has changed: it is judged at the key's time at least.
        taken = Taken(fold.entry.position, max(at_us, state.time_us), ALERTS, transition.device or "", values)
        fold.take(rule, key, state, taken, log_us=log_us)


def hold(fold: Folding, rule: Rule, transition: Transition, *, base: str, key: str, log_us: int) -> bool:
    """Let a key hold a condition; false where there is no room."""
    at_us = to_us(transition.at)
    state = fold.memory.keys.get(rule.id, {}).get(key)
    if state is None:
        state = fold.begin(rule, key, at_us, feed=ALERTS, device=transition.device or "", log_us=log_us)
        if state is None:
            return False
    fold.watch_of(rule, state)
    members = held_of(state).members
    if base not in members and len(members) >= MEMBERS_MAX:
        fold.memory.tally.full[rule.id] += 1
        return False
    members[base] = [transition.rule, transition.key, transition.alert_id, transition.severity.value,
                     transition.domain, transition.device, at_us]  # fmt: skip
    fold.memory.placed[rule.id][base] = key
    return True
