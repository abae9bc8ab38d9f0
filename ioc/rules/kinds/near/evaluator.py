"""Near: points that lie close to each other within a time. Each cluster is a key; its members leave one by one."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ioc.domain.alert import BEGUN, Transition
from ioc.domain.event import Event
from ioc.rules.kinds.near import clusters
from ioc.rules.kinds.near.cluster import Cluster, cluster_of, near_of, unpacked
from ioc.rules.language.rule import Rule
from ioc.rules.state.evaluator import KindEvaluator, Remainder, with_place
from ioc.rules.state.keys import chosen
from ioc.rules.state.memory import KeyState
from ioc.rules.state.observation import Facts, Observation, Sighting
from ioc.rules.state.step import FoldStep
from ioc.rules.state.tally import Tally


class NearEvaluator(KindEvaluator):
    """The kind `near`. Which cluster an event joins is decided before, in :mod:`ioc.rules.kinds.near.clusters`."""

    finds_keys = True

    def find(self, step: FoldStep, rule: Rule, event: Event, values: Mapping[str, Any]) -> Sighting | None:  # noqa: ARG002
        """Leave it open: clusters that become one are announced, each in its turn."""
        return Sighting(rule, "", None, step.effective_us)

    def show(self, step: FoldStep, rule: Rule, event: Event, values: Mapping[str, Any]) -> None:
        """Let an event with a point join its clusters, or begin one."""
        if chosen(step.memory, rule, values):
            clusters.joined(step, self, rule, event, values)

    def show_alert(
        self, step: FoldStep, rule: Rule, transition: Transition, values: dict[str, Any], log_us: int
    ) -> None:
        """Let an alert that has begun join the clusters of alerts near it."""
        if transition.kind in BEGUN and chosen(step.memory, rule, values):
            clusters.joined_by_alert(step, self, rule, transition, values, log_us)

    def begin(self, rule: Rule, at_us: int) -> Cluster:  # noqa: ARG002 - a kind's shape
        """Return a cluster that nobody is in yet."""
        return Cluster("", 0)

    def take(self, rule: Rule, state: KeyState, observation: Observation, tally: Tally) -> Facts | None:  # noqa: ARG002
        """Return what the cluster is, once its members are in."""
        state.head_us = max(state.head_us, observation.at_us)
        return self._left(rule, state, observation)

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

    def _left(self, rule: Rule, state: KeyState, observation: Observation | None) -> Facts:
        own = cluster_of(state)
        own.leave(state.head_us - near_of(rule).over_us)
        found = {"n": len(own.members), "devices": len({member[4] for member in own.members})}
        return with_place(rule, state, None if observation is None else observation.values, found)

    def do_without(
        self, step: FoldStep, rule: Rule, key: str, state: KeyState, gone: AbstractSet[int]  # noqa: ARG002
    ) -> Remainder | None:  # fmt: skip
        """Let the points leave that were taken back; what they had brought together stays one cluster."""
        own = cluster_of(state)
        rest = [member for member in own.members if member[1] not in gone]
        if len(rest) == len(own.members):
            return None
        own.members = rest
        return Remainder(bool(rest), rest[-1][0] if rest else None)

    def unpack(self, rule: Rule, packed: Any) -> Cluster:  # noqa: ARG002
        """Return what a snapshot kept."""
        return unpacked(packed)

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        """Return the members, newest kept."""
        members = [{"at_us": at, "position": position, "lat": lat, "lon": lon, "device": device}
                   for at, position, lat, lon, device in cluster_of(state).members[-50:]]  # fmt: skip
        return {"kind": "near", "members": members, "radius_m": near_of(rule).radius_m,
                "over_s": near_of(rule).over_us / 1e6}  # fmt: skip

    def is_over(self, state: KeyState) -> bool:
        """Tell whether a cluster has no members and no alert that fires."""
        return clusters.is_over(state)
