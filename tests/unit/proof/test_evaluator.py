"""The independent evaluator against examples that were worked out by hand from docs/rules.md, section by section.

They were written before it met the engine. Seconds count from noon of a Monday in Hòa Bình.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ioc.packs.loader import load_pack
from ioc.rules.loading.loader import load_rule
from proof.checkers.alerts import refold, work_out
from proof.evaluator.evaluation import evaluate
from proof.evaluator.log_state import ExpectedTransition
from proof.evaluator.rules import EPOCH, read_rule
from proof.histories.history import FEEDS, START, ZONE, Item, entries_of
from proof.histories.random_history import random_history
from proof.scenarios.rules.rules_reference import comparable, engine_transitions

LOW = {"severity": "low", "when": "value > 10"}
HIGH = {"severity": "high", "when": "value > 20"}
Story = list[tuple[Any, ...]]


def rule(name: str = "r", at: float = 0, **members: Any) -> Item:
    feed = {} if "sequence" in members else {"feed": "meter"}
    return Item(at, "rule", (name, {**feed, "levels": [LOW], **members}))


def send(at: float, value: Any = None, **members: Any) -> Item:
    return Item(at, "send", {**({} if value is None else {"value": value}), **members})


def device(at: float, name: str = "d1", **members: Any) -> Item:
    return Item(at, "device", (name, members))


def ticks(*at: float) -> list[Item]:
    return [Item(second, "tick") for second in at]


def seconds(told: ExpectedTransition) -> float:
    return (EPOCH + timedelta(microseconds=told.at) - START).total_seconds()


def story(*history: Item | list[Item]) -> list[ExpectedTransition]:
    listed = [one for item in history for one in (item if isinstance(item, list) else [item])]
    return evaluate(entries_of(listed), FEEDS, ZONE)


def moves(told: list[ExpectedTransition]) -> Story:
    return [(one.kind, one.severity, seconds(one)) for one in told]


def with_reason(told: list[ExpectedTransition]) -> Story:
    return [(one.kind, one.severity, seconds(one), one.reason) for one in told]


EXAMPLES: dict[str, tuple[list[Item], Story]] = {}


def example(name: str, expected: Story, *history: Item | list[Item]) -> None:
    assert name not in EXAMPLES
    EXAMPLES[name] = ([one for item in history for one in (item if isinstance(item, list) else [item])], expected)


SLOW = [{**LOW, "for": "60s"}]

example("a level without `for` opens at its reading and clears with the first that is below",
        [("opened", "low", 1), ("cleared", "low", 3)], rule(), send(1, 11), send(2, 12), send(3, 10))  # fmt: skip
example("a level lives at since + for, though the tick comes later", [("opened", "low", 61)],
        rule(levels=SLOW), send(1, 11), ticks(60, 75))  # fmt: skip
example("`for` ends at the very instant of the reading that would have ended it: it fires and clears",
        [("opened", "low", 61), ("cleared", "low", 61)], rule(levels=SLOW), send(1, 11), send(61, 5))  # fmt: skip
example("a second before that, nothing fires", [], rule(levels=SLOW), send(1, 11), send(60, 5), ticks(200))
example("a late reading is no current value", [], rule(), send(10, 5), send(11, 15, time=-5), ticks(60))
example("a reading of the same instant is current", [("opened", "low", 10)], rule(), send(10, 5), send(12, 15, time=-2))
example("an hour of backlog does not fire a `for` that the next reading ends", [],
        rule(levels=SLOW), send(0, 11, time=-3_600), send(0, 5, time=-3_560), ticks(0, 10))  # fmt: skip
example("a key's time goes on with the log from its newest reading", [("opened", "low", -3_540)],
        rule(levels=SLOW), send(0, 11, time=-3_600), ticks(59, 60))  # fmt: skip
example("no data leaves a condition as it was", [("opened", "low", 61)], rule(levels=SLOW), send(1, 11), send(30),
        ticks(61))  # fmt: skip
example("levels run by themselves and the alert shows the highest that lives",
        [("opened", "low", 1), ("raised", "high", 2), ("lowered", "low", 33), ("cleared", "low", 40)],
        rule(levels=[LOW, HIGH], clear={"for": "30s"}), send(1, 11), send(2, 21), send(3, 15), ticks(33), send(10, 5),
        ticks(40))  # fmt: skip
example("a level that is false for less than clear.for lives on", [("opened", "low", 1)],
        rule(clear={"for": "30s"}), send(1, 11), send(5, 5), send(34, 11), ticks(100))  # fmt: skip
example("without a living level the alert stays until the band is held",
        [("opened", "low", 1), ("cleared", "low", 50)], rule(clear={"when": "value < 8", "for": "30s"}), send(1, 11),
        send(5, 9), ticks(36), send(20, 7), ticks(49, 50))  # fmt: skip
example("back within refire, to the very second, it is the same alert",
        [("opened", "low", 1), ("cleared", "low", 2), ("reopened", "low", 302)], rule(), send(1, 11), send(2, 5),
        send(302, 11))  # fmt: skip
example("a second later it is a new one", [("opened", "low", 1), ("cleared", "low", 2), ("opened", "low", 303)],
        rule(), send(1, 11), send(2, 5), send(303, 11))  # fmt: skip
example("a hold ends what nobody renews", [("opened", "low", 1), ("cleared", "low", 61)],
        rule(hold="60s"), send(1, 11), ticks(60, 61))  # fmt: skip
example("outside its hours nothing counts, and a period's end ends it",
        [("opened", "low", 0), ("cleared", "low", 3_600)], rule(active={"hours": "08:00-13:00"}), send(0, 11),
        ticks(3_600), send(3_700, 12), ticks(4_000))  # fmt: skip
example("when a period begins, the newest reading counts from there on", [("opened", "low", 3_660)],
        rule(active={"hours": "13:00-14:00"}, levels=SLOW), send(0, 11), ticks(3_600, 3_660))  # fmt: skip
example("a holiday is left out", [], Item(0, "calendar", ["2026-11-23"]), rule(active={"holidays": "exclude"}),
        send(0, 11), ticks(60))  # fmt: skip

TABLE: dict[str, Any] = {"levels": [{"severity": "low", "when": "value > limit"}], "limit": {"table": "t"}}
example("without a limit that is valid there is no data", [], rule(**TABLE), send(1, 99))
example(
    "the limit of a device holds for its readings alone",
    [("opened", "low", 2)],
    rule(**TABLE),
    Item(0, "limit", ("l", {"device": "d2", "value": 9})),
    send(1, 10),
    send(2, 10, device="d2"),
)
example(
    "a limit that comes changes nothing before the next reading",
    [("opened", "low", 1), ("cleared", "low", 3)],
    rule(**{**TABLE, "limit": {"table": "t", "value": 9, "unit": "", "source": "", "verified": False}}),
    send(1, 10),
    Item(2, "limit", ("l", {"device": "d1", "value": 11})),
    send(3, 10),
)
example(
    "the limit of a device goes before that of its class, and that before its area's",
    [("opened", "low", 1), ("cleared", "low", 3), ("reopened", "low", 5)],
    rule(**TABLE),
    device(0, device_class="k"),
    Item(0, "limit", ("a", {"area": "a1", "value": 5})),
    send(1, 10, area="a1"),
    Item(2, "limit", ("b", {"class": "k", "value": 12})),
    send(3, 10, area="a1"),
    Item(4, "limit", ("c", {"device": "d1", "value": 8})),
    send(5, 10, area="a1"),
)
example(
    "a limit is valid from its first local day to its last one",
    [("opened", "low", 43_200), ("cleared", "low", 129_600)],
    rule(**TABLE),
    Item(0, "limit", ("l", {"device": "d1", "value": 5, "valid_from": "2026-11-24", "valid_to": "2026-11-24"})),
    Item(0, "limit", ("m", {"area": "z", "value": 50})),
    *(send(second, 10, zone="z") for second in (43_199, 43_200, 129_599, 129_600)),
)
example(
    "the newest that is valid counts, one for the very level first",
    [("opened", "low", 1), ("raised", "high", 3)],
    rule(
        levels=[{"severity": "low", "when": "value > limit"}, {"severity": "high", "when": "value > limit"}],
        limit={"table": "t"},
    ),
    Item(0, "limit", ("a", {"device": "d1", "value": 5, "valid_from": "2026-11-01"})),
    Item(0, "limit", ("b", {"device": "d1", "value": 50, "valid_from": "2026-10-01"})),
    Item(0, "limit", ("c", {"device": "d1", "value": 20, "level": "high"})),
    send(1, 10),
    send(2, 20),
    send(3, 21),
)
example(
    "the key of a zone has the limit of the zone, whichever device speaks",
    [("opened", "low", 2)],
    rule(**TABLE, by=["zone"]),
    Item(0, "limit", ("l", {"device": "d1", "value": 1})),
    Item(0, "limit", ("m", {"area": "z", "value": 9})),
    send(1, 8, zone="z"),
    send(2, 10, zone="z"),
)

WINDOW: dict[str, Any] = {"over": "10m", "measure": {"m": {"sum": "value"}},
          "levels": [{"severity": "low", "when": "m >= 10"}]}  # fmt: skip
example("a pane leaves when pane + P begins", [("opened", "low", 5), ("cleared", "low", 600)],
        rule(**{**WINDOW, "measure": {"m": {"count": True}}, "levels": [{"severity": "low", "when": "m > 0"}]}),
        send(5, 10), ticks(599, 600))  # fmt: skip
example("an empty sum is no data and leaves the condition as it was", [("opened", "low", 5)], rule(**WINDOW),
        send(5, 10), ticks(599, 600))  # fmt: skip
example("a late event enters the pane that is still there, at the head", [("opened", "low", 900)],
        rule(**WINDOW), send(900, 4), send(901, 6, time=-591), ticks(902))  # fmt: skip
example("a late event whose pane has left is lost", [], rule(**WINDOW), send(900, 4), send(901, 6, time=-602),
        ticks(902))  # fmt: skip
example("the largest of the devices' sums", [("opened", "low", 2)],
        rule(**{**WINDOW, "by": ["zone"], "measure": {"m": {"sum": "value", "per": "device", "take": "max"}}}),
        send(0, 9, zone="z"), send(1, 9, zone="z", device="d2"), send(2, 1, zone="z", device="d2"))  # fmt: skip
example("a change is against the reading before that had the field", [("opened", "low", 30), ("cleared", "low", 40)],
        rule(delta="value", levels=[{"severity": "low", "when": "delta > 5"}]), send(10, 1), send(20, other=1),
        send(30, 7), send(40, 8))  # fmt: skip
example("a rate is per hour, and has no data where no time has passed", [("opened", "low", 60)],
        rule(rate="value", levels=[{"severity": "low", "when": "rate >= 600"}]), send(30, 1), send(30, 99),
        send(60, 104))  # fmt: skip

SILENT: dict[str, Any] = {"absent": "60s", "levels": [{"severity": "low"}, {"severity": "high", "for": "30s"}]}
example("a device that was never heard is silent from its registration on",
        [("opened", "low", 62), ("raised", "high", 92), ("cleared", "high", 95)], rule(**SILENT), device(2),
        ticks(*range(3, 95, 5)), send(95, 1), ticks(96))  # fmt: skip
example("silences that fell due in a gap begin anew after it", [("opened", "low", 160)],
        rule(**{**SILENT, "levels": [{"severity": "low"}]}), device(0), ticks(10, 20), Item(100, "gap"),
        ticks(110, 159, 160))  # fmt: skip
example("nothing was ever silent if it is heard before the gap's entry", [("opened", "low", 155)],
        rule(**{**SILENT, "levels": [{"severity": "low"}]}), device(0), ticks(10, 20), send(95, 1), Item(100, "gap"),
        ticks(110, 154, 155))  # fmt: skip
example("a device in maintenance is not expected", [("opened", "low", 60), ("cleared", "low", 70)],
        rule(**{**SILENT, "levels": [{"severity": "low"}]}), device(0), ticks(55, 60), device(70, state="maintenance"),
        ticks(75, 200))  # fmt: skip

example(
    "heard before the gap's entry by a clock that is ahead, nothing was ever silent", [],
    rule(**{**SILENT, "levels": [{"severity": "low"}]}), device(0), send(5, 1), Item(10, "gap"), send(25, 1, time=50),
    Item(30, "gap"), ticks(31),
)  # fmt: skip

STEPS: dict[str, Any] = {
    "sequence": [{"feed": "meter", "where": "value > 10"}, {"feed": "gauge", "where": "value > 10"}],
    "within": "60s", "levels": [{"severity": "low"}],
}  # fmt: skip
example("a chain of two within a minute, and its hold", [("opened", "low", 70), ("cleared", "low", 130)],
        rule(**STEPS), send(1, 11), send(10, 11),
        send(70, 11, feed="gauge"), ticks(129, 130))  # fmt: skip
example("a chain that takes a second too long", [],
        rule(**STEPS), send(9, 11),
        send(70, 11, feed="gauge"), ticks(130))  # fmt: skip

NEAR: dict[str, Any] = {"near": {"radius": "300m", "over": "60s", "min": 2}, "levels": [{"severity": "low"}]}
example("two points within 300 m, until one leaves", [("opened", "low", 30), ("cleared", "low", 60)],
        rule(**NEAR), send(0, 1, lat=20.8, lon=105.3), send(30, 1, lat=20.802, lon=105.3, device="d2"),
        ticks(59, 60))  # fmt: skip
example("a third point makes two clusters one", [("opened", "low", 20)],
        rule(**{**NEAR, "near": {"radius": "300m", "over": "60s", "min": 3}}), send(0, 1, lat=20.8, lon=105.3),
        send(10, 1, lat=20.805, lon=105.3), send(20, 1, lat=20.8025, lon=105.3))  # fmt: skip
example("inside a circle, between, and outside of its margin",
        [("opened", "low", 1), ("cleared", "low", 3)],
        rule(enter={"circle": [105.3, 20.8], "radius": "300m", "margin": "100m"}, levels=[{"severity": "low"}]),
        send(0, lat=20.9, lon=105.3), send(1, lat=20.801, lon=105.3), send(2, lat=20.8032, lon=105.3),
        send(3, lat=20.804, lon=105.3))  # fmt: skip
example("two conditions at once, and one of them only monitored",
        [("opened", "low", 1), ("opened", "high", 2), ("cleared", "high", 3)],
        rule("a"), rule("b", levels=[{"severity": "low", "when": "other > 1"}], mode="monitor"),
        rule("c", feed="alert", levels=[{"severity": "high", "when": "firing >= 2"}]), send(1, 11), send(2, other=2),
        send(3, other=0))  # fmt: skip
example("a rule that goes takes its alerts with it", [("opened", "low", 1), ("cleared", "low", 5)],
        rule(), send(1, 11), Item(5, "remove", "r"), send(6, 11))  # fmt: skip
example("a level that is written anew counts from the edit on", [("opened", "low", 1), ("cleared", "low", 5)],
        rule(), send(1, 11), rule(at=5, levels=[{"severity": "low", "when": "value > 12"}]))  # fmt: skip
example("levels that stay keep their wait", [("opened", "low", 61)], rule(levels=SLOW), send(1, 11),
        rule(at=30, levels=[*SLOW, HIGH]), ticks(61))  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name):
    history, expected = EXAMPLES[name]
    assert moves(story(history)) == expected


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_engine_says_the_same(name):
    history, _ = EXAMPLES[name]
    assert comparable(engine_transitions(history)) == comparable(story(*history))


def test_a_stored_log_is_worked_out_as_it_is_folded():
    for seed in range(12):
        entries = entries_of(random_history(seed))
        assert work_out(entries, FEEDS, ZONE) == refold(entries, FEEDS, ZONE)


def test_every_rule_of_the_pack_is_read_as_the_engine_reads_it():
    pack = load_pack("hoabinh")
    for made in pack.rules:
        engine = load_rule(made.body, feeds=pack.feeds, hash="h", version=1, zone=pack.zone)
        found = read_rule(made.body, pack.feeds)
        assert (found.id, found.kind, found.feeds, found.by) == (engine.id, engine.kind, engine.feeds, engine.by)
        assert (found.hold, found.refire, found.clear_for) == (engine.hold_us, engine.refire_us, engine.clear.for_us)
        assert [(one.severity, one.wait) for one in found.levels] == [
            (one.severity, one.for_us) for one in engine.levels
        ]
        assert found.live_micros == engine.live_age_us_max


def test_there_are_thirty_examples():
    assert len(EXAMPLES) >= 30


def test_more_than_five_reopenings_in_ten_minutes_are_chattering_but_a_rise_is_not():
    flips = [send(10 * number, 11 if number % 2 else 5) for number in range(1, 15)]
    told = story(rule(levels=[LOW, HIGH]), flips, send(150, 11), send(151, 25))
    assert [one.labels for one in told if one.kind == "reopened"] == [()] * 5 + [("chattering",)] * 2
    assert (told[-1].kind, told[-1].labels) == ("raised", ())


def test_what_is_older_than_live_within_is_retrospective_until_a_live_reading_says_the_same():
    told = story(rule(), send(0, 11, time=-901), send(1, 11))
    assert [(one.kind, one.retrospective, one.reason) for one in told] == [
        ("opened", True, ""), ("raised", False, "still_holds"),
    ]  # fmt: skip


def test_reasons_are_given():
    told = story(rule(hold="60s"), send(1, 11), ticks(61))
    assert with_reason(told)[-1] == ("cleared", "low", 61, "hold_over")
    told = story(rule(), send(1, 11), rule(at=5, by=["device", "feed"]))
    assert with_reason(told)[-1] == ("cleared", "low", 5, "rule_changed")
    told = story(rule(), device(0), send(1, 11), device(5, state="retired"))
    assert with_reason(told)[-1] == ("cleared", "low", 5, "device_removed")


def test_five_failures_in_twenty_readings_are_a_label():
    body: dict[str, Any] = {"levels": [{"severity": "low", "when": "10 / count > 2"}], "clear": {"when": "value < 1.0"}}
    told = story(rule(**body), [send(number, 5, count=0) for number in range(1, 6)], send(9, 5, count=2))
    assert [(one.kind, one.labels) for one in told] == [("opened", ("degraded",))]
