"""Near: points that lie close to each other within a time. Each cluster is a key; its members leave one by one."""

from __future__ import annotations

from bisect import insort
from typing import Any

from ioc.rules.geometry import METRES_A_DEGREE, distance_m
from ioc.rules.kinds import Near
from ioc.rules.memory import KeyState, Tally
from ioc.rules.rule import Rule
from ioc.rules.watch import Facts, Plain, Taken, placed

MEMBERS_MAX = 2_000
"""Members of all clusters of one rule."""
Member = list[Any]
"""[time, position, lat, lon, device]"""


class Cluster:
    """The members of one cluster, oldest first."""

    __slots__ = ("members", "number", "part")

    def __init__(self, part: str, number: int) -> None:
        self.part = part
        self.number = number
        """Clusters are numbered as they begin; of several that meet, the first stays."""
        self.members: list[Member] = []

    def pack(self) -> Any:
        """Return it for a snapshot."""
        return [self.part, self.number, self.members]

    def add(self, member: Member) -> None:
        """Take a member in, in the order of time."""
        insort(self.members, member, key=lambda known: (known[0], known[1]))

    def leave(self, below_us: int) -> None:
        """Let members go that are as old as ``below_us``."""
        while self.members and self.members[0][0] <= below_us:
            self.members.pop(0)

    def reaches(self, near: Near, *, at_us: int, lat: float, lon: float) -> bool:
        """Tell whether a point is near enough to one of the members, in place and time."""
        slack = near.radius_m / METRES_A_DEGREE * 1.01 + 1e-9
        for time_us, _, member_lat, member_lon, _ in self.members:
            if abs(member_lat - lat) > slack or abs(time_us - at_us) >= near.over_us:
                continue
            if distance_m((member_lon, member_lat), (lon, lat)) <= near.radius_m:
                return True
        return False


class NearWatch(Plain):
    """The kind `near`. Which cluster an event joins is decided before, in :mod:`ioc.rules.clusters`."""

    def begin(self, rule: Rule, at_us: int) -> Cluster:  # noqa: ARG002 - a kind's shape
        """Return a cluster that nobody is in yet."""
        return Cluster("", 0)

    def take(self, rule: Rule, state: KeyState, taken: Taken, tally: Tally) -> Facts | None:  # noqa: ARG002
        """Return what the cluster is, once its members are in."""
        state.head_us = max(state.head_us, taken.at_us)
        return self._left(rule, state, taken)

    def due(self, rule: Rule, state: KeyState) -> int | None:
        """Return when the oldest member leaves."""
        own = cluster_of(state)
        return own.members[0][0] + near_of(rule).over_us if own.members else None

    def end(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        """Let members leave."""
        return self.facts(rule, state, at_us)

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        """Return how many are left at ``at_us``."""
        state.head_us = max(state.head_us, at_us)
        return self._left(rule, state, None)

    def _left(self, rule: Rule, state: KeyState, taken: Taken | None) -> Facts:
        own = cluster_of(state)
        own.leave(state.head_us - near_of(rule).over_us)
        found = {"n": len(own.members), "devices": len({member[4] for member in own.members})}
        return placed(rule, state, None if taken is None else taken.values, found)

    def unpack(self, rule: Rule, packed: Any) -> Cluster:  # noqa: ARG002
        """Return what a snapshot kept."""
        own = Cluster(packed[0], packed[1])
        own.members = packed[2]
        return own

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        """Return the members, newest kept."""
        members = [{"at_us": at, "position": position, "lat": lat, "lon": lon, "device": device}
                   for at, position, lat, lon, device in cluster_of(state).members[-50:]]  # fmt: skip
        return {"kind": "near", "members": members, "radius_m": near_of(rule).radius_m,
                "over_s": near_of(rule).over_us / 1e6}  # fmt: skip


def near_of(rule: Rule) -> Near:
    """Return how near and how many."""
    assert type(rule.shape) is Near, "a near rule has its distance"
    return rule.shape


def cluster_of(state: KeyState) -> Cluster:
    """Return a key's cluster."""
    assert type(state.own) is Cluster, "a near key has its cluster"
    return state.own
