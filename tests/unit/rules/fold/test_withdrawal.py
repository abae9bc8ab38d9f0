"""What a person takes back: the key goes by what it knows without it, and its alert tells that."""

from __future__ import annotations

from typing import Any

from ioc.domain.event import Entry, EntryKind, Event, hash16
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state.memory import Memory
from tests.unit.rules.builders import FEEDS, after, rule_entry


class Log:
    """A fold that is fed entry by entry."""

    def __init__(self, **rule: Any) -> None:
        self.rules, self.memory, self.position = RuleSet(FEEDS), Memory(), 0
        self.enter(lambda position: rule_entry(position, after(0), **rule))

    def enter(self, make):
        self.position += 1
        return step(self.rules, self.memory, make(self.position))

    def event(self, seconds: float, *, at: float | None = None, revision: int = 0, flags: tuple[str, ...] = (), **data):
        effective = after(seconds if at is None else at)
        event = Event("meter", "d1", hash16(b"x"), effective, after(seconds), data, effective, flags=flags,
                      revision=revision, door="manual")  # fmt: skip
        return self.enter(lambda position: Entry(position, after(seconds), EntryKind.EVENT, event))

    def withdraw(self, seconds: float, position: int, *, at: float):
        return self.event(seconds, at=at, revision=1, flags=("withdrawn",), _withdrawn=[position])

    def state(self):
        return self.memory.keys["meter.level"]["d1"]


def told(transitions) -> list[tuple[str, str]]:
    return [(str(one.kind), one.reason) for one in transitions]


def test_an_alert_that_rests_on_nothing_else_ends_with_the_reason_and_its_key_is_forgotten():
    log = Log()
    assert told(log.event(10, value=500)) == [("opened", "")]
    assert told(log.withdraw(20, 2, at=10)) == [("cleared", "withdrawn")]
    assert log.memory.keys["meter.level"] == {}
    assert told(log.event(30, at=10, value=500)) == [("opened", "")], "entered anew it is a reading like any other"


def test_it_is_judged_by_the_newest_other_reading_which_may_let_it_go_on_end_or_begin():
    log = Log()
    log.event(10, value=12)
    log.event(20, value=500)
    assert told(log.withdraw(30, 3, at=20)) == [], "12 is above the limit too"
    state = log.state()
    assert (state.alert.now.value, state.alert.now.peak, state.values) == (12.0, 12.0, {"value": 12.0})

    log = Log()
    log.event(10, value=5)
    log.event(20, value=500)
    moves = log.withdraw(30, 3, at=20)
    assert told(moves) == [("cleared", "")]
    assert moves[0].at == after(30), "it was so until somebody said that it was not"
    assert log.memory.snapshot() == Memory.restore(log.memory.snapshot()).snapshot()

    log = Log()
    log.event(10, value=50)
    log.event(20, value=5)
    assert told(log.withdraw(30, 3, at=20)) == [("reopened", "")]


def test_a_value_that_only_the_reading_had_is_unknown_and_its_condition_false():
    log = Log(levels=[{"severity": "low", "when": "other > 5"}, {"severity": "high", "when": "value > 10"}])
    log.event(10, other=9)
    log.event(20, value=500)
    assert told(log.withdraw(30, 3, at=20)) == [("lowered", "")]
    assert log.state().values == {"other": 9.0}
    log.event(40, value=500)
    log.event(50, other=8)
    assert told(log.withdraw(60, 5, at=40)) == [("lowered", "")], "the key rests on it though it is not the newest"


def test_a_reading_that_nothing_rests_on_and_positions_that_nobody_has_change_nothing():
    log = Log()
    log.event(10, value=500)
    log.event(20, value=30)
    before = log.state().values
    assert told(log.withdraw(30, 2, at=10)) == []
    assert told(log.withdraw(30, 77, at=10)) == []
    assert log.state().values == before
    assert [item.position for item in log.state().readings] == [3]


DELTA = {"delta": "value", "levels": [{"severity": "low", "when": "delta > 5"}]}


def test_a_difference_is_made_anew_from_the_readings_that_are_left():
    log = Log(**DELTA)
    log.event(10, value=1)
    assert told(log.event(20, value=100)) == [("opened", "")]
    assert told(log.withdraw(30, 3, at=20)) == [("cleared", "")], "with one reading there is no difference"
    assert told(log.event(40, value=7)) == [("reopened", "")], "7 is held against 1, not against 100"

    log = Log(**DELTA)
    log.event(10, value=1)
    log.event(20, value=100)
    assert told(log.event(30, value=101)) == [("cleared", "")], "1 above the reading before"
    assert told(log.withdraw(40, 3, at=20)) == [("reopened", "")], "100 above the one that is left before it"
    assert log.state().alert.now.value == 100.0
    assert log.memory.snapshot() == Memory.restore(log.memory.snapshot()).snapshot()


def test_a_difference_of_which_no_reading_is_left_ends_with_the_reason():
    log = Log(**DELTA)
    log.event(10, value=1)
    log.event(20, value=100)
    log.withdraw(25, 2, at=10)
    assert told(log.withdraw(30, 3, at=20)) == []
    assert log.memory.keys["meter.level"] == {}


def registered(position: int) -> Entry:
    value = {"id": "d1", "feed": "meter", "state": "active", "critical": False, "extra": {}}
    return Entry(position, after(0), EntryKind.DEVICE, subject="d1", value=value)


def silent(at: float):
    return lambda position: Entry(position, after(at), EntryKind.TICK)


ABSENT = {"absent": "1m", "levels": [{"severity": "low"}]}


def test_a_silence_counts_from_the_newest_reading_that_is_left():
    log = Log(**ABSENT)
    log.enter(registered)
    log.enter(silent(1))
    log.event(10, value=1)
    for at in (10, 20, 30, 40, 50):
        log.enter(silent(at))
    log.event(50, value=1)
    for at in (55, 60, 65):
        log.enter(silent(at))
    assert told(log.withdraw(65, 10, at=50)) == [], "it was heard 55 seconds ago"
    assert told(log.enter(silent(69))) == []
    assert told(log.enter(silent(71))) == [("opened", "")]

    assert log.state().kind_state.silent is True
    log.event(72, value=1)
    log.enter(silent(73))
    [move] = log.withdraw(75, 17, at=72)
    assert (str(move.kind), move.at) == ("reopened", after(75)), "a silence that was ended by it is there again"


def test_a_device_of_which_nothing_was_heard_after_all_is_silent_as_if_nothing_had_been():
    log = Log(**ABSENT)
    log.enter(registered)
    log.event(50, value=1)
    log.enter(silent(55))
    log.withdraw(56, 3, at=50)
    assert told(log.enter(silent(61))) == [("opened", "")], "a minute after it was registered"
    log = Log(**ABSENT)
    log.event(50, value=1)
    log.withdraw(56, 2, at=50)
    assert log.memory.keys["meter.level"] == {}, "nobody expects a device that only the reading knew"


STEPS = {
    "feed": None,
    "sequence": [{"feed": "meter", "where": "value > 10"}, {"feed": "meter", "where": "up"}],
    "within": "10m",
    "levels": [{"severity": "low"}],
}


def test_a_sequence_is_as_far_as_the_events_have_led_that_are_left():
    log = Log(**STEPS)
    log.event(10, value=500)
    assert told(log.event(20, up=True)) == [("opened", "")]
    assert told(log.withdraw(30, 3, at=20)) == [("cleared", "")]
    assert told(log.event(40, up=True)) == [("reopened", "")], "the first step stands"

    log = Log(**STEPS)
    log.event(10, value=500)
    log.event(20, value=600)
    log.withdraw(30, 3, at=20)
    assert told(log.event(40, up=True)) == [("opened", "")], "the first step before it counts again"
    assert [link[1] for link in log.state().kind_state.now.done] == [2, 5]
    assert log.memory.snapshot() == Memory.restore(log.memory.snapshot()).snapshot()

    log = Log(**STEPS)
    log.event(10, value=500, up=True)
    log.event(20, up=True)
    log.withdraw(30, 3, at=20)
    assert told(log.withdraw(31, 2, at=10)) == []
    assert log.memory.keys["meter.level"] == {}


def spot(log: Log, seconds: float, lon: float):
    return log.enter(lambda position: Entry(position, after(seconds), EntryKind.EVENT, Event(
        "meter", "d1", hash16(str(position).encode()), after(seconds), after(seconds), {"value": 1.0}, after(seconds),
        door="manual", lon=lon, lat=20.8)))  # fmt: skip


def test_points_that_are_taken_back_leave_their_cluster_and_their_place():
    log = Log(near={"radius": "300m", "over": "10m", "min": 2}, levels=[{"severity": "low"}])
    spot(log, 10, 105.3)
    assert told(spot(log, 20, 105.301)) == [("opened", "")]
    assert told(log.withdraw(30, 3, at=20)) == [("cleared", "")]
    assert told(log.withdraw(31, 2, at=10)) == []
    assert log.memory.keys["meter.level"] == {}, "a cluster without points is none"

    log = Log(enter={"circle": [105.3, 20.8], "radius": "250m"}, levels=[{"severity": "low"}])
    spot(log, 10, 105.4)
    assert told(spot(log, 20, 105.3)) == [("opened", "")]
    assert told(log.withdraw(30, 3, at=20)) == [("cleared", "")]
    spot(log, 40, 105.3)
    assert told(log.withdraw(50, 2, at=10)) == [], "it is inside by its newest point"
    assert told(log.withdraw(60, 5, at=40)) == [("cleared", "withdrawn")]


def test_more_readings_than_are_kept_leave_what_they_made():
    log = Log(enter={"circle": [105.3, 20.8], "radius": "250m"}, levels=[{"severity": "low"}])
    spot(log, 1, 105.3)
    for number in range(20):
        spot(log, 10 + number, 105.3)
    state = log.state().kind_state
    assert (state.before, len(state.seen)) == (True, 20)
    log.withdraw(60, 2, at=1)
    assert (state.before, len(state.seen)) == (True, 20), "older than the newest twenty: it stays"
