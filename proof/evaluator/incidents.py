"""Incidents a second time, from docs/incidents.md: without a memory, by looking back over everything each time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EARTH_M = 6_371_000.0


@dataclass(frozen=True, slots=True)
class MadeMove:
    """One move of one alert: the moment in seconds of the log, and where it is."""

    alert: str
    kind: str
    rule: str
    domain: str
    second: float
    device: str | None = None
    area: str | None = None
    zone: str | None = None
    lat: float | None = None
    lon: float | None = None


def incidents_of(
    families: Sequence[Mapping[str, Any]], told: Sequence[MadeMove], *, members_max: int, spread: float
) -> list[tuple[str, list[str], bool]]:
    """Return each incident as (family, its alerts as they joined, whether one of them fires at the end)."""
    groups: list[tuple[str, Any, list[str]]] = []
    for number, move in enumerate(told):
        if move.kind != "opened":
            continue
        chosen = next(((family, common) for family in families if (common := _common(family, move)) is not None), None)
        if chosen is None:
            continue
        family, common = chosen
        near = [
            (away, place)
            for place, (name, shared, alerts) in enumerate(groups)
            if name == family["id"]
            and (shared == common or "radius" in family)
            and len(alerts) < members_max
            and _alive(alerts, told[:number], move.second, family["within"])
            and (away := _away(family, alerts, told[:number], move, spread)) is not None
        ]
        if near:
            groups[min(near)[1]][2].append(move.alert)
        else:
            groups.append((family["id"], common, [move.alert]))
    return [(name, alerts, _burns(alerts, told)) for name, _, alerts in groups]


def _common(family: Mapping[str, Any], move: MadeMove) -> Any:
    """Return what an alert shares with others of the family; None where it is none of it."""
    named = any(
        move.rule == name or (name[-1] == "*" and move.rule[: len(name) - 1] == name[:-1]) for name in family["rules"]
    )
    if not named and move.domain not in family.get("domains", ()):
        return None
    if "same" in family:
        return getattr(move, family["same"])
    if "radius" in family:
        return None if move.lat is None or move.lon is None else (move.lat, move.lon)
    for place in family["places"]:
        if move.rule in place.get("rules", ()) or move.device in place.get("devices", ()):
            return place["id"]
    return None


def _burns(alerts: Sequence[str], before: Sequence[MadeMove]) -> bool:
    last = {move.alert: move.kind for move in before if move.alert in alerts}
    return any(kind != "cleared" for kind in last.values())


def _alive(alerts: Sequence[str], before: Sequence[MadeMove], second: float, within: float) -> bool:
    moved = max(move.second for move in before if move.alert in alerts)
    return _burns(alerts, before) or second - moved <= within


def _away(
    family: Mapping[str, Any], alerts: Sequence[str], before: Sequence[MadeMove], move: MadeMove, spread: float
) -> float | None:
    """Return how far the nearest of an incident's alerts is, None where that is too far."""
    if "radius" not in family:
        return 0.0
    points = [(one.lat, one.lon) for name in alerts for one in before if one.alert == name and one.kind == "opened"]
    away = [_metres(point, (move.lat, move.lon)) for point in points]
    away = [round(each) for each in away]
    return None if min(away) > family["radius"] or away[0] > spread * family["radius"] else min(away)


def _metres(one: Any, other: Any) -> float:
    """Return the distance by the chord through the earth."""
    ends = []
    for lat, lon in (one, other):
        north, east = math.radians(lat), math.radians(lon)
        ends.append((math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)))
    return 2 * EARTH_M * math.asin(min(1.0, math.dist(*ends) / 2))
