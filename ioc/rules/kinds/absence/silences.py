"""Keys of absence rules: whom the registry expects to be heard, who is heard, and silences that fall into a gap."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ioc.domain.device import DeviceState
from ioc.domain.event import Event
from ioc.rules.kinds.absence.silence import AbsenceState, silence_of, spec_of
from ioc.rules.language.rule import Rule
from ioc.rules.state import gaps, timers
from ioc.rules.state.evaluator import KindEvaluator, Remainder
from ioc.rules.state.keys import chosen, key_of, new_key, registered, registered_values
from ioc.rules.state.memory import KeyState
from ioc.rules.state.observation import Observation, Sighting
from ioc.rules.state.step import FoldStep

GONE = "device_removed"


def put_off(step: FoldStep, evaluator: KindEvaluator, rule: Rule, key: str, state: KeyState) -> bool:
    """Put off a silence that falls due while a gap is open; false for any other timer."""
    own, due_us = silence_of(state), timers.next_due(rule, state, evaluator, step.memory.holidays)
    if own.silent or own.put_off or due_us != own.quiet_us:
        return False
    own.put_off = True
    step.memory.put_off.append([rule.id, key])
    timers.reschedule(step.memory, rule, key, state, evaluator)
    return True


def resume(
    step: FoldStep, evaluator: KindEvaluator, rule: Rule, key: str, state: KeyState, *, was_put_off: bool
) -> bool:
    """Let a silence that fell due in a gap begin anew at its end; false for any other timer."""
    own = silence_of(state)
    if was_put_off:
        fell_due = own.put_off  # else the key was heard before the gap ended
    else:
        due_us = timers.next_due(rule, state, evaluator, step.memory.holidays)
        fell_due = not own.silent and not own.put_off and due_us == own.quiet_us
    if fell_due:
        again(step, evaluator, rule, key, state)
    return fell_due


def again(step: FoldStep, evaluator: KindEvaluator, rule: Rule, key: str, state: KeyState) -> None:
    """Let a silence fall due `absent` after the gap."""
    own = silence_of(state)
    own.put_off = False
    own.quiet_us = own.unheard_us = state.at_log(step.log_us) + spec_of(rule).absent_us
    timers.reschedule(step.memory, rule, key, state, evaluator)


def do_without(step: FoldStep, rule: Rule, key: str, state: KeyState, gone: AbstractSet[int]) -> Remainder | None:
    """Count the silence from the newest reading that is left; of a registered device without any as if none had come.

    One that should have begun by now begins now, but for our own outage, which the log may say later.
    """
    rest = [item for item in state.readings if item.position not in gone]
    if len(rest) == len(state.readings):
        return None
    own = silence_of(state)
    if not rest and not own.members:
        return Remainder(left=False)
    quiet_us = max([own.unheard_us, *(item.effective_us + spec_of(rule).absent_us for item in rest)])
    if own.silent or quiet_us == own.quiet_us:
        return None
    own.quiet_us, own.put_off = quiet_us, False
    due_log_us = state.log_us + quiet_us - state.time_us
    if due_log_us <= step.log_us and gaps.gap_is_open(step.memory, step.log_us) and due_log_us > step.memory.tick_us:
        own.put_off = True
        step.memory.put_off.append([rule.id, key])
    return Remainder(left=True)


def heard_of(step: FoldStep, rule: Rule, event: Event, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what is known of who is heard by an event: the registry's word, else the event's; None for nobody."""
    field, device = spec_of(rule).field, step.memory.devices.get(event.device)
    if field is not None and values.get(field) is None:
        return None  # the field is missing whose silence is watched: the device is not heard
    if device is not None and not expected(device):
        return None  # a device in maintenance may be silent: a test reading of it must not begin a watch
    known = values if device is None else registered_values(step.memory, event.device)
    return known if chosen(step.memory, rule, known) else None


def heard(
    step: FoldStep, evaluator: KindEvaluator, rule: Rule, event: Event, values: Mapping[str, Any]
) -> Sighting | None:
    """Return the key that an event's device stands for; an unregistered device's key comes from the event."""
    known = heard_of(step, rule, event, values)
    if known is None:
        return None
    key = key_of(rule, event.key, known)
    if key is None:
        step.memory.tally.no_data[rule.id] += 1
        return None
    effective_us = step.effective_us
    state = step.memory.keys.get(rule.id, {}).get(key)
    if state is not None and effective_us <= state.time_us:
        step.memory.tally.late[rule.id] += effective_us < state.time_us
        return None  # no newer than the last reading heard: no news
    if state is None:
        own = AbsenceState(effective_us + spec_of(rule).absent_us)
        state = new_key(step, rule, key, effective_us, kind_state=own, feed=event.feed, device=event.device)
        if state is None:
            return None
    if gaps.gap_is_open(step.memory, step.log_us):
        own = silence_of(state)
        if not own.silent and effective_us >= own.quiet_us:
            own.put_off = True  # the silence fell into our own outage, which the log says later: it never was one
            timers.reschedule(step.memory, rule, key, state, evaluator)
    merged = values if known is values else {**values, **known}
    sighting = Sighting(rule, key, state, effective_us)
    sighting.seen = Observation(step.entry.position, effective_us, event.feed, event.device, merged)
    return sighting


def expected(device: Mapping[str, Any]) -> bool:
    """Tell whether a registered device should be heard."""
    return device.get("state") in (None, DeviceState.ACTIVE)


def expect(step: FoldStep, evaluator: KindEvaluator, rule: Rule, identifier: str) -> None:
    """Bring one device's membership up to date: into the key it stands for now, out of all others."""
    device = step.memory.devices.get(identifier)
    key = None
    if device is not None and device.get("feed") in rule.feeds and expected(device):
        values = registered(identifier, device)
        if chosen(step.memory, rule, values):
            key = key_of(rule, b"", values)
    for other in [identifier] if rule.by == ("device",) else sorted(step.memory.keys.get(rule.id, {})):
        if other != key:
            leave(step, rule, other, identifier)
    if key is None or device is None:
        return
    state = step.memory.keys.get(rule.id, {}).get(key)
    if state is None:
        own = AbsenceState(step.log_us + spec_of(rule).absent_us)
        state = new_key(step, rule, key, step.log_us, kind_state=own, feed=device["feed"], device=identifier)
        if state is None:
            return
    own = silence_of(state)
    if not own.members or rule.by == ("device",):
        state.area, state.zone = device.get("area"), device.get("zone")
        state.lat, state.lon = device.get("lat"), device.get("lon")
    state.pinned = True
    if identifier not in own.members:
        own.members.append(identifier)
    timers.reschedule(step.memory, rule, key, state, evaluator)


def leave(step: FoldStep, rule: Rule, key: str, identifier: str) -> None:
    """Take a device out of a key; without its last one the key ends."""
    state = step.memory.keys.get(rule.id, {}).get(key)
    if state is None:
        return
    own = silence_of(state)
    if identifier not in own.members:
        return
    own.members.remove(identifier)
    if not own.members:
        step.end_key(rule, key, state, GONE)
        del step.memory.keys[rule.id][key]
