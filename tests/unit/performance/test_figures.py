"""The figures of alert performance, on alerts whose figures can be counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ioc.domain.severity import Severity
from ioc.performance.figures import AlertFact, Times, grouped, handling, load, times
from ioc.performance.targets import FigureName, PerformanceTarget, TargetVerdict, measured, verdict

START = datetime(2026, 11, 22, tzinfo=UTC)
NOW = START + timedelta(days=7)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def fact(seen: float = 0, **members: Any) -> AlertFact:
    return AlertFact(**{
        "rule": "rain.1h", "domain": "disaster", "area": None, "severity": Severity.HIGH,
        "title": {"vi": "Mưa", "en": "Rain"}, "seen_at": at(seen), "received_at": None, "handled_at": None,
        "over_at": None, "announcements": 1, "chattering": False, "is_false": False, "retrospective": False, **members,
    })  # fmt: skip


def test_times_count_from_when_the_room_could_see_an_alert():
    found = handling(
        [
            fact(received_at=at(2), handled_at=at(30), over_at=at(20)),
            fact(received_at=at(4), handled_at=at(10), over_at=at(9), is_false=True),
            fact(received_at=at(12)),
            fact(over_at=at(50)),
            fact(),
            fact(received_at=at(900), handled_at=at(900), over_at=at(-600), retrospective=True),
        ],
        at(60),
    )
    assert (found.received.count, found.received.mean, found.received.median) == (3, 360.0, 240.0)
    assert (found.handled.count, found.handled.mean) == (2, 1200.0)
    assert (found.alerts, found.retrospective, found.waiting, found.returned_unreceived) == (6, 1, 1, 1)
    assert (found.ended, found.false_alarms, found.false_share) == (3, 1, 1 / 3)


def test_noise_is_what_returns_chatters_flees_or_stays():
    found = handling(
        [
            fact(announcements=4, chattering=True, over_at=at(5)),
            fact(over_at=at(0.5)),
            fact(over_at=at(0.5), received_at=at(0.2)),
            fact(over_at=at(24 * 60 + 1)),
            fact(over_at=at(24 * 60)),
            fact(),
        ],
        NOW,
    )
    assert (found.returned, found.chattering, found.fleeting, found.stale) == (1, 1, 1, 2)
    assert found.announcements == 9


def test_of_nothing_there_are_no_times_and_no_shares():
    found = handling([], NOW)
    assert (found.received, found.false_share) == (Times(0), None)
    asked = load([], {}, START, NOW)
    assert (asked.mean, asked.most, asked.most_at, asked.top_share) == (0.0, 0, None, None)
    told = {one.name: one.verdict for one in measured(asked, found)}
    assert told[FigureName.TOP_SHARE] is TargetVerdict.UNKNOWN
    assert told[FigureName.MEAN] is TargetVerdict.GOOD


def test_a_percentile_is_one_of_the_values_and_two_clocks_make_no_negative_time():
    found = times(timedelta(seconds=number) for number in range(-5, 100))
    assert (found.count, found.p95, found.median) == (105, 94.0, 47.0)
    assert times([timedelta(seconds=-3)]).mean == 0.0


def test_the_load_is_of_slots_of_ten_minutes_those_without_any_too():
    facts = [fact(rule=f"rule.{number}", announcements=number) for number in range(1, 13)]
    facts.append(fact(severity=Severity.CRITICAL, announcements=0))
    slots = {at(0): 11, at(10): 10, at(600): 30}
    asked = load(facts, slots, START, START + timedelta(days=1))
    assert (asked.announcements, asked.mean, asked.most, asked.most_at) == (51, 51 / 144, 30, at(600))
    assert asked.flood_share == 2 / 144, "ten are none yet"
    assert asked.top_share is None, "of 78 announcements ten rules made most in any case"
    busier = [fact(rule=f"rule.{number}", announcements=2 * number) for number in range(1, 13)]
    assert load(busier, slots, START, NOW).top_share == sum(range(3, 13)) / sum(range(1, 13))
    assert asked.severity_shares[Severity.CRITICAL] == 1 / 13


def test_groups_stand_by_how_often_they_were_announced():
    found = grouped([fact(area="a"), fact(area="b", announcements=3), fact(area="a"), fact()], "area")
    assert [(name, len(of_it)) for name, of_it in found.items()] == [("b", 1), ("a", 2), (None, 1)]


def test_a_verdict_says_how_a_value_stands_to_its_target():
    target = PerformanceTarget(1.0, 2.0)
    assert [verdict(value, target) for value in (1.0, 2.0, 2.1, None)] == [
        TargetVerdict.GOOD, TargetVerdict.FAIR, TargetVerdict.POOR, TargetVerdict.UNKNOWN,
    ]  # fmt: skip
