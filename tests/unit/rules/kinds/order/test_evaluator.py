"""Orders: what is measured against what was ordered for that hour; the engine and the independent evaluator agree."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ioc.domain.alert import Transition
from ioc.domain.event import Entry, EntryKind, Event, hash16
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.domain.moment import format_time
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.kinds.order.orders import ORDERS_MAX, Orders
from ioc.rules.language.members import RuleError
from ioc.rules.loading.loader import load_rule
from ioc.rules.state.memory import Memory
from proof.evaluator.evaluation import evaluate
from proof.evaluator.rules import EPOCH
from tests.unit.rules.builders import FEEDS, after, rule_body, rule_value

GATES = FeedSpec("gates", Label("Cửa", "Gates"), "test", {
    "open": FieldSpec("open", Label("mở", "open"), FieldType.INTEGER, unit="cửa"),
})  # fmt: skip
ORDER = FeedSpec("order", Label("Lệnh", "Orders"), "test", {
    name: FieldSpec(name, Label(name, name), kind)
    for name, kind in {
        "dam": FieldType.TEXT, "gate": FieldType.INTEGER, "action": FieldType.TEXT, "at": FieldType.TIME,
        "until": FieldType.TIME, "number": FieldType.TEXT,
    }.items()
})  # fmt: skip
ALL = {**FEEDS, "gates": GATES, "order": ORDER}
ORDERS = {"feed": "order", "device": "dam", "of": "gate", "at": "at", "until": "until", "number": "number",
          "on": 'action == "open"', "grace": "10m"}  # fmt: skip
MEMBERS: dict[str, Any] = {
    "feed": None, "measured": {"feed": "gates", "field": "open"}, "orders": ORDERS,
    "levels": [{"severity": "high"}], "summary": {"vi": "{measured}/{ordered}", "en": "{measured}/{ordered}"},
}  # fmt: skip
MINUTE = 60


class Log:
    """A fold that is fed entry by entry, and what it was fed."""

    def __init__(self, **members: Any) -> None:
        self.rules, self.memory = RuleSet(ALL), Memory()
        self.entries: list[Entry] = []
        self.told: list[Transition] = []
        value = rule_value(**{**MEMBERS, **members})
        self.enter(Entry(1, after(0), EntryKind.RULE, subject=value["body"]["rule"], value=value))

    def enter(self, entry: Entry) -> list[tuple[str, str, str]]:
        self.entries.append(entry)
        found = step(self.rules, self.memory, entry)
        self.told += found
        return [(str(one.kind), one.summary.en, one.reason) for one in found]

    def event(self, seconds: float, feed: str, device: str, *, made: float | None = None, key: str = "",
              revision: int = 0, flags: tuple[str, ...] = (), **data: Any):  # fmt: skip
        position = len(self.entries) + 1
        effective = after(seconds if made is None else made)
        name = hash16((key or str(position)).encode())
        event = Event(
            feed,
            device,
            name,
            effective,
            after(seconds),
            data,
            effective,
            flags=flags,
            revision=revision,
            door="manual",
        )
        return self.enter(Entry(position, after(seconds), EntryKind.EVENT, event))

    def measure(self, seconds: float, number: int, **how: Any):
        return self.event(seconds, "gates", "dam-1", open=number, **how)

    def order(self, seconds: float, gate: int, hour: float, action: str = "open", *, until: float | None = None,
              key: str = "", revision: int = 0):  # fmt: skip
        data: dict[str, Any] = {"dam": "dam-1", "gate": gate, "action": action, "at": format_time(after(hour))}
        if until is not None:
            data["until"] = format_time(after(until))
        return self.event(seconds, "order", "desk", key=key, revision=revision, number=f"{gate}/CĐ", **data)

    def withdraw(self, seconds: float, feed: str, position: int):
        return self.event(seconds, feed, "desk", revision=1, flags=("withdrawn",), _withdrawn=[position])

    def details(self):
        return self.told[-1].evidence.details


def test_in_the_grace_either_is_right_and_after_it_both_figures_are_told():
    log = Log()
    assert log.measure(1, 0) == []
    log.order(2, 3, hour=60)
    assert log.measure(59, 0) == []
    assert log.measure(65, 0) == [], "the gate may take ten minutes"
    assert log.measure(70, 1) == []
    assert log.measure(60 + 10 * MINUTE, 0) == [("opened", "0/1", "")]
    assert log.details()["orders"] == [
        {"at": after(60).isoformat(), "position": 3, "of": "3", "on": True, "number": "3/CĐ"}
    ]
    assert [one[0] for one in log.measure(700, 1)] == ["cleared"]


def test_a_gate_that_opens_without_an_order_is_told_and_before_its_hour_an_order_permits_nothing():
    log = Log()
    assert log.measure(1, 1) == [("opened", "1/0", "")]
    assert log.order(2, 3, hour=60) == []
    assert log.measure(61, 1) == [("cleared", "Over after 1 min: High level, dam-1, now 1 gate", "")]


def test_an_order_whose_validity_is_over_permits_nothing_more():
    log = Log()
    log.order(1, 3, hour=10, until=1_000)
    assert log.measure(1_599, 1) == [], "it ended within the grace"
    assert log.measure(1_601, 1) == [("opened", "1/0", "")]


def test_an_order_that_says_another_hour_replaces_its_older_revision():
    log = Log()
    log.order(1, 3, hour=10, key="o")
    log.order(2, 3, hour=5_000, key="o", revision=1)
    assert log.measure(1_000, 1) == [("opened", "1/0", "")]


def test_an_order_that_is_taken_back_counts_no_more_and_one_that_nothing_else_rests_on_ends_the_key():
    log = Log()
    log.order(1, 3, hour=10)
    assert log.measure(700, 0) == [("opened", "0/1", "")]
    assert [one[0] for one in log.withdraw(701, "order", 2)] == ["cleared"]
    alone = Log()
    alone.measure(1, 1)
    assert [(one[0], one[2]) for one in alone.withdraw(2, "gates", 2)] == [("cleared", "withdrawn")]
    assert alone.memory.keys["meter.level"] == {}


def test_a_measure_that_is_taken_back_leaves_the_one_before():
    log = Log()
    log.measure(1, 0)
    assert log.measure(20, 2) == [("opened", "2/0", "")]
    assert [one[0] for one in log.withdraw(21, "gates", 3)] == ["cleared"]


def test_an_order_makes_no_measure_late_that_was_under_way():
    log = Log()
    log.measure(1, 0)
    log.order(50, 3, hour=5_000)
    assert [one[0] for one in log.measure(51, 2, made=49)] == ["opened"]


def test_at_the_bound_the_order_of_the_earliest_hour_is_forgotten_and_counted():
    log = Log()
    for number in range(ORDERS_MAX + 2):
        log.order(1 + number, number, hour=1_000 + number)
    own = log.memory.keys["meter.level"]["dam-1"].kind_state
    assert isinstance(own, Orders)
    assert len(own.given) == ORDERS_MAX
    assert min(one.of for one in own.given.values()) == "10"
    assert log.memory.tally.full["meter.level"] == 2


def test_a_snapshot_keeps_orders_and_measure():
    log = Log()
    log.order(1, 3, hour=10, until=9_000)
    log.measure(2, 0)
    kept = Memory.restore(log.memory.snapshot())
    assert kept.snapshot() == log.memory.snapshot()
    log.memory = kept
    assert log.measure(700, 0) == [("opened", "0/1", "")]


@pytest.mark.parametrize(("changes", "path"), [
    ({"where": "open > 1"}, "where"),
    ({"by": ["zone"]}, "by"),
    ({"hold": "1h"}, "hold"),
    ({"measured": {"feed": "gates", "field": "shut"}}, "measured.field"),
    ({"orders": {**ORDERS, "at": "number"}}, "orders.at"),
    ({"orders": {**ORDERS, "feed": "none"}}, "feed"),
    ({"orders": {**ORDERS, "on": "open"}}, "orders.on"),
    ({"orders": {**ORDERS, "grace": "25h"}}, "orders.grace"),
    ({"orders": {name: value for name, value in ORDERS.items() if name != "device"}}, "orders"),
])  # fmt: skip
def test_what_is_wrong_is_said_by_its_member(changes, path):
    with pytest.raises(RuleError) as told:
        load_rule(rule_body(**{**MEMBERS, **changes}), feeds=ALL, hash="h", version=1)
    assert told.value.path == path


def moves(told: Any, instant: Callable[[Any], int]) -> list[tuple[Any, ...]]:
    return [(str(one.kind), str(one.severity), one.reason, one.key, instant(one)) for one in told]


@pytest.mark.parametrize("seed", range(60))
def test_the_independent_evaluator_says_the_same(seed):
    dice = random.Random(seed)
    log = Log(clear=dice.choice((None, {"for": "3m"})), levels=[{"severity": "high", "for": dice.choice(("0s", "2m"))}])
    sent: list[tuple[str, int]] = []
    now = 0.0
    for _ in range(40):
        now += dice.choice((1, 30, 120, 400))
        what = dice.random()
        if what < 0.5:
            log.measure(now, dice.randrange(3), made=now - dice.choice((0, 0, 0, 5, 300)))
            sent.append(("gates", len(log.entries)))
        elif what < 0.85:
            hour, until = now + dice.choice((-300, 0, 60, 900)), dice.choice((None, None, now + 1_500))
            key = dice.choice("abcdef")
            log.order(now, dice.randrange(3), hour, dice.choice(("open", "open", "close")), until=until, key=key)
            sent.append(("order", len(log.entries)))
        elif sent:
            log.withdraw(now, *sent.pop(dice.randrange(len(sent))))
    log.enter(Entry(len(log.entries) + 1, after(now + 3_600), EntryKind.TICK))
    assert moves(log.told, lambda one: (one.at - EPOCH) // timedelta(microseconds=1)) == moves(
        evaluate(log.entries, ALL, UTC), lambda one: one.at
    )


def test_the_histories_move_alerts_in_every_way():
    kinds = set()
    for seed in range(40):
        dice, log = random.Random(seed), Log()
        for number in range(30):
            log.measure(number * 500, dice.randrange(3))
            log.order(number * 500 + 1, dice.randrange(3), number * 500 + 2, dice.choice(("open", "close")))
        kinds |= {str(one.kind) for one in log.told}
    assert {"opened", "cleared"} <= kinds
    assert datetime(2026, 11, 23, tzinfo=UTC) < log.told[0].at
