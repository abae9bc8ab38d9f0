"""From an event to the key it falls to, and the names and place that rules may ask of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ioc.domain.event import Event, hash16
from ioc.rules.language.clause import verdict
from ioc.rules.language.rule import EVENT, Rule
from ioc.rules.state.memory import IDLE_US, KeyState, KindState, LevelState, Memory
from ioc.rules.state.step import FoldStep

KEY_LENGTH_MAX = 200
DEVICE = ("device",)
NOTHING: Mapping[str, Any] = {}
BETWEEN_PARTS = re.compile(r"(?<!\\)\|")
DEVICE_MEMBERS = (
    "name_vi", "name_en", "area", "zone", "lat", "lon", "place", "owner", "parent", "critical", "extra", "feed",
    "state", "device_class",
)  # fmt: skip


def names_of(value: Mapping[str, Any]) -> dict[str, str]:
    """Return a registry entry's name in both languages, whether it stands as one member or as two columns."""
    name = value.get("name") or {"vi": value.get("name_vi"), "en": value.get("name_en")}
    return {f"name_{language}": name[language] for language in ("vi", "en") if name.get(language)}


def in_context(bound: Mapping[str, Any], event: Event, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's values with what rules may ask of its place and device; ``known``: what the registry says."""
    values = {**bound, **known}
    values["feed"], values["flags"] = event.feed, list(event.flags)
    if event.area is not None:
        values["area"] = event.area
    if event.zone is not None:
        values["zone"] = event.zone
    if event.lat is not None:
        values["lat"] = event.lat
    if event.lon is not None:
        values["lon"] = event.lon
    return values


def add_place(values: dict[str, Any], identifier: str, context: Mapping[str, Any], device: Mapping[str, Any]) -> None:
    """Add the event's own place, else the registered one of its device."""
    values["device"] = identifier
    for name, value in context.items():
        found = value if value is not None else device.get(name)
        if found is not None:
            values[name] = found
    for name in ("place", "owner", "parent"):
        if device.get(name) is not None:
            values[name] = device[name]
    values["critical"] = bool(device.get("critical"))
    values["extra"] = device.get("extra") or {}


def registered(identifier: str, device: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the registry alone says of a device: what an absence rule knows of it."""
    values: dict[str, Any] = {"flags": []}
    add_place(values, identifier, {name: device.get(name) for name in ("feed", "area", "zone", "lat", "lon")}, device)
    return values


def registered_values(memory: Memory, identifier: str) -> Mapping[str, Any]:
    """Return what the registry alone says of a device, as :func:`registered`; worked out again when that is new."""
    device = memory.devices.get(identifier)
    if device is None:
        return registered(identifier, NOTHING)
    known = memory.told.get(identifier)
    if known is None or known[0] is not device:
        known = memory.told[identifier] = (device, registered(identifier, device))
    return known[1]


def chosen(memory: Memory, rule: Rule, values: Mapping[str, Any]) -> bool:
    """Tell whether an event exists for a rule: its `where` is true."""
    if rule.where is None:
        return True
    truth, broke = verdict(rule.where, values)
    if truth is None:
        memory.tally.errors[rule.id] += broke
        memory.tally.no_data[rule.id] += not broke
    return bool(truth)


def new_key(
    step: FoldStep,
    rule: Rule,
    key: str,
    at_us: int,
    *,
    kind_state: KindState | None,
    feed: str,
    device: str,
    idle_us: int = IDLE_US,
    log_us: int | None = None,
) -> KeyState | None:
    """Return the state of a new key; None where the rule has no room for one more."""
    memory = step.memory
    if not memory.room(rule.id, step.log_us, idle_us=idle_us):
        memory.tally.full[rule.id] += 1
        return None
    levels = [LevelState() for _ in rule.levels]
    state = KeyState(at_us, step.log_us if log_us is None else log_us, feed, device, levels, told_us=at_us)
    state.kind_state = kind_state
    memory.keys[rule.id][key] = state
    return state


def key_of(rule: Rule, event_key: bytes, values: Mapping[str, Any]) -> str | None:
    """Return the value of the rule's `by`, joined with `|`; None where a part is missing."""
    if rule.by == DEVICE:  # nearly always; and nearly always the device's id is the key as it stands
        device = values.get("device")
        if type(device) is str and len(device) <= KEY_LENGTH_MAX and "|" not in device:
            return device
    parts: list[str] = []
    for name in rule.by:
        value = event_key.hex() if name == EVENT else values.get(name)
        if value is None:
            return None
        parts.append(str(value).lower() if isinstance(value, bool) else str(value).replace("|", "\\|"))
    key = "|".join(parts)
    if len(key) > KEY_LENGTH_MAX:
        return f"{key[: KEY_LENGTH_MAX - 33]}~{hash16(key.encode()).hex()}"
    return key


def parts_of(rule: Rule, key: str) -> dict[str, str]:
    """Return what a key says of the rule's `by`, by name; nothing where it was too long to say all.

    A window, a sequence or a cluster keeps no field of its events but those that its measures look at, and its
    sentence must still say whom it is about.
    """
    parts = [part.replace("\\|", "|") for part in BETWEEN_PARTS.split(key)]
    if len(key) >= KEY_LENGTH_MAX or len(parts) < len(rule.by):
        return {}
    return dict(zip(rule.by, parts, strict=False))
