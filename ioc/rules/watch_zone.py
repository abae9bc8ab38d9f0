"""Zone: inside or outside of a place on the map, with a margin so that a point on the edge does not chatter."""

from __future__ import annotations

from typing import Any

from ioc.rules.geometry import distance_m, inside, outside_m
from ioc.rules.kinds import Zone
from ioc.rules.memory import KeyState, Tally
from ioc.rules.rule import Rule
from ioc.rules.watch import Facts, Plain, Taken, placed


class Side:
    """Whether the key is inside; None: not known yet."""

    __slots__ = ("inside",)

    def __init__(self, inside: bool | None = None) -> None:  # noqa: FBT001 - the one thing it holds
        self.inside = inside

    def pack(self) -> Any:
        """Return it for a snapshot: never null, which would stand for no memory at all."""
        return [self.inside]


class ZoneWatch(Plain):
    """The kind `zone`."""

    def begin(self, rule: Rule, at_us: int) -> Side:  # noqa: ARG002 - a kind's shape
        """Return the memory of a key that is nowhere yet."""
        return Side()

    def take(self, rule: Rule, state: KeyState, taken: Taken, tally: Tally) -> Facts | None:  # noqa: ARG002
        """See where a reading was made; between edge and margin nothing changes."""
        own = state.own
        assert type(own) is Side, "a zone key knows its side"
        state.head_us = taken.at_us
        lat, lon = taken.values.get("lat"), taken.values.get("lon")
        if lat is not None and lon is not None:
            found = side_of(_shape(rule), (lon, lat))
            own.inside = own.inside if found is None else found
        known = {} if own.inside is None or lat is None or lon is None else {"inside": own.inside}
        return placed(rule, state, taken.values, known)

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:  # noqa: ARG002
        """Return which side it is on."""
        own = state.own
        assert type(own) is Side, "a zone key knows its side"
        return placed(rule, state, None, {} if own.inside is None else {"inside": own.inside})

    def unpack(self, rule: Rule, packed: Any) -> Side:  # noqa: ARG002
        """Return what a snapshot kept."""
        return Side(packed[0])

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        """Return which side it is on."""
        own = state.own
        assert type(own) is Side, "a zone key knows its side"
        return {"kind": "zone", "inside": own.inside, "margin_m": _shape(rule).margin_m}


def side_of(zone: Zone, point: tuple[float, float]) -> bool | None:
    """Return whether a point is inside, None between the edge and the margin."""
    if zone.centre is not None:
        away_m = distance_m(zone.centre, point) - zone.radius_m
        return True if away_m <= 0 else False if away_m > zone.margin_m else None
    if inside(point, zone.polygon):
        return True
    return False if outside_m(point, zone.polygon) > zone.margin_m else None


def _shape(rule: Rule) -> Zone:
    assert type(rule.shape) is Zone, "a zone rule has its place"
    return rule.shape
