"""Zone: inside or outside of a place on the map, with a margin so that a point on the edge does not chatter."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from ioc.rules.kinds.zone.spec import ZoneSpec
from ioc.rules.language.geometry import distance_m, inside, outside_m
from ioc.rules.language.rule import Rule
from ioc.rules.state.evaluator import KindEvaluator, Remainder, with_place
from ioc.rules.state.memory import READINGS_MAX, KeyState
from ioc.rules.state.observation import Facts, Observation
from ioc.rules.state.step import FoldStep
from ioc.rules.state.tally import Tally


class Side:
    """Whether the key is inside; None: not known yet."""

    __slots__ = ("before", "inside", "seen")

    def __init__(self, inside: bool | None = None) -> None:  # noqa: FBT001 - the one thing it holds
        self.inside = inside
        self.before = inside
        """Whether it was inside before the points that are kept."""
        self.seen: list[list[Any]] = []
        """[position, time, side] of the newest points, oldest first: a person may take one back."""

    def pack(self) -> Any:
        """Return it for a snapshot: never null, which would stand for no memory at all."""
        return [self.inside, self.before, self.seen]

    def see(self, position: int, at_us: int, *, side: bool | None) -> None:
        """Take a point in; between edge and margin nothing changes."""
        if len(self.seen) == READINGS_MAX:
            oldest = self.seen.pop(0)
            self.before = self.before if oldest[2] is None else oldest[2]
        self.seen.append([position, at_us, side])
        self.inside = self.inside if side is None else side

    def forget(self, gone: AbstractSet[int]) -> bool:
        """Do without points that were taken back; tell whether there was one of them."""
        rest = [point for point in self.seen if point[0] not in gone]
        if len(rest) == len(self.seen):
            return False
        self.seen, self.inside = rest, self.before
        for _, _, side in rest:
            self.inside = self.inside if side is None else side
        return True


class ZoneEvaluator(KindEvaluator):
    """The kind `zone`."""

    def begin(self, rule: Rule, at_us: int) -> Side:  # noqa: ARG002 - a kind's shape
        """Return the memory of a key that is nowhere yet."""
        return Side()

    def take(self, rule: Rule, state: KeyState, observation: Observation, tally: Tally) -> Facts | None:  # noqa: ARG002
        """See where a reading was made; between edge and margin nothing changes."""
        own = state.kind_state
        assert type(own) is Side, "a zone key knows its side"
        state.head_us = observation.at_us
        lat, lon = observation.values.get("lat"), observation.values.get("lon")
        if lat is not None and lon is not None:
            own.see(observation.position, observation.at_us, side=side_of(spec_of(rule), (lon, lat)))
        known = {} if own.inside is None or lat is None or lon is None else {"inside": own.inside}
        return with_place(rule, state, observation.values, known)

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:  # noqa: ARG002
        """Return which side it is on."""
        own = state.kind_state
        assert type(own) is Side, "a zone key knows its side"
        return with_place(rule, state, None, {} if own.inside is None else {"inside": own.inside})

    def unpack(self, rule: Rule, packed: Any) -> Side:  # noqa: ARG002
        """Return what a snapshot kept."""
        own = Side(packed[0])
        if len(packed) > 1:  # a snapshot of before 0.3.0 has the side alone
            own.before, own.seen = packed[1:]
        return own

    def do_without(
        self, step: FoldStep, rule: Rule, key: str, state: KeyState, gone: AbstractSet[int]  # noqa: ARG002
    ) -> Remainder | None:  # fmt: skip
        """Be where the points say that are left."""
        own = state.kind_state
        assert type(own) is Side, "a zone key knows its side"
        if not own.forget(gone):
            return None
        return Remainder(bool(own.seen) or own.before is not None, own.seen[-1][1] if own.seen else None)

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        """Return which side it is on."""
        own = state.kind_state
        assert type(own) is Side, "a zone key knows its side"
        return {"kind": "zone", "inside": own.inside, "margin_m": spec_of(rule).margin_m}


def side_of(zone: ZoneSpec, point: tuple[float, float]) -> bool | None:
    """Return whether a point is inside, None between the edge and the margin."""
    if zone.centre is not None:
        away_m = distance_m(zone.centre, point) - zone.radius_m
        return True if away_m <= 0 else False if away_m > zone.margin_m else None
    if inside(point, zone.polygon):
        return True
    return False if outside_m(point, zone.polygon) > zone.margin_m else None


def spec_of(rule: Rule) -> ZoneSpec:
    """Return the place of a rule."""
    assert type(rule.spec) is ZoneSpec, "a zone rule has its place"
    return rule.spec
