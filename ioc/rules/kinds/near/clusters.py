"""Which cluster a point joins, and what becomes of clusters that meet (docs/rules.md, Near)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.domain.alert import Transition
from ioc.domain.event import Event, hash16
from ioc.rules.kinds.near.cluster import MEMBERS_MAX, Cluster, cluster_of, near_of
from ioc.rules.language.kinds import ALERTS
from ioc.rules.language.rule import Rule, to_us
from ioc.rules.state import timers
from ioc.rules.state.evaluator import KindEvaluator
from ioc.rules.state.keys import key_of, new_key
from ioc.rules.state.memory import KeyState
from ioc.rules.state.observation import Observation
from ioc.rules.state.step import FoldStep

MERGED = "merged"
"""Why the alert of a cluster ended that became part of another."""


def joined(step: FoldStep, evaluator: KindEvaluator, rule: Rule, event: Event, values: Mapping[str, Any]) -> None:
    """Let an event with a point join its clusters, or begin one."""
    part = part_of(rule, event.key, values)
    if part is None:
        step.memory.tally.no_data[rule.id] += 1
        return
    observation = Observation(step.entry.position, step.effective_us, event.feed, event.device, values)
    join(step, evaluator, rule, observation, part=part, name=f"c{step.entry.position}", log_us=step.log_us)


def joined_by_alert(
    step: FoldStep, evaluator: KindEvaluator, rule: Rule, transition: Transition, values: dict[str, Any], log_us: int
) -> None:
    """Let an alert that has begun join the clusters of alerts near it."""
    part = part_of(rule, b"", values)
    if part is None:
        step.memory.tally.no_data[rule.id] += 1
        return
    at_us = to_us(transition.at)
    name = f"c{hash16(transition.rule.encode(), transition.key.encode(), str(at_us).encode()).hex()[:12]}"
    observation = Observation(step.entry.position, at_us, ALERTS, transition.device or transition.key, values)
    join(step, evaluator, rule, observation, part=part, name=name, log_us=log_us)


def part_of(rule: Rule, event_key: bytes, values: Mapping[str, Any]) -> str | None:
    """Return what keeps clusters of a rule apart: its `by`; empty without one, None where a part is missing."""
    return key_of(rule, event_key, values) if rule.by else ""


def join(
    step: FoldStep, evaluator: KindEvaluator, rule: Rule, observation: Observation, *, part: str, name: str, log_us: int
) -> None:
    """Let a point join every cluster of its part that it is near to; several become one.

    Worked through, in a rule of 300 m and 2 h. Before: cluster c7 (number 1) holds a point of 08:00, c9 (number 2) one
    of 08:30, 500 m away. A point of 09:00 comes that lies between them, 250 m from each. What is due of both by 09:00
    ends first; c9's alert ends (`merged`), and its key is gone. After: c7 holds the three, its time is 09:00, it is
    judged there with `n` 3, and its next timer is 10:00, when the point of 08:00 leaves. Had the point lain 400 m from
    each, it would be a cluster of its own, number 3.
    """
    tally, near = step.memory.tally, near_of(rule)
    lat, lon = observation.values.get("lat"), observation.values.get("lon")
    if lat is None or lon is None:
        tally.no_data[rule.id] += 1
        return
    states = step.memory.keys.setdefault(rule.id, {})
    reached = [
        (key, state)
        for key, state in sorted(states.items())
        if cluster_of(state).part == part and cluster_of(state).reaches(near, at_us=observation.at_us, lat=lat, lon=lon)
    ]
    open_ones = [(key, state) for key, state in reached if state.head_us < observation.at_us + near.over_us]
    if reached and not open_ones:
        tally.late[rule.id] += 1
        return
    if sum(len(cluster_of(state).members) for state in states.values()) >= MEMBERS_MAX:
        tally.full[rule.id] += 1
        return
    if open_ones:
        key, state = made_one(step, evaluator, rule, open_ones, at_us=observation.at_us)
    else:
        key = f"{part}|{name}" if part else name
        begun = begin(step, rule, key, observation, part=part, log_us=log_us)
        if begun is None:
            return
        state = begun
    cluster_of(state).add([observation.at_us, observation.position, lat, lon, observation.device])
    # A point older than the cluster's newest still counts as current: it has changed how many there are. So it is taken
    # in at the cluster's time.
    if observation.at_us < state.time_us:
        observation = Observation(
            observation.position, state.time_us, observation.feed, observation.device, observation.values
        )
    step.take(rule, key, state, observation, log_us=log_us)
    if is_over(state):
        del states[key]


def begin(step: FoldStep, rule: Rule, key: str, observation: Observation, *, part: str, log_us: int) -> KeyState | None:
    """Begin a cluster, with the rule's next number; None where the rule has no room for one more."""
    own = Cluster(part, step.memory.clusters.get(rule.id, 0) + 1)
    state = new_key(
        step, rule, key, observation.at_us, kind_state=own, feed=observation.feed, device=observation.device,
        log_us=log_us,
    )  # fmt: skip
    if state is not None:
        step.memory.clusters[rule.id] = own.number
    return state


def made_one(
    step: FoldStep, evaluator: KindEvaluator, rule: Rule, open_ones: list[tuple[str, KeyState]], *, at_us: int
) -> tuple[str, KeyState]:
    """Let the clusters that a point of ``at_us`` is near to become the one that began first, and return that."""
    for key, state in open_ones:
        if state.due_log_us is not None:
            step.advance(rule, key, state, limit_us=at_us)
    key, state = min(open_ones, key=lambda pair: cluster_of(pair[1]).number)
    others = [pair for pair in open_ones if pair[1] is not state]
    if others:
        head_us = merge(step, rule, state, others, at_us=at_us)
        step.advance(rule, key, state, limit_us=state.time_us)  # the time may be that of a cluster that was merged
        state.head_us = head_us
        timers.reschedule(step.memory, rule, key, state, evaluator)
    return key, state


def merge(step: FoldStep, rule: Rule, into: KeyState, others: list[tuple[str, KeyState]], *, at_us: int) -> int:
    """Let clusters become one: its members are theirs, its time is the highest, their alerts end.

    Return the instant at which it is evaluated next.
    """
    states = step.memory.keys[rule.id]
    head_us = max([at_us, into.head_us, *(state.head_us for _, state in others)])
    for key, state in others:
        for member in cluster_of(state).members:
            cluster_of(into).add(member)
        if state.time_us > into.time_us:
            into.time_us, into.log_us = state.time_us, state.log_us
        # If the entry comes late, timers between the point's time and the log's are open still: they are due after the
        # point. So only what is due by the point's own time ends before the cluster does.
        step.end_key(rule, key, state, MERGED, at_us=head_us, limit_us=at_us)
        del states[key]
    cluster_of(into).leave(into.head_us - near_of(rule).over_us)
    return head_us


def is_over(state: KeyState) -> bool:
    """Tell whether a cluster has no members and no alert that fires: nothing will ever ask for its key again."""
    own = cluster_of(state)
    return not own.members and (state.alert is None or not state.alert.firing)
