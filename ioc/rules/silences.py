"""Keys of absence rules: whom the registry expects to be heard, who is heard, and silences that fall into a gap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.domain.device import DeviceState
from ioc.domain.event import Event
from ioc.rules.folding import Folding
from ioc.rules.keys import key_of, registered, told_of
from ioc.rules.kinds import Kind
from ioc.rules.memory import KeyState, Memory
from ioc.rules.rule import SECOND_US, Rule
from ioc.rules.watch import Taken
from ioc.rules.watch_absence import shape_of, silence_of

GAP_US = 10 * SECOND_US
"""Longer than this without a tick is our own outage."""
GONE = "device_removed"


def gap_is_open(memory: Memory, log_us: int) -> bool:
    """Tell whether an entry other than a tick comes so long after the newest tick that a gap will be written."""
    return bool(memory.tick_us) and log_us - memory.tick_us > GAP_US


def put_off(fold: Folding, rule: Rule, key: str, state: KeyState) -> bool:
    """Put off a silence that falls due while a gap is open; false for any other timer."""
    if rule.kind is not Kind.ABSENCE:
        return False
    fold.watch_of(rule, state)
    own, due_us = silence_of(state), fold.next_due(rule, state)
    if own.silent or own.put_off or due_us != own.quiet_us:
        return False
    own.put_off = True
    fold.memory.put_off.append([rule.id, key])
    fold.reschedule(rule, key, state)
    return True


def resume(fold: Folding) -> None:
    """End a gap: silences that fell due inside it begin anew; then every other timer that is due ends."""
    memory = fold.memory
    waiting, memory.put_off = memory.put_off, []
    for identifier, key in waiting:
        rule, state = fold.rules.rules.get(identifier), memory.keys.get(identifier, {}).get(key)
        if rule is not None and state is not None and rule.kind is Kind.ABSENCE:
            fold.watch_of(rule, state)
            if silence_of(state).put_off:
                again(fold, rule, key, state)
    for due_log_us, identifier, key in memory.take_due(fold.log_us):
        rule, state = fold.rules.rules.get(identifier), memory.keys.get(identifier, {}).get(key)
        if rule is None or state is None:
            continue
        if rule.kind is Kind.ABSENCE:
            fold.watch_of(rule, state)
            own = silence_of(state)
            if not own.silent and not own.put_off and fold.next_due(rule, state) == own.quiet_us:
                again(fold, rule, key, state)
                continue
        fold.end_one(rule, key, state, due_log_us)


def again(fold: Folding, rule: Rule, key: str, state: KeyState) -> None:
    """Let a silence fall due `absent` after the gap."""
    own = silence_of(state)
    own.put_off = False
    own.quiet_us = state.at_log(fold.log_us) + shape_of(rule).absent_us
    fold.reschedule(rule, key, state)


def heard(fold: Folding, rule: Rule, event: Event, values: Mapping[str, Any]) -> None:
    """Hear of the key that an event's device stands for; an unregistered device's key comes from the event."""
    field = shape_of(rule).field
    if field is not None and values.get(field) is None:
        return  # without the field that must not be missing it is not heard of
    device = fold.memory.devices.get(event.device)
    if device is not None and not expected(device):
        return  # the silence of a device in maintenance is expected, so its test reading begins no watch
    known = values if device is None else told_of(fold.memory, event.device)
    if rule.where is not None and not fold.chosen(rule, known):
        return
    key = key_of(rule, event.key, known)
    if key is None:
        fold.memory.tally.no_data[rule.id] += 1
        return
    effective_us = fold.effective_us
    state = fold.memory.keys.get(rule.id, {}).get(key)
    if state is not None and effective_us <= state.time_us:
        fold.memory.tally.late[rule.id] += effective_us < state.time_us
        return  # the instant that it was last heard of, or one before: no news
    if state is None:
        state = fold.begin(rule, key, effective_us, feed=event.feed, device=event.device)
        if state is None:
            return
    if gap_is_open(fold.memory, fold.log_us):
        fold.watch_of(rule, state)
        own = silence_of(state)
        if not own.silent and effective_us >= own.quiet_us:
            own.put_off = True  # heard before the gap's entry: nothing was ever silent, whatever the key's time says
            fold.reschedule(rule, key, state)
    merged = values if known is values else {**values, **known}
    taken = Taken(fold.entry.position, effective_us, event.feed, event.device, merged)
    fold.take(rule, key, state, taken)


def expected(device: Mapping[str, Any]) -> bool:
    """Tell whether a registered device should be heard."""
    return device.get("state") in (None, DeviceState.ACTIVE)


def expect_all(fold: Folding, rule: Rule) -> None:
    """Begin the keys of a rule that has come into force."""
    for identifier in sorted(fold.memory.devices):
        expect(fold, rule, identifier)


def expect(fold: Folding, rule: Rule, identifier: str) -> None:
    """Bring one device's membership up to date: into the key it stands for now, out of all others."""
    device = fold.memory.devices.get(identifier)
    key = None
    if device is not None and device.get("feed") in rule.feeds and expected(device):
        values = registered(identifier, device)
        if rule.where is None or fold.chosen(rule, values):
            key = key_of(rule, b"", values)
    for other in [identifier] if rule.by == ("device",) else sorted(fold.memory.keys.get(rule.id, {})):
        if other != key:
            leave(fold, rule, other, identifier)
    if key is None or device is None:
        return
    state = fold.memory.keys.get(rule.id, {}).get(key)
    if state is None:
        state = fold.begin(rule, key, fold.log_us, feed=device["feed"], device=identifier)
        if state is None:
            return
    fold.watch_of(rule, state)
    own = silence_of(state)
    if not own.members or rule.by == ("device",):
        state.area, state.zone = device.get("area"), device.get("zone")
        state.lat, state.lon = device.get("lat"), device.get("lon")
    state.pinned = True
    if identifier not in own.members:
        own.members.append(identifier)
    fold.reschedule(rule, key, state)


def leave(fold: Folding, rule: Rule, key: str, identifier: str) -> None:
    """Take a device out of a key; without its last one the key ends."""
    state = fold.memory.keys.get(rule.id, {}).get(key)
    if state is None:
        return
    fold.watch_of(rule, state)
    own = silence_of(state)
    if identifier not in own.members:
        return
    own.members.remove(identifier)
    if not own.members:
        fold.end_key(rule, key, state, GONE)
        del fold.memory.keys[rule.id][key]
