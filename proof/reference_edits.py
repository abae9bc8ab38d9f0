"""What changes the world of the independent evaluator beside readings: the registry, rules, clusters, other alerts.

Written from docs/rules.md alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ioc.domain.event import Event, hash16
from proof.reference_alerts import finish, follow
from proof.reference_keys import Key, end_hold, turn
from proof.reference_kinds import KINDS, absent
from proof.reference_measures import Reading, distance_m
from proof.reference_rules import PLACE, RANKS, Clause, FailedError, Rule, active, duration, metres

if TYPE_CHECKING:
    from proof.reference import World

OF_DEVICE = ("area", "zone", "lat", "lon", "place", "owner", "parent", "critical", "extra")
FROM_REGISTRY = ("place", "owner", "parent", "critical", "extra")
PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,), "boolean": (bool,), "text": (str,), "object": (object,),
}  # fmt: skip


class Registry:
    """The devices as the log has them."""

    def __init__(self) -> None:
        self.devices: dict[str, Mapping[str, Any]] = {}

    def side(self, device: str) -> dict[str, Any]:
        """Return what the registry says of a device's place."""
        known = self.devices.get(device)
        if known is None:
            return {}
        return {"device": device, "feed": known.get("feed"), **{name: known.get(name) for name in OF_DEVICE},
                "critical": bool(known.get("critical")), "extra": known.get("extra") or {}}  # fmt: skip

    def place(self, event: Event) -> dict[str, Any]:
        """Return an event's own place, else its device's."""
        own = {"area": event.area, "zone": event.zone, "lat": event.lat, "lon": event.lon}
        return {"critical": False, "extra": {}, **self.side(event.device),
                **{name: value for name, value in own.items() if value is not None},
                "device": event.device, "feed": event.feed, "flags": list(event.flags)}  # fmt: skip

    def bound(self, data: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
        """Return the members of an event that have their type."""
        found: dict[str, Any] = {}
        for name, value in data.items():
            kind = types.get(name) if name not in PLACE else None
            if kind is None or value is None or (isinstance(value, bool) and kind not in ("boolean", "object")):
                continue
            if kind == "number" and isinstance(value, (float, int)):
                found[name] = float(value)
            elif kind != "number" and isinstance(value, PYTHON_TYPES[kind]):
                found[name] = value
        return found

    def parts(self, rule: Rule, event: Event, values: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Return the parts of the key that an event falls to, None where one is missing."""
        found = [event.key.hex() if name == "event" else values.get(name) for name in rule.by]
        return None if any(part is None for part in found) else tuple(written(part) for part in found)

    def heard(self, rule: Rule, event: Event) -> bool:
        """Tell whether an absence rule hears an event."""
        of = absent(rule)[1]
        known = self.devices.get(event.device)
        return (of is None or event.data.get(of) is not None) and (known is None or is_active(known))

    def expected(self, rule: Rule) -> dict[str, str]:
        """Return the keys from which an absence rule expects to hear, each with its first device."""
        found: dict[str, str] = {}
        for device, known in sorted(self.devices.items()):
            side = self.side(device)
            if not is_active(known) or known.get("feed") not in rule.feeds or side[rule.by[0]] is None:
                continue
            if rule.where is None or rule.where(side) is True:
                found.setdefault(side[rule.by[0]], device)
        return found

    def join(self, world: World, rule: Rule, parts: tuple[str, ...], reading: Reading, log: int) -> Key | None:
        """Return the cluster that a point falls to, after those that it joins have become one; None: lost."""
        near, lon, lat = rule.body["near"], reading.values.get("lon"), reading.values.get("lat")
        if lon is None or lat is None:
            return None
        over, radius = duration(near["over"]), metres(near["radius"])
        found = [
            key for (of, _), key in sorted(world.keys.items()) if of == rule.id and key.parts == parts and any(
                abs(one.effective - reading.effective) < over
                and distance_m((one.values["lon"], one.values["lat"]), (lon, lat)) <= radius for one in key.readings)
        ]  # fmt: skip
        if not found:
            name = "|".join((*parts, reading.clue or f"c{reading.position}"))
            key = world.begin(rule, name, parts, reading.effective, log)
            key.own = len(world.begun)
            world.begun.append(name)
            return key
        found = [key for key in found if (key.head or 0) < reading.effective + over]
        for key in found:
            world.end_until(key, reading.effective)
        if not found:
            return None
        first, *others = sorted(found, key=lambda key: int(key.own))
        head = max(reading.effective, *(key.head or 0 for key in found))
        for key in sorted(others, key=lambda key: key.name):
            finish(world, key, "merged", head)
            if key.t > first.t:
                first.t, first.log = key.t, key.log
            first.readings += key.readings
        if others:
            first.readings = [one for one in first.readings if one.effective + over > (first.head or 0)]
            world.end_until(first, first.t)
        first.head = head
        return first

    def alert_place(self, of: Key) -> dict[str, Any]:
        """Return the place of a key's alert: one that is of no single device has none."""
        rule, place = of.rule, of.place
        found = {name: place.get(name) for name in ("device", "feed", "area", "zone", "lat", "lon")}
        several = rule.kind in ("near", "window", "correlate") or {"area", "zone"} & set(rule.by)
        if "event" in rule.by:
            found["device"] = found["device"] if found["device"] in self.devices else None
        elif several and ("device" not in rule.by or rule.kind == "near"):
            found["device"] = None
            found["area"] = (
                None if "zone" in rule.by and "area" not in rule.by and rule.kind != "near" else found["area"]
            )
        if found["device"] is None and "event" not in rule.by and rule.kind != "near":
            found["lat"] = found["lon"] = None
        side = self.side(found["device"] or "")
        own = {name: value for name, value in found.items() if value is not None}
        return {"critical": False, "extra": {}, **side, **own, "flags": []}

    def as_reading(self, position: int, of: Key, at: int) -> Reading:
        """Return the newest transition of a key as rules over alerts see it."""
        alert = of.alert
        assert alert is not None, "it has just moved"
        told = {"rule": of.rule.id, "key": of.name, "domain": of.rule.body["domain"], "severity": alert.severity,
                "rank": RANKS[alert.severity], "mode": of.rule.body.get("mode", "alert")}  # fmt: skip
        values = {**self.alert_place(of), **told}
        clue = "c" + hash16(of.rule.id.encode(), of.name.encode(), str(at).encode()).hex()[:12]
        return Reading(position, at, "alert", values.get("device") or of.name, values, clue)

    def spread(self, world: World, kind: str, reading: Reading, log: int) -> None:
        """Let rules over alerts see a transition."""
        values = reading.values
        for rule in [world.rules[name] for name in sorted(world.rules)]:
            if rule.feeds != ("alert",) or rule.id == values["rule"]:
                continue
            parts = [values.get(name) for name in rule.by]
            whole = None if any(part is None for part in parts) else tuple(written(part) for part in parts)
            chosen = world.chosen(rule, values) and whole is not None
            if rule.kind == "near":
                if chosen and kind in ("opened", "reopened") and whole is not None:
                    world.read(rule, whole, reading, log)
            else:
                correlate(world, rule, whole if chosen and kind != "cleared" else None, reading, log)


def correlate(world: World, rule: Rule, parts: tuple[str, ...] | None, reading: Reading, log: int) -> None:
    """Take a condition out of where it was, put it where it belongs now, and evaluate both."""
    condition = (reading.values["rule"], reading.values["key"])
    touched = [key.name for (of, _), key in world.keys.items() if of == rule.id and condition in (key.own or {})]
    if parts is not None:
        name = "|".join(parts)
        if (rule.id, name) not in world.keys:
            world.begin(rule, name, parts, reading.effective, log)
        touched += [name] if name not in touched else []
    for name in touched:
        key = world.keys[rule.id, name]
        world.end_until(key, reading.effective)
        members = {one: value for one, value in (key.own or {}).items() if one != condition}
        key.own = {**members, condition: reading.values} if parts is not None and name == "|".join(parts) else members
        if reading.effective > key.t:
            key.t, key.log = reading.effective, log
        key.place, key.feed, key.heard = reading.values, "alert", True
        world.taken(key, key.t, KINDS["correlate"].facts(key, key.t), told=key.t)


def written(part: Any) -> str:
    """Return a part of a key as text, in which a bar of its own is marked."""
    return str(part).lower() if isinstance(part, bool) else str(part).replace("|", "\\|")


def is_active(device: Mapping[str, Any]) -> bool:
    """Tell whether a device should report."""
    return bool(device.get("state", "active") == "active")


def cluster_of(key: Key) -> bool:
    """Tell whether a key is a cluster, which is forgotten when it is empty."""
    return key.rule.kind == "near"


def keys_of(world: World, rule: str) -> list[Key]:
    """Return the keys of a rule in their order."""
    return [key for (of, _), key in sorted(world.keys.items()) if of == rule]


def edit(world: World, name: str, new: Rule | None) -> None:
    """Put a rule into force, or out of it."""
    old = world.rules.get(name)
    if new is None or old is None or old.making != new.making:
        world.rules.pop(name, None)
        for key in keys_of(world, name):
            finish(world, key, "rule_removed" if new is None else "rule_changed")
        if new is not None:
            world.rules[name] = new
            if new.kind == "absence":
                for key_name, device in sorted(world.registry.expected(new).items()):
                    expect(world, new, key_name, device)
        return
    world.rules[name] = new
    if new.body != old.body:
        for key in keys_of(world, name):
            if world.keys.get((name, key.name)) is key:
                judge_anew(world, key, old, new)


def expect(world: World, rule: Rule, name: str, device: str) -> None:
    """Expect to hear of a registered device from now on."""
    key = world.keys.get((rule.id, name)) or world.begin(rule, name, (name,), world.log, world.log)
    key.place = {**world.registry.side(device), "feed": key.place.get("feed"), "flags": []}


def judge_anew(world: World, key: Key, old: Rule, new: Rule) -> None:
    """Go on with a key under the new wording of its rule."""
    at = key.at(world.log)
    now = world.registry.side(str(key.place.get("device")))
    facts = {**KINDS[new.kind].facts(key, at if key.head is None else max(at, key.head))}
    place = {name: value for name, value in key.place.items() if name in PLACE and name != "flags"}
    key.place = {**place, **{name: now.get(name) for name in FROM_REGISTRY if now}}
    if new.kind == "threshold" and known_false(new.where, {**key.place, **facts}):
        finish(world, key, "rule_changed")
        return
    kept = {level: number for number, level in enumerate(old.levels)}
    lived = {level.severity: lives for level, lives in zip(old.levels, key.lives, strict=True)}
    said, truths = key.said, key.truths
    key.rule = new
    key.said = [said[kept[level]] if level in kept else None for level in new.levels]
    key.truths = [truths[kept[level]] if level in kept else (None, at) for level in new.levels]
    key.lives = [lived.get(level.severity, False) for level in new.levels]
    only = [number for number, level in enumerate(new.levels) if level not in kept]
    if (old.clear and old.clear.text) != (new.clear and new.clear.text):
        key.said_band, key.band = None, (None, at)
        only.append(len(new.levels))
    key.floor = max(key.floor, at)
    if key.over and new.hold is not None:
        end_hold(key, at)
    else:
        key.over = False
        key.head = None if key.head is None else max(key.head, at)
        world.judge(key, at, facts, only)
    world.end_until(key, at)
    follow(world, key, at)


def known_false(where: Clause | None, values: Mapping[str, Any]) -> bool:
    """Tell whether a `where` is known not to be true."""
    try:
        return where is not None and where(values) is False
    except FailedError:
        return False


def calendar(world: World) -> None:
    """Let the newest calendar count."""
    for _, key in sorted(world.keys.items()):
        if "active" in key.rule.body:
            at = key.at(world.log)
            when = max(at, key.judged)
            turn(key, when, counts=active(key.rule, when, world.zone, world.holidays))
            key.floor = max(key.floor, at)
            world.end_until(key, at)


def outdated(world: World, device: str, value: Mapping[str, Any] | None) -> None:
    """Put a device into the registry, or out of it."""
    gone = value is None or value.get("state") == "retired"
    rules = [world.rules[name] for name in sorted(world.rules)]
    before = {rule.id: world.registry.expected(rule) for rule in rules if rule.kind == "absence"}
    if value is None:
        world.registry.devices.pop(device, None)
    else:
        world.registry.devices[device] = value
    for rule in rules if gone else ():
        for key in keys_of(world, rule.id):
            if "device" in rule.by and rule.feeds != ("alert",) and key.parts[rule.by.index("device")] == device:
                finish(world, key, "device_removed")
    for rule in rules:
        if rule.kind != "absence":
            continue
        after = world.registry.expected(rule)
        for name in sorted(after):
            if name not in before[rule.id] or (rule.by == ("device",) and name == device):
                expect(world, rule, name, after[name])
        for key in keys_of(world, rule.id):
            if key.name in before[rule.id] and key.name not in after:
                finish(world, key, "device_removed")
