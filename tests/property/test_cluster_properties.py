"""Clusters are what a count of their own makes of the points: whoever is near enough to another, in whatever order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.event import Entry, EntryKind, Event, hash16
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.kinds.near import clusters
from ioc.rules.kinds.near.cluster import cluster_of
from ioc.rules.language.geometry import distance_m
from ioc.rules.state.memory import Memory
from tests.property.test_rules_properties import CHECK
from tests.unit.rules.builders import FEEDS, after, rule_entry

RADIUS_M, OVER_SECONDS = 300.0, 7_200
NEAR = {"rule": "n", "near": {"radius": "300m", "over": "2h", "min": 2}, "levels": [{"severity": "low"}],
        "summary": {"vi": "{n} tin", "en": "{n} readings"}}  # fmt: skip
Point = tuple[int, float, float]
"""(seconds, lat, lon); all within two hours, so that none has left"""
STEP_DEGREES = 0.0009
"""A hundred metres north; a point is near three of them to each side."""
points = st.lists(
    st.tuples(
        st.integers(0, OVER_SECONDS // 2 - 1),
        st.integers(0, 14).map(lambda steps: 20.8 + steps * STEP_DEGREES),
        st.sampled_from((105.3, 105.302, 105.31)),
    ),
    min_size=1,
    max_size=10,
)


def near(one: Point, other: Point) -> bool:
    return distance_m((one[2], one[1]), (other[2], other[1])) <= RADIUS_M and abs(one[0] - other[0]) < OVER_SECONDS


def counted(found: list[Point]) -> list[list[Point]]:
    """The groups of points that hang together, by walking from neighbour to neighbour."""
    left, groups = list(range(len(found))), []
    while left:
        group, edge = [], [left.pop()]
        while edge:
            number = edge.pop()
            group.append(number)
            reached = [other for other in left if near(found[number], found[other])]
            edge += reached
            left = [other for other in left if other not in reached]
        groups.append(sorted(found[number] for number in group))
    return sorted(groups)


def folded(found: list[Point], *, restored: bool = False) -> tuple[list[list[Point]], int]:
    """The clusters that the fold makes of the points, as they come; and how many alerts are open."""
    rules, memory = RuleSet(FEEDS), Memory()
    step(rules, memory, rule_entry(1, after(0), **NEAR))
    assert rules.refused == {}
    for position, (seconds, lat, lon) in enumerate(found, start=2):
        at, key = after(seconds), hash16(str(position).encode())
        event = Event(feed="meter", device=f"m-{position}", key=key, effective=at, received_at=at, data={"value": 1.0},
                      lat=lat, lon=lon)  # fmt: skip
        step(rules, memory, Entry(position, after(OVER_SECONDS // 2), EntryKind.EVENT, event=event))
        if restored:
            memory = Memory.restore(memory.snapshot())
    members = [cluster_of(state).members for state in memory.keys["n"].values()]
    groups = [
        sorted((round((at / 1e6) - after(0).timestamp()), lat, lon) for at, _, lat, lon, _ in of) for of in members
    ]
    return sorted(groups), len(memory.open_alerts())


@CHECK
@given(points, st.booleans())
def test_clusters_are_the_points_that_hang_together_in_whatever_order_they_come(found, restored):
    groups, alerts = folded(found, restored=restored)
    assert groups == counted(found)
    assert alerts == sum(len(group) >= 2 for group in groups), "what merged has one alert"


def test_the_law_catches_clusters_that_never_meet(monkeypatch):
    def made_one(step_, evaluator, rule, open_ones, *, at_us):
        del step_, evaluator, rule, at_us
        return open_ones[0]

    chain = [(0, 20.8, 105.3), (0, 20.8 + 5 * STEP_DEGREES, 105.3), (0, 20.8 + 2.5 * STEP_DEGREES, 105.3)]
    assert folded(chain)[0] == counted(chain)
    monkeypatch.setattr(clusters, "made_one", made_one)
    assert folded(chain)[0] != counted(chain)
