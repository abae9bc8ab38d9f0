"""Where an alert is: its device, area and zone, and the names that people know them by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.domain.feed import Label
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.summary import PlaceNames
from ioc.rules.language.rule import EVENT, Rule
from ioc.rules.state.memory import KeyState, Memory


def subject(rule: Rule, state: KeyState, memory: Memory) -> tuple[str | None, str | None, str | None]:
    """Return (device, area, zone) of an alert: an alert per zone is of no single device, one per area neither.

    One per event is of the event's own place, and of its device where that is a registered one.
    """
    if rule.spec.makes_keys:
        return None, state.area, state.zone
    if "device" not in rule.by:
        if EVENT in rule.by:
            return state.device if state.device in memory.devices else None, state.area, state.zone
        if "area" in rule.by:
            return None, state.area, state.zone
        if "zone" in rule.by:
            return None, None, state.zone
        if rule.spec.of_several:
            return None, state.area, state.zone
    return state.device, state.area, state.zone


def place_of(
    rules: RuleSet,
    memory: Memory,
    *,
    device: str | None,
    area: str | None,
    zone: str | None,
    named: Mapping[str, str],
) -> PlaceNames:
    """Return the names of an alert's place, as the log knows them at this entry; ``named`` is what its key says."""
    record = memory.devices.get(device or "", {})
    words = {name: known[name] for known in (named, record) for name in ("owner", "parent") if known.get(name)}
    return PlaceNames(
        device=label(record, "name") or (Label(device, device) if device else None),
        area=label(memory.areas.get(area or "", {}), "name") or (Label(area, area) if area else None),
        zone=rules.zones.get(zone) or Label(zone, zone) if zone else None,
        words={name: label(memory.devices.get(word, {}), "name") or Label(word, word) for name, word in words.items()},
    )


def label(record: Mapping[str, Any], name: str) -> Label | None:
    """Return the two-language member of a registry entry."""
    vi, en = record.get(f"{name}_vi"), record.get(f"{name}_en")
    return Label(vi, en or vi) if vi else None
