"""What a rule's kind adds to evidence, with names: a chain, a cluster, a silence, alerts together, a window's panes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ioc.api.rule_words import Words, step_words
from ioc.api.wire import JSONObject, Row, both, label, moment
from ioc.rules.geometry import distance_m
from ioc.rules.load_parts import metres_at
from ioc.store.scope import Scope

PLACES = ("device", "area")
"""What a measure may be taken apart by and a masked reader still be told."""
DEGREE_DIGITS = 6
"""Of a cluster's middle: a tenth of a metre."""
SILENT_MAX = 50
"""Devices of an area or zone that are listed beside its silence."""


@dataclass(frozen=True, slots=True)
class Known:
    """Rows that give names to what details mention, by id; and the reader's wall."""

    devices: Mapping[str, Row] = field(default_factory=dict)
    alerts: Mapping[str, Row] = field(default_factory=dict)
    rules: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Titles of rules."""
    silent: Sequence[Row] = ()
    """The devices of a silent area or zone, inside the wall."""
    scope: Scope = field(default_factory=Scope)
    masked: bool = False

    def sees(self, member: Mapping[str, Any]) -> bool:
        """Tell whether the reader may see a member: neither its device nor its alert lies outside the wall."""
        device, alert = self.devices.get(str(member.get("device"))), self.alerts.get(str(member.get("alert")))
        return (device is None or self.scope.sees(area=device["area"], zone=device["zone"], feed=device["feed"])) and (
            alert is None
            or self.scope.sees(
                area=alert["area"], zone=alert["zone"], restricted=alert["restricted"], feed=alert["feed"]
            )
        )

    def name(self, device: object) -> JSONObject | None:
        """Return a device's name, None for one that is not registered."""
        row = self.devices.get(str(device))
        return both(row, "name") if row is not None else None


def mentioned(found: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the devices and the alerts that details mention, each once."""
    members = [*(found.get("members") or ()), *(found.get("steps") or ())]
    devices = {str(member["device"]) for member in members if member.get("device")}
    if found.get("per") == "device":
        devices |= {str(part["part"]) for part in found.get("parts") or ()}
    return sorted(devices), sorted({str(member["alert"]) for member in members if member.get("alert")})


def details(found: Mapping[str, Any], *, words: Words, known: Known) -> JSONObject | None:
    """Return details with names; None for a kind that adds nothing. Members outside the wall are only counted."""
    make = KINDS.get(str(found.get("kind")))
    return None if make is None else {"kind": found["kind"], **make(found, words, known)}


def _window(found: Mapping[str, Any], words: Words, known: Known) -> JSONObject:
    told = words.names.get(str(found.get("measure")))
    places = found.get("per") in PLACES
    parts = [
        part for part in found.get("parts") or ()
        if known.sees({"device": part["part"]} if found.get("per") == "device" else {}) and (places or not known.masked)
    ]  # fmt: skip
    whose = {"device": found.get("part")} if found.get("per") == "device" else {}
    told_part = (places or not known.masked) and known.sees(whose)
    return {
        "from": found.get("from"),
        "to": found.get("to"),
        "over_seconds": found.get("over_s"),
        "pane_seconds": found.get("pane_s"),
        "measure": found.get("measure"),
        "measure_label": label(told.label) if told else None,
        "unit": told.unit if told else "",
        "pane_of": found.get("pane_of"),
        "panes": list(found.get("panes") or ()) if told_part or found.get("part") is None else [],
        "per": found.get("per"),
        "part": found.get("part") if told_part else None,
        "parts": [
            {**part, "name": known.name(part["part"]) if found.get("per") == "device" else None} for part in parts
        ],
    }


def _absence(found: Mapping[str, Any], words: Words, known: Known) -> JSONObject:
    del words
    return {
        "last_heard": found.get("last_heard"),
        "absent_seconds": found.get("absent_s"),
        "silent": [
            {"device": row["id"], "name": both(row, "name"), "last_heard": moment(row["last_effective"])}
            for row in known.silent[:SILENT_MAX]
        ],
    }


def _sequence(found: Mapping[str, Any], words: Words, known: Known) -> JSONObject:
    steps, written = found.get("steps") or (), list(words.body.get("sequence") or ())
    told: list[JSONObject] = []
    for number, step in enumerate(steps):
        spec = words.feeds.get(str(step.get("feed")))
        rule_step = written[number] if len(written) == len(steps) else None
        seen = known.sees(step)
        told.append({
            "at": step.get("at"),
            "feed": step.get("feed"),
            "feed_label": label(spec.label) if spec else None,
            "text": {"vi": step_words(words, rule_step, vi=True), "en": step_words(words, rule_step, vi=False)}
            if rule_step
            else None,
            "device": step.get("device") if seen else None,
            "device_name": known.name(step.get("device")) if seen else None,
            "position": step.get("position"),
        })  # fmt: skip
    return {"steps": told, "took_seconds": found.get("took_s")}


def _near(found: Mapping[str, Any], words: Words, known: Known) -> JSONObject:
    del words
    members = list(found.get("members") or ())
    seen = [member for member in members if known.sees(member)]
    centre = _centre(members)
    return {
        "radius_m": found.get("radius_m"),
        "over_seconds": found.get("over_s"),
        "centre": {"lon": centre[0], "lat": centre[1]} if centre and len(seen) == len(members) else None,
        "members": [
            {
                **member,
                "device_name": known.name(member.get("device")),
                "distance_m": round(distance_m(centre, (member["lon"], member["lat"]))) if centre else None,
            }
            for member in seen
        ],
        "hidden": len(members) - len(seen),
    }


def _centre(members: Sequence[Mapping[str, Any]]) -> tuple[float, float] | None:
    if not members:
        return None
    count = len(members)
    lon, lat = (sum(member[name] for member in members) / count for name in ("lon", "lat"))
    return round(lon, DEGREE_DIGITS), round(lat, DEGREE_DIGITS)


def _correlate(found: Mapping[str, Any], words: Words, known: Known) -> JSONObject:
    del words
    members = list(found.get("members") or ())
    seen = [member for member in members if known.sees(member)]
    return {
        "members": [_of_alert(member, known) for member in seen],
        "hidden": len(members) - len(seen),
    }


def _of_alert(member: Mapping[str, Any], known: Known) -> JSONObject:
    """Return what is known of one of the alerts; a monitored rule has raised none."""
    row = known.alerts.get(str(member.get("alert")))
    return {
        **{name: member.get(name) for name in ("rule", "severity", "domain", "device", "at")},
        "alert": row["id"] if row is not None else None,
        "number": row["number"] if row is not None else None,
        "condition": row["condition"] if row is not None else None,
        "title": row["title"] if row is not None else known.rules.get(str(member.get("rule"))),
        "device_name": known.name(member.get("device")),
    }


def _zone(found: Mapping[str, Any], words: Words, known: Known) -> JSONObject:
    del known
    place = words.body.get("enter") or words.body.get("leave") or {}
    return {
        "inside": found.get("inside"),
        "margin_m": found.get("margin_m"),
        "polygon": place.get("polygon"),
        "circle": place.get("circle"),
        "radius_m": metres_at(place["radius"], "radius") if "radius" in place else None,
    }


KINDS: Mapping[str, Callable[[Mapping[str, Any], Words, Known], JSONObject]] = {
    "window": _window, "absence": _absence, "sequence": _sequence, "near": _near, "correlate": _correlate,
    "zone": _zone,
}  # fmt: skip
