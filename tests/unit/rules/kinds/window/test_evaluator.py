"""A window does without what a person took back; the engine and the independent evaluator agree."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

import pytest

from ioc.domain.alert import Transition
from ioc.domain.event import Entry, EntryKind, Event, hash16
from ioc.rules.aggregates.windows import BY_HAND_MAX, WindowState
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state.memory import Memory
from proof.evaluator.evaluation import evaluate
from proof.evaluator.rules import EPOCH
from tests.unit.rules.builders import FEEDS, after, rule_value

SUM = {"over": "10m", "measure": {"m": {"sum": "value"}}, "levels": [{"severity": "high", "when": "m > 10"}],
       "summary": {"vi": "{m}", "en": "{m}"}}  # fmt: skip


class Log:
    """A fold that is fed entry by entry, and what it was fed."""

    def __init__(self, **members: Any) -> None:
        self.rules, self.memory = RuleSet(FEEDS), Memory()
        self.entries: list[Entry] = []
        self.told: list[Transition] = []
        value = rule_value(**{**SUM, **members})
        self.enter(Entry(1, after(0), EntryKind.RULE, subject=value["body"]["rule"], value=value))

    def enter(self, entry: Entry) -> list[tuple[str, str]]:
        self.entries.append(entry)
        found = step(self.rules, self.memory, entry)
        self.told += found
        return [(str(one.kind), one.reason) for one in found]

    def send(self, seconds: float, value: float | None = None, *, made: float | None = None, by_hand: bool = True,
             **data: Any):  # fmt: skip
        position, effective = len(self.entries) + 1, after(seconds if made is None else made)
        said = {**({} if value is None else {"value": value}), **data}
        event = Event("meter", "d1", hash16(str(position).encode()), effective, after(seconds), said, effective,
                      door="manual" if by_hand else "mqtt")  # fmt: skip
        return self.enter(Entry(position, after(seconds), EntryKind.EVENT, event))

    def withdraw(self, seconds: float, *positions: int):
        event = Event("meter", "d1", hash16(b"w"), after(seconds), after(seconds), {"_withdrawn": list(positions)},
                      flags=("withdrawn",), revision=1, door="manual")  # fmt: skip
        return self.enter(Entry(len(self.entries) + 1, after(seconds), EntryKind.EVENT, event))

    def tick(self, seconds: float):
        return self.enter(Entry(len(self.entries) + 1, after(seconds), EntryKind.TICK))

    def window(self) -> WindowState:
        found = self.memory.keys["meter.level"]["d1"].kind_state
        assert isinstance(found, WindowState)
        return found


def test_a_sum_does_without_what_was_taken_back_and_its_alert_ends():
    log = Log()
    log.send(1, 4, by_hand=False)
    assert log.send(20, 40) == [("opened", "")]
    assert log.withdraw(30, 3) == [("cleared", "")]
    assert log.told[-1].at == after(30), "it is so from the withdrawal on"
    assert log.send(40, 7, by_hand=False) == [("reopened", "")], "4 and 7 are 11"


def test_extremes_are_those_of_the_others():
    log = Log(measure={"m": {"max": "value"}})
    log.send(1, 12, by_hand=False)
    log.send(2, 90)
    log.send(3, 50)
    log.withdraw(4, 3)
    assert log.memory.keys["meter.level"]["d1"].values == {"m": 50.0}
    log.withdraw(5, 4)
    assert log.memory.keys["meter.level"]["d1"].values == {"m": 12.0}
    assert log.window().others is None, "nothing is left that may be taken back"


def test_with_nothing_left_the_alert_ends_with_the_reason_and_the_key_is_forgotten():
    log = Log()
    assert log.send(1, 40) == [("opened", "")]
    assert log.withdraw(2, 2) == [("cleared", "withdrawn")]
    assert log.memory.keys["meter.level"] == {}


def test_what_a_device_sent_is_not_taken_back_and_what_has_left_the_window_changes_nothing():
    log = Log()
    log.send(1, 40, by_hand=False)
    assert log.withdraw(2, 2) == []
    log.send(3, 1)
    log.send(900, 1, by_hand=False)
    assert (log.window().by_hand, log.withdraw(901, 4)) == ([], [])


def test_the_condition_of_a_level_and_its_wait_begin_anew_from_the_withdrawal():
    log = Log(levels=[{"severity": "high", "when": "m < 10", "for": "1m"}])
    log.send(1, 4, by_hand=False)
    log.send(2, 40)
    assert log.withdraw(30, 3) == []
    assert log.tick(89) == []
    assert log.tick(91) == [("opened", "")]
    assert log.told[-1].at == after(90)


def test_a_snapshot_keeps_what_may_be_taken_back():
    log = Log()
    log.send(1, 4, by_hand=False)
    log.send(2, 40)
    kept = Memory.restore(log.memory.snapshot())
    assert kept.snapshot() == log.memory.snapshot()
    log.memory = kept
    assert log.withdraw(3, 3) == [("cleared", "")]
    assert Memory.restore(log.memory.snapshot()).snapshot() == log.memory.snapshot()


def test_at_the_bound_the_oldest_stays_for_good_and_is_counted():
    log = Log()
    for number in range(BY_HAND_MAX + 1):
        log.send(1 + number, 1)
    assert (len(log.window().by_hand), log.memory.tally.full["meter.level"]) == (BY_HAND_MAX, 1)
    log.withdraw(100, 2)
    assert log.memory.keys["meter.level"]["d1"].values == {"m": BY_HAND_MAX + 1.0}
    log.withdraw(101, 3)
    assert log.memory.keys["meter.level"]["d1"].values == {"m": BY_HAND_MAX + 0.0}


def moves(told: Any, instant: Callable[[Any], int]) -> list[tuple[Any, ...]]:
    return [(str(one.kind), str(one.severity), one.reason, one.key, instant(one)) for one in told]


AGGREGATES = ("sum", "avg", "min", "max", "last", "first", "count", "delta", "rise", "distinct", "p50")


@pytest.mark.parametrize("seed", range(80))
def test_the_independent_evaluator_says_the_same(seed):
    dice = random.Random(seed)
    named = dice.sample(AGGREGATES, 2)
    measure: dict[str, Any] = {f"m{number}": {name: "value"} for number, name in enumerate(named)}
    if dice.random() < 0.3:
        measure["m0"] |= {"per": "word", "take": "max"}
    if dice.random() < 0.3:
        measure["m1"]["where"] = "other > 3"
    log = Log(measure=measure, over=dice.choice(("1m", "5m")), clear=dice.choice((None, {"for": "20s"})),
              levels=[{"severity": "low", "when": "m0 > 5", "for": dice.choice(("0s", "15s"))},
                      {"severity": "high", "when": "m1 > 7 || m0 > 30"}],
              summary={"vi": "x", "en": "x"}, hold=dice.choice((None, "2m")))  # fmt: skip
    now, sent = 0.0, []
    for number in range(60):
        now += dice.choice((1, 7, 20, 60))
        if dice.random() < 0.75:
            made = now - dice.choice((0, 0, 0, 13, 90)) - number / 1_000  # no two are of one instant
            log.send(now, dice.randrange(20), made=made, by_hand=dice.random() < 0.6, other=dice.randrange(8),
                     word=dice.choice("ab"))  # fmt: skip
            sent.append(len(log.entries))
        elif sent:
            log.withdraw(now, *dice.sample(sent, min(len(sent), dice.choice((1, 1, 3)))))
        else:
            log.tick(now)
    log.tick(now + 900)
    assert moves(log.told, lambda one: (one.at - EPOCH) // timedelta(microseconds=1)) == moves(
        evaluate(log.entries, FEEDS, UTC), lambda one: one.at
    )
