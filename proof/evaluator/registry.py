"""The devices as the log has them, for the independent evaluator. Written from docs/rules.md alone."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from proof.evaluator.keys import Key
from proof.evaluator.kinds import absent
from proof.evaluator.log import LogEvent
from proof.evaluator.measures import Reading
from proof.evaluator.rules import PLACE, RANKS, Rule

OF_DEVICE = ("area", "zone", "lat", "lon", "place", "owner", "parent", "critical", "extra")
PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,), "boolean": (bool,), "text": (str,), "time": (str,), "object": (object,),
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

    def place(self, event: LogEvent) -> dict[str, Any]:
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

    def parts(self, rule: Rule, event: LogEvent, values: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Return the parts of the key that an event falls to, None where one is missing."""
        found = [event.key.hex() if name == "event" else values.get(name) for name in rule.by]
        return None if any(part is None for part in found) else tuple(written(part) for part in found)

    def heard(self, rule: Rule, event: LogEvent) -> bool:
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
        named = b"".join(len(part).to_bytes(4, "big") + part for part in
                         (of.rule.id.encode(), of.name.encode(), str(at).encode()))  # fmt: skip
        clue = "c" + blake2b(named, digest_size=16).hexdigest()[:12]
        return Reading(position, at, "alert", values.get("device") or of.name, values, clue)


def written(part: Any) -> str:
    """Return a part of a key as text, in which a bar of its own is marked."""
    return str(part).lower() if isinstance(part, bool) else str(part).replace("|", "\\|")


def is_active(device: Mapping[str, Any]) -> bool:
    """Tell whether a device should report."""
    return bool(device.get("state", "active") == "active")
