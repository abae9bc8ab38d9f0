"""A family of incidents: which alerts may be one situation, how near, and within how long (docs/incidents.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ioc.domain.event import canonical, hash16
from ioc.domain.feed import Label

MEMBERS_MAX = 500
"""Alerts of one incident; what comes then begins the next one, and the full one says so."""
SPREAD_MAX = 4
"""An incident told apart by distance reaches at most so many radii from the alert that opened it."""


class Nearness(StrEnum):
    """What the alerts of one incident have in common."""

    ZONE = "zone"
    """The zone."""
    AREA = "area"
    """The unit."""
    PLACE = "place"
    """The place that the family names, by its devices or by the rule."""
    RADIUS = "radius"
    """Each lies within a distance of another."""


@dataclass(frozen=True, slots=True)
class IncidentPlace:
    """A place that a family knows: a dam with its gauges, a river."""

    id: str
    name: Label
    devices: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    """Rules whose alerts are of this place whatever device they name."""


@dataclass(frozen=True, slots=True)
class IncidentFamily:
    """Which alerts may be one situation."""

    id: str
    title: Label
    """With `{zone}`, `{area}` or `{place}`."""
    headline: Label
    """With `{worst}`, `{devices}` and `{alerts}`."""
    near: Nearness
    within_seconds: int
    """How long after the last move of an incident that is over an alert still belongs to it."""
    rules: tuple[str, ...] = ()
    """Ids, or beginnings of ids before a `*`."""
    domains: frozenset[str] = frozenset()
    radius_m: float = 0.0
    places: tuple[IncidentPlace, ...] = field(default=())

    def takes(self, *, rule: str, domain: str) -> bool:
        """Tell whether alerts of a rule belong to the family, by the rule or by its domain."""
        return domain in self.domains or any(matches(pattern, rule) for pattern in self.rules)

    def place_of(self, *, rule: str, device: str | None) -> IncidentPlace | None:
        """Return the first place that is the rule's or the device's."""
        return next((place for place in self.places if rule in place.rules or device in place.devices), None)

    def place_name(self, key: str) -> Label | None:
        """Return the name of a place by its id."""
        return next((place.name for place in self.places if place.id == key), None)


def matches(pattern: str, rule: str) -> bool:
    """Tell whether a rule's id is the one named, or begins like it."""
    return rule.startswith(pattern[:-1]) if pattern.endswith("*") else rule == pattern


def grouping_mark(families: Sequence[IncidentFamily]) -> str:
    """Return a short hash of what decides memberships: words may change without another."""
    told = [
        {
            "id": family.id, "near": str(family.near), "within": family.within_seconds, "rules": list(family.rules),
            "domains": sorted(family.domains), "radius": family.radius_m,
            "places": [[place.id, sorted(place.devices), sorted(place.rules)] for place in family.places],
        }
        for family in families
    ]  # fmt: skip
    return hash16(canonical([MEMBERS_MAX, SPREAD_MAX, told])).hex()[:16]
