"""How things are with an open alert, kind by kind: newest value, peak since the opening, trend."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from ioc.domain.alert import AlertNow, Transition
from ioc.domain.event import Entry, EntryKind, Event, hash16
from ioc.domain.feed import Label
from ioc.rules.fold.alert_now import alert_now
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.language.rule import Worse, from_us
from ioc.rules.loading.main_measure import comparisons
from ioc.rules.state.alert_state import Now
from ioc.rules.state.memory import KeyState, Memory
from tests.unit.rules.builders import FEEDS, START, after, rule, rule_value

LIMIT = {"value": 10, "unit": "mm", "source": "x", "verified": False}
BAND: dict[str, Any] = {"clear": {"when": "value < 5"}}


@dataclass
class Fold:
    """One rule, folded reading by reading."""

    rules: RuleSet = field(default_factory=lambda: RuleSet(FEEDS, {"z": Label("Khu A", "Area A")}))
    memory: Memory = field(default_factory=Memory)
    position: int = 0
    moves: list[Transition] = field(default_factory=list)

    def enter(self, kind: EntryKind, at: datetime, **members: Any) -> None:
        self.position += 1
        self.moves += step(self.rules, self.memory, Entry(self.position, at, kind, **members))

    def rule(self, seconds: float = 0, **changes: Any) -> None:
        value = rule_value(**changes)
        self.enter(EntryKind.RULE, after(seconds), subject=value["body"]["rule"], value=value)

    def send(self, seconds: float, device: str = "m-1", late_seconds: float = 0, **data: Any) -> None:
        places = {name: data.pop(name) for name in ("zone", "lat", "lon") if name in data}
        at = after(seconds)
        key = hash16(str(self.position).encode())
        event = Event(feed="meter", device=device, key=key, effective=at - timedelta(seconds=late_seconds),
                      received_at=at, data=data, **places)  # fmt: skip
        self.enter(EntryKind.EVENT, at, event=event)

    def tick(self, seconds: float) -> None:
        self.enter(EntryKind.TICK, after(seconds))

    def state(self, identifier: str = "meter.level") -> KeyState:
        [state] = [state for state in self.memory.keys[identifier].values() if state.alert is not None]
        return state

    def now(self, identifier: str = "meter.level") -> Now | None:
        alert = self.state(identifier).alert
        assert alert is not None
        return alert.now

    def told(self, identifier: str = "meter.level") -> AlertNow:
        [key] = [key for key, state in self.memory.keys[identifier].items() if state.alert is not None]
        known = self.rules.rules[identifier]
        return alert_now(self.rules, self.memory, rule=known, key=key, state=self.state(identifier))


def seconds_of(at_us: int) -> float:
    return (from_us(at_us) - START).total_seconds()


def said(now: Now | None) -> tuple[Any, ...]:
    """(value, seconds, peak, its seconds, trend)"""
    assert now is not None
    peak_at = None if now.peak is None else seconds_of(now.peak_us)
    return now.value, seconds_of(now.time_us), now.peak, peak_at, now.trend


def test_the_value_follows_every_reading_and_the_peak_stays():
    fold = Fold()
    fold.rule(**BAND)
    for at, value in ((10, 12.0), (20, 189.5), (30, 189.5), (40, 6.0)):
        fold.send(at, value=value)
    assert said(fold.now()) == (6.0, 40, 189.5, 20, "falling")
    fold.send(50)
    assert said(fold.now()) == (6.0, 40, 189.5, 20, "falling"), "no data leaves the newest known value, with its age"
    fold.send(55, late_seconds=30, value=500.0)
    assert said(fold.now()) == (6.0, 40, 189.5, 20, "falling"), "a late reading is no current value"
    fold.send(60, value=1.0)
    assert [str(move.kind) for move in fold.moves] == ["opened", "cleared"]
    assert said(fold.now()) == (1.0, 60, 189.5, 20, "falling")
    fold.send(70, value=11.0)
    assert said(fold.now()) == (11.0, 70, 189.5, 20, "rising"), "the same alert, the same peak"


def test_an_alert_that_a_timer_opens_tells_the_reading_before_it():
    fold = Fold()
    fold.rule(levels=[{"severity": "low", "when": "value > 10", "for": "1m"}])
    fold.send(10, value=30.0)
    fold.send(50, value=12.0)
    fold.send(60, other=1.0)
    fold.tick(80)
    assert [str(move.kind) for move in fold.moves] == ["opened"]
    assert said(fold.now()) == (12.0, 50, 12.0, 50, "steady")
    assert fold.told().position == fold.position


@pytest.mark.parametrize(
    ("when", "values", "peak"),
    [("value < 10", (9.0, 4.0, 8.0), 4.0), ("value < 4 || value > 10", (11.0, 1.0, 13.5), 13.5),
     ("value < 4 || value > 10", (11.0, 0.5, 13.0), 0.5), ("100 < value", (101.0, 300.0, 200.0), 300.0)],
)  # fmt: skip
def test_the_peak_is_the_worst_in_the_direction_of_the_rule(when: str, values: tuple[float, ...], peak: float):
    fold = Fold()
    fold.rule(levels=[{"severity": "low", "when": when}])
    for number, value in enumerate(values):
        fold.send(10 * number + 10, value=value)
    assert (said(fold.now())[0], said(fold.now())[2]) == (values[-1], peak)


def test_noise_is_steady_and_a_move_by_the_tolerance_turns_the_trend():
    """A fifth of the way from 10 to the recovery at 5: one; what moves less for half an hour is steady."""
    fold = Fold()
    fold.rule(**BAND)
    trends = []
    for number, value in enumerate((20.0, 20.9, 19.2, 20.5, 21.0, 20.4, 20.1, 20.0, 20.5, 20.5)):
        fold.send(600 * number, value=value)
        trends.append(str(said(fold.now())[4]))
    assert trends == ["steady"] * 4 + ["rising"] * 2 + ["rising", "falling", "falling", "falling"]
    fold.send(600 * 10 + 1, value=20.9)
    assert said(fold.now())[4] == "steady"


def test_a_window_tells_what_is_left_of_it_and_the_age_of_its_newest_reading():
    fold = Fold()
    fold.rule(over="10m", measure={"total": {"sum": "value"}}, levels=[{"severity": "low", "when": "total > 10.0"}],
              clear={"when": "total < 1.0"}, summary={"vi": "{total}", "en": "{total}"})  # fmt: skip
    fold.send(0, value=8.0)
    fold.send(300, value=8.0)
    assert said(fold.now()) == (16.0, 300, 16.0, 300, "steady")
    fold.send(301, late_seconds=200, value=4.0)
    assert said(fold.now()) == (20.0, 300, 20.0, 300, "rising"), "a late reading is in its pane"
    fold.tick(650)
    assert said(fold.now()) == (12.0, 300, 20.0, 300, "falling"), "what left changed the value, not its age"


def test_changes_clusters_and_rules_over_alerts_tell_their_numbers():
    fold = Fold()
    fold.rule(rule="a.drop", delta="value", levels=[{"severity": "low", "when": "delta < -5.0"}], hold="1h",
              clear={"when": "delta > 0.0"}, summary={"vi": "x", "en": "x"}, limit={**LIMIT, "value": -5})  # fmt: skip
    fold.rule(rule="b.near", near={"radius": "300m", "over": "1h", "min": 2}, levels=[{"severity": "low"}],
              summary={"vi": "{n}", "en": "{n}"})  # fmt: skip
    fold.rule(rule="c.both", feed="alert", by=["zone"], where='rule in ["a.drop", "d.high"]',
              levels=[{"severity": "high", "when": "rules >= 1"}], summary={"vi": "x", "en": "x"})  # fmt: skip
    fold.rule(rule="d.high", levels=[{"severity": "low", "when": "value > 40"}])
    for at, value in ((10, 100.0), (20, 80.0), (30, 73.0)):
        fold.send(at, value=value, zone="z", lat=20.8, lon=105.3)
    assert said(fold.now("a.drop")) == (-7.0, 30, -20.0, 20, "rising")
    assert said(fold.now("b.near"))[:3] == (3, 30, 3)
    assert said(fold.now("c.both"))[:3] == (2, 20, 2)
    assert fold.told("c.both").headline == Label(
        "Mức cao · Khu vực Khu A · 2 · cao nhất đến nay", "High level · Area A zone · 2 · highest so far"
    ), "a zone is said to be one"
    told = fold.told("a.drop")
    assert told.now is not None
    assert told.now.text == Label("giảm 7 mm", "down 7 mm")
    assert told.headline.vi == "Mức cao · m-1 · giảm 7 mm · mạnh nhất giảm 20 mm lúc 05:00"


def test_one_that_is_over_says_its_peak_and_how_long_it_was_and_one_that_returned_how_things_are():
    fold = Fold()
    fold.rule(**BAND)
    for at, value in ((10, 12.0), (20, 189.5), (30, 1.0)):
        fold.send(at, value=value)
    over = fold.moves[-1].now
    assert over is not None
    assert over.closing == Label(
        "Mức cao · m-1 · cao nhất 189,5 cm lúc 05:00 · đã hết sau 20 giây",
        "High level · m-1 · highest 189.5 cm at 05:00 · over after 20 s",
    )
    assert fold.moves[-1].summary.vi == "Đã hết sau 20 giây: Mức cao, m-1, cao nhất 189,5 cm lúc 05:00, hiện 1 cm"
    assert fold.told().closing == over.closing, "written again after a take-over, it says the same"
    assert over.peak is not None
    assert over.peak.label == Label("cao nhất", "highest")
    fold.send(40, value=11.0)
    assert (fold.told().closing, fold.told().headline.vi) == (
        None,
        "Mức cao · m-1 · 11 cm · cao nhất 189,5 cm lúc 05:00",
    )


def test_what_was_over_at_once_has_no_zero_seconds_and_what_only_people_end_no_closing():
    fold = Fold()
    fold.rule(rule="a.low", levels=[{"severity": "low", "when": "value < 10"}], limit=LIMIT)
    fold.rule(rule="b.said", levels=[{"severity": "low", "when": "value < 10"}], ends="by_person",
              summary={"vi": "x", "en": "x"})  # fmt: skip
    fold.send(10, value=3.0)
    fold.send(10, value=30.0)
    [over] = [move.now for move in fold.moves if move.rule == "a.low" and move.now is not None]
    assert over.closing is not None
    assert over.closing.vi == "Mức cao · m-1 · thấp nhất 3 mm lúc 05:00 · đã hết"
    said = [move.now for move in fold.moves if move.rule == "b.said" and move.now is not None]
    assert [one.closing for one in said] == [None]


def test_silence_says_when_it_was_heard_last_and_yes_or_no_whether_it_goes_on():
    fold = Fold()
    fold.rule(rule="a.silent", absent="10m", levels=[{"severity": "low"}], summary={"vi": "x", "en": "x"})
    fold.rule(rule="b.down", levels=[{"severity": "low", "when": "up == false"}],
              clear={"when": "up == true", "for": "2m"}, summary={"vi": "x", "en": "x"})  # fmt: skip
    fold.send(10, up=False)
    assert fold.told("b.down").headline.vi == "Mức cao · m-1 · còn tiếp diễn"
    fold.send(40, up=True)
    told = fold.told("b.down")
    assert told.now is not None
    assert (told.now.value, told.peak, told.trend) == (True, None, None)
    assert told.headline == Label(
        "Mức cao · m-1 · đã dừng, chờ xác nhận hết", "High level · m-1 · stopped, not over yet"
    )
    fold.tick(700)
    [*_, over] = [move.now for move in fold.moves if move.rule == "b.down" and move.now is not None]
    assert over.closing is not None
    assert over.now is not None
    assert over.now.text == Label("đã dừng", "stopped"), "it is over: nobody waits for that any more"
    told = fold.told("a.silent")
    assert told.now is not None
    assert (told.now.value, told.now.time) == (None, after(40))
    assert told.headline.vi == "Mức cao · m-1 · tín hiệu cuối lúc 05:00 23/11"


def test_what_only_happened_has_no_now():
    fold = Fold()
    fold.rule(rule="a.chain", feed=None, sequence=[{"feed": "meter", "where": "value > 1.0"}, {"feed": "meter"}],
              within="1m", levels=[{"severity": "low"}], summary={"vi": "x", "en": "x"})  # fmt: skip
    fold.rule(rule="b.zone", enter={"circle": [105.3, 20.8], "radius": "100m"}, levels=[{"severity": "low"}],
              summary={"vi": "x", "en": "x"})  # fmt: skip
    for at in (10, 20):
        fold.send(at, value=2.0, lat=20.8, lon=105.3)
    for identifier in ("a.chain", "b.zone"):
        told = fold.told(identifier)
        assert (fold.now(identifier), told.now, told.peak, told.trend) == (None, None, None, None)
        assert told.headline.vi == "Mức cao · m-1"


def test_a_snapshot_restored_tells_the_same_and_one_from_before_knows_no_peak():
    fold = Fold()
    fold.rule(**BAND)
    for at, value in ((10, 12.0), (20, 30.0), (30, 20.0)):
        fold.send(at, value=value)
    before = fold.told()
    fold.memory = Memory.restore(fold.memory.snapshot())
    assert fold.told() == before
    alert = fold.state().alert
    assert alert is not None
    alert.now = None  # as it is taken over from a store whose readings are no longer kept
    assert fold.told().now is None
    fold.send(40, value=25.0)
    assert said(fold.now()) == (25.0, 40, None, None, "steady")


def test_an_edit_that_speaks_of_another_measure_begins_anew():
    fold = Fold()
    fold.rule(levels=[{"severity": "low", "when": "value > 10"}], summary={"vi": "{value} {other}", "en": "x"})
    fold.send(10, value=30.0, other=7.0)
    fold.send(20, value=12.0, other=8.0)
    fold.rule(30, levels=[{"severity": "low", "when": "other > 5 && value > 10"}],
              summary={"vi": "{value} {other}", "en": "x"})  # fmt: skip
    assert said(fold.now())[0] == 8.0
    assert said(fold.now())[2] == 8.0


def test_a_limit_that_is_passed_back_and_the_distance_to_the_next_one_are_said():
    fold = Fold()
    fold.rule(levels=[{"severity": "low", "when": "value > 10", "limit": LIMIT},
                      {"severity": "high", "when": "value > 20", "limit": {**LIMIT, "value": 20}}], **BAND)  # fmt: skip
    texts = []
    for at, value in ((10, 12.0), (20, 22.0), (30, 7.25)):
        fold.send(at, value=value)
        told = fold.told()
        assert told.now is not None
        texts.append((told.now.text.vi, told.now.text.en))
    assert texts == [
        ("12 mm", "12 mm"),
        ("22 mm", "22 mm"),
        ("7,2 mm, đã dưới ngưỡng 10 mm", "7.2 mm, now below 10 mm"),
    ]


@pytest.mark.parametrize(
    ("when", "main", "worse"),
    [("value > 10", "value", Worse.UP), ("value - other > 10", "other", Worse.UNKNOWN),
     ("value > 5.0 * other && count >= 20", "count", Worse.UP), ("5.0 < value", "value", Worse.UP),
     ("value == 3.0", "value", Worse.UNKNOWN), ("up == false", "up", Worse.UNKNOWN),
     ("value <= -3.5", "value", Worse.DOWN)],
)  # fmt: skip
def test_the_main_measure_is_what_stands_alone_in_a_comparison(when: str, main: str, worse: Worse):
    found = rule(levels=[{"severity": "low", "when": when}], summary={"vi": "x", "en": "x"}).main
    assert found is not None
    assert (found.name, found.worse) == (main, worse)


def test_a_condition_over_words_has_no_main_measure():
    found = rule(levels=[{"severity": "low", "when": 'word == "off"'}], summary={"vi": "x", "en": "x"})
    assert found.main is None
    assert comparisons(found.levels[0].when) == []
