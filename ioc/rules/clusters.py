"""Which cluster a point joins, and what becomes of clusters that meet (docs/rules.md, Near)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.domain.event import Event
from ioc.rules.folding import Folding
from ioc.rules.keys import key_of
from ioc.rules.memory import KeyState
from ioc.rules.rule import Rule
from ioc.rules.watch import Taken
from ioc.rules.watch_near import MEMBERS_MAX, cluster_of, near_of

MERGED = "merged"
"""Why the alert of a cluster ended that became part of another."""


def joined(fold: Folding, rule: Rule, event: Event, values: Mapping[str, Any], at_us: int) -> None:
    """Let an event with a point join its clusters, or begin one."""
    part = part_of(rule, event.key, values)
    if part is None:
        fold.memory.tally.no_data[rule.id] += 1
        return
    taken = Taken(fold.entry.position, at_us, event.feed, event.device, values)
    join(fold, rule, taken, part=part, name=f"c{fold.entry.position}", log_us=fold.log_us)


def part_of(rule: Rule, event_key: bytes, values: Mapping[str, Any]) -> str | None:
    """Return what keeps clusters of a rule apart: its `by`; empty without one, None where a part is missing."""
    return key_of(rule, event_key, values) if rule.by else ""


def join(fold: Folding, rule: Rule, taken: Taken, *, part: str, name: str, log_us: int) -> None:
    """Let a point join every cluster of its part that it is near to; several become one."""
    tally, near = fold.memory.tally, near_of(rule)
    lat, lon = taken.values.get("lat"), taken.values.get("lon")
    if lat is None or lon is None:
        tally.no_data[rule.id] += 1
        return
    states = fold.memory.keys.setdefault(rule.id, {})
    for state in states.values():
        fold.watch_of(rule, state)
    reached = [
        (key, state)
        for key, state in sorted(states.items())
        if cluster_of(state).part == part and cluster_of(state).reaches(near, at_us=taken.at_us, lat=lat, lon=lon)
    ]
    open_ones = [(key, state) for key, state in reached if state.head_us < taken.at_us + near.over_us]
    if reached and not open_ones:
        tally.late[rule.id] += 1
        return
    if sum(len(cluster_of(state).members) for state in states.values()) >= MEMBERS_MAX:
        tally.full[rule.id] += 1
        return
    if not open_ones:
        key = f"{part}|{name}" if part else name
        begun = fold.begin(rule, key, taken.at_us, feed=taken.feed, device=taken.device, log_us=log_us)
        if begun is None:
            return
        state = begun
        own = cluster_of(state)
        own.part, own.number = part, fold.memory.clusters.get(rule.id, 0) + 1
        fold.memory.clusters[rule.id] = own.number
    else:
        for key, state in open_ones:
            if state.due_log_us is not None:
                fold.advance(rule, key, state, limit_us=taken.at_us)
        key, state = min(open_ones, key=lambda pair: cluster_of(pair[1]).number)
        others = [pair for pair in open_ones if pair[1] is not state]
        if others:
            head_us = merge(fold, rule, state, others, at_us=taken.at_us)
            fold.advance(rule, key, state, limit_us=state.time_us)  # which may be another's now
            state.head_us = head_us
            fold.reschedule(rule, key, state)
    cluster_of(state).add([taken.at_us, taken.position, lat, lon, taken.device])
    # It is current whatever its age: a cluster's time is that of the newest that joined, and it is judged at its head.
    if taken.at_us < state.time_us:
        taken = Taken(taken.position, state.time_us, taken.feed, taken.device, taken.values)
    fold.take(rule, key, state, taken, log_us=log_us)
    if is_over(state):
        del states[key]


def merge(fold: Folding, rule: Rule, into: KeyState, others: list[tuple[str, KeyState]], *, at_us: int) -> int:
    """Let clusters become one: its members are theirs, its time is the highest, their alerts end.

    Return the instant at which it is evaluated next.
    """
    states = fold.memory.keys[rule.id]
    head_us = max([at_us, into.head_us, *(state.head_us for _, state in others)])
    for key, state in others:
        for member in cluster_of(state).members:
            cluster_of(into).add(member)
        if state.time_us > into.time_us:
            into.time_us, into.log_us = state.time_us, state.log_us
        # What is due later than what joins is not due yet, however late the entry is that shows both.
        fold.end_key(rule, key, state, MERGED, at_us=head_us, limit_us=at_us)
        del states[key]
    cluster_of(into).leave(into.head_us - near_of(rule).over_us)
    return head_us


def is_over(state: KeyState) -> bool:
    """Tell whether a cluster has no members and no alert that fires: nothing will ever ask for its key again."""
    own = cluster_of(state)
    return not own.members and (state.alert is None or not state.alert.firing)
