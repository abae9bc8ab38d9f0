"""What a cluster is: its members, oldest first."""

from __future__ import annotations

from bisect import insort
from typing import Any

from ioc.rules.kinds.near.spec import Near
from ioc.rules.language.geometry import METRES_A_DEGREE, distance_m
from ioc.rules.language.rule import Rule
from ioc.rules.state.memory import KeyState, PackedState

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


def near_of(rule: Rule) -> Near:
    """Return how near and how many."""
    assert type(rule.spec) is Near, "a near rule has its distance"
    return rule.spec


def cluster_of(state: KeyState) -> Cluster:
    """Return a key's cluster."""
    kept = state.kind_state
    if type(kept) is PackedState:
        kept = state.kind_state = unpacked(kept.data)
    assert type(kept) is Cluster, "a near key has its cluster"
    return kept


def unpacked(packed: Any) -> Cluster:
    """Return what a snapshot kept."""
    own = Cluster(packed[0], packed[1])
    own.members = packed[2]
    return own
