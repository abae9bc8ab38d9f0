"""What changes the world of the independent evaluator beside readings: the registry, rules, clusters, other alerts.

Written from docs/rules.md alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proof.evaluator.alerts import apply_levels, end_key
from proof.evaluator.keys import Key, end_hold, turn
from proof.evaluator.log_state import LogState
from proof.evaluator.measures import Reading, distance_m
from proof.evaluator.orders import KINDS
from proof.evaluator.registry import written
from proof.evaluator.rules import PLACE, Clause, FailedError, Rule, active, duration, metres

FROM_REGISTRY = ("place", "owner", "parent", "critical", "extra")


def join(state: LogState, rule: Rule, parts: tuple[str, ...], reading: Reading, log: int) -> Key | None:
    """Return the cluster that a point falls to, after those that it joins have become one; None: lost."""
    near, lon, lat = rule.body["near"], reading.values.get("lon"), reading.values.get("lat")
    if lon is None or lat is None:
        return None
    over, radius = duration(near["over"]), metres(near["radius"])
    found = [
        key for (of, _), key in sorted(state.keys.items()) if of == rule.id and key.parts == parts and any(
            abs(one.effective - reading.effective) < over
            and distance_m((one.values["lon"], one.values["lat"]), (lon, lat)) <= radius for one in key.readings)
    ]  # fmt: skip
    if not found:
        name = "|".join((*parts, reading.clue or f"c{reading.position}"))
        key = state.begin(rule, name, parts, reading.effective, log)
        key.own = len(state.begun)
        state.begun.append(name)
        return key
    found = [key for key in found if (key.head or 0) < reading.effective + over]
    for key in found:
        state.end_until(key, reading.effective)
    if not found:
        return None
    first, *others = sorted(found, key=lambda key: int(key.own))
    head = max(reading.effective, *(key.head or 0 for key in found))
    for key in sorted(others, key=lambda key: key.name):
        end_key(state, key, "merged", head)
        if key.t > first.t:
            first.t, first.log = key.t, key.log
        first.readings += key.readings
    if others:
        first.readings = [one for one in first.readings if one.effective + over > (first.head or 0)]
        state.end_until(first, first.t)
    first.head = head
    return first


def spread(state: LogState, kind: str, reading: Reading, log: int) -> None:
    """Let rules over alerts see a transition."""
    values = reading.values
    for rule in [state.rules[name] for name in sorted(state.rules)]:
        if rule.feeds != ("alert",) or rule.id == values["rule"]:
            continue
        parts = [values.get(name) for name in rule.by]
        whole = None if any(part is None for part in parts) else tuple(written(part) for part in parts)
        chosen = state.chosen(rule, values) and whole is not None
        if rule.kind == "near":
            if chosen and kind in ("opened", "reopened") and whole is not None:
                state.read(rule, whole, reading, log)
        else:
            correlate(state, rule, whole if chosen and kind != "cleared" else None, reading, log)


def correlate(state: LogState, rule: Rule, parts: tuple[str, ...] | None, reading: Reading, log: int) -> None:
    """Take a condition out of where it was, put it where it belongs now, and evaluate both."""
    condition = (reading.values["rule"], reading.values["key"])
    touched = [key.name for (of, _), key in state.keys.items() if of == rule.id and condition in (key.own or {})]
    if parts is not None:
        name = "|".join(parts)
        if (rule.id, name) not in state.keys:
            state.begin(rule, name, parts, reading.effective, log)
        touched += [name] if name not in touched else []
    for name in touched:
        key = state.keys[rule.id, name]
        state.end_until(key, reading.effective)
        members = {one: value for one, value in (key.own or {}).items() if one != condition}
        key.own = {**members, condition: reading.values} if parts is not None and name == "|".join(parts) else members
        if reading.effective > key.t:
            key.t, key.log = reading.effective, log
        key.place, key.feed, key.heard = reading.values, "alert", True
        state.observe(key, key.t, KINDS["correlate"].facts(key, key.t), made_at=key.t)


def cluster_of(key: Key) -> bool:
    """Tell whether a key is a cluster, which is forgotten when it is empty."""
    return key.rule.kind == "near"


def keys_of(state: LogState, rule: str) -> list[Key]:
    """Return the keys of a rule in their order."""
    return [key for (of, _), key in sorted(state.keys.items()) if of == rule]


def edit(state: LogState, name: str, new: Rule | None) -> None:
    """Put a rule into force, or out of it."""
    old = state.rules.get(name)
    if new is None or old is None or old.signature != new.signature:
        state.rules.pop(name, None)
        for key in keys_of(state, name):
            end_key(state, key, "rule_removed" if new is None else "rule_changed")
        if new is not None:
            state.rules[name] = new
            if new.kind == "absence":
                for key_name, device in sorted(state.registry.expected(new).items()):
                    expect(state, new, key_name, device)
        return
    state.rules[name] = new
    if new.body != old.body:
        for key in keys_of(state, name):
            if state.keys.get((name, key.name)) is key:
                judge_anew(state, key, old, new)


def expect(state: LogState, rule: Rule, name: str, device: str) -> None:
    """Expect to hear of a registered device from now on."""
    key = state.keys.get((rule.id, name)) or state.begin(rule, name, (name,), state.log, state.log)
    key.place = {**state.registry.side(device), "feed": key.place.get("feed"), "flags": []}


def judge_anew(state: LogState, key: Key, old: Rule, new: Rule) -> None:
    """Go on with a key under the new wording of its rule."""
    at = key.at(state.log)
    facts = {**KINDS[new.kind].facts(key, at if key.head is None else max(at, key.head))}
    key.place = place_now(state, key)
    if new.kind == "threshold" and known_false(new.where, {**key.place, **facts}):
        end_key(state, key, "rule_changed")
        return
    kept = {level: number for number, level in enumerate(old.levels)}
    lived = {level.severity: lives for level, lives in zip(old.levels, key.lives, strict=True)}
    said, truths = key.said, key.truths
    key.rule = new
    key.said = [said[kept[level]] if level in kept else None for level in new.levels]
    key.truths = [truths[kept[level]] if level in kept else (None, at) for level in new.levels]
    named = {level.severity for level in new.levels if any(one.table for one in new.levels)}
    key.held = {severity: limit for severity, limit in key.held.items() if severity in named}
    key.lives = [lived.get(level.severity, False) for level in new.levels]
    only = [number for number, level in enumerate(new.levels) if level not in kept]
    if (old.clear and old.clear.text) != (new.clear and new.clear.text):
        key.said_band, key.band = None, (None, at)
        only.append(len(new.levels))
    key.floor = max(key.floor, at)
    if key.over and new.hold is not None:
        end_hold(key, at)
        turn(key, at, counts=active(new, max(at, key.judged), state.zone, state.holidays))
    else:
        key.over = False
        key.head = None if key.head is None else max(key.head, at)
        state.judge(key, at, facts, only)
    state.end_until(key, at)
    apply_levels(state, key, at)


def place_now(state: LogState, key: Key) -> dict[str, Any]:
    """Return what a key knows of its place: what the newest event had, and what the registry says now."""
    now = state.registry.side(str(key.place.get("device")))
    place = {name: value for name, value in key.place.items() if name in PLACE and name != "flags"}
    return {**place, **{name: now.get(name) for name in FROM_REGISTRY if now}}


def known_false(where: Clause | None, values: Mapping[str, Any]) -> bool:
    """Tell whether a `where` is known not to be true."""
    try:
        return where is not None and where(values) is False
    except FailedError:
        return False


def calendar(state: LogState) -> None:
    """Let the newest calendar count."""
    for _, key in sorted(state.keys.items()):
        if "active" in key.rule.body:
            at = key.at(state.log)
            when = max(at, key.judged)
            turn(key, when, counts=active(key.rule, when, state.zone, state.holidays))
            key.floor = max(key.floor, at)
            state.end_until(key, at)


def change_device(state: LogState, device: str, value: Mapping[str, Any] | None) -> None:
    """Put a device into the registry, or out of it."""
    gone = value is None or value.get("state") == "retired"
    rules = [state.rules[name] for name in sorted(state.rules)]
    before = {rule.id: state.registry.expected(rule) for rule in rules if rule.kind == "absence"}
    if value is None:
        state.registry.devices.pop(device, None)
    else:
        state.registry.devices[device] = value
    for rule in rules if gone else ():
        for key in keys_of(state, rule.id):
            if "device" in rule.by and rule.feeds != ("alert",) and key.parts[rule.by.index("device")] == device:
                end_key(state, key, "device_removed")
    for rule in rules:
        if rule.kind != "absence":
            continue
        after = state.registry.expected(rule)
        for name in sorted(after):
            if name not in before[rule.id] or (rule.by == ("device",) and name == device):
                expect(state, rule, name, after[name])
        for key in keys_of(state, rule.id):
            if key.name in before[rule.id] and key.name not in after:
                end_key(state, key, "device_removed")
