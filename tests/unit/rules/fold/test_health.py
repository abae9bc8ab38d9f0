"""What is told of how rules do: counts since the last telling, refusals, keys beyond their error budget."""

from __future__ import annotations

from typing import Any

import pytest

from ioc.domain.event import Entry, EntryKind
from ioc.domain.rules.health import MONITORED_AT_ONCE, RuleHealth
from ioc.rules.fold.health import HealthBook
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state.memory import Memory
from ioc.rules.state.tally import Tally
from tests.unit.rules.builders import FEEDS, after, rule_value
from tests.unit.rules.fakes import FakeLog

FAILING = "1 / count > 0"
"""Divides by zero where the reading says so."""


class Bench:
    """A fold with a book beside it."""

    def __init__(self) -> None:
        self.log, self.rules, self.memory, self.book = FakeLog(), RuleSet(FEEDS), Memory(), HealthBook()

    def fold(self, entry: Entry) -> None:
        transitions = step(self.rules, self.memory, entry)
        self.book.take(self.memory.tally, transitions, entry.log_time)
        self.memory.tally = Tally()

    def rule(self, second: int, *, version: int = 1, **changes: Any) -> None:
        value = {**rule_value(**changes), "version": version}
        self.fold(self.log.append(EntryKind.RULE, after(second), subject=value["body"]["rule"], value=value))

    def send(self, second: int, device: str = "m-1", **data: Any) -> None:
        self.fold(self.log.event(after(second), device, data, feed="meter"))

    def tell(self, second: int) -> dict[str, RuleHealth]:
        reports = self.book.reports(self.rules, self.memory, after(second))
        self.book.told(reports, self.rules.rules)
        return {report.rule: report for report in reports}


def test_a_rule_is_told_when_it_comes_into_force_and_then_when_it_counts_something():
    bench = Bench()
    bench.rule(0)
    (first,) = bench.tell(1).values()
    assert (first.rule, first.version, first.since, first.evaluated, first.turned) == (
        "meter.level",
        1,
        after(1),
        0,
        False,
    )
    assert bench.tell(2) == {}
    bench.send(3, value=20.0)
    bench.send(4, "m-2", value=5.0)
    bench.send(4, "m-2", other=5.0)
    told = bench.tell(5)["meter.level"]
    assert (told.evaluated, told.no_data, told.errors, told.keys) == (3, 1, 0, 2)
    assert (told.last_evaluated_at, told.last_transition_at) == (after(4), after(3))
    assert bench.tell(6) == {}, "what was told is not told again"


def test_a_new_version_is_told_also_when_it_counts_nothing():
    bench = Bench()
    bench.rule(0)
    bench.tell(1)
    bench.rule(2, version=2, levels=[{"severity": "medium", "when": "value > 11"}])
    assert bench.tell(3)["meter.level"].version == 2


def test_a_key_beyond_its_error_budget_is_told_and_people_hear_of_it_once():
    bench = Bench()
    bench.rule(0, levels=[{"severity": "medium", "when": FAILING}])
    bench.tell(0)
    for second in range(1, 6):
        bench.send(second, count=0)
        told = bench.tell(second)["meter.level"]
        assert (told.errors, told.degraded_keys, told.turned) == (1, int(second == 5), second == 5)
    for second in range(6, 26):
        bench.send(second, count=1)
        told = bench.tell(second)["meter.level"]
        assert (told.degraded_keys, told.turned) == (int(second < 21), second == 21), second


def test_a_form_that_cannot_be_loaded_is_told_with_the_reason_and_the_version_in_force():
    bench = Bench()
    bench.rule(0)
    bench.tell(0)
    bench.rule(1, version=2, feed="no_such_feed")
    told = bench.tell(2)["meter.level"]
    assert (told.version, told.turned) == (1, True)
    assert told.refused is not None
    assert "no feed 'no_such_feed'" in told.refused
    bench.rule(3, version=3)
    mended = bench.tell(4)["meter.level"]
    assert (mended.version, mended.refused, mended.turned) == (3, None, True)
    bench.rule(5, version=4, feed="no_such_feed")
    assert bench.tell(6)["meter.level"].refused
    bench.fold(bench.log.append(EntryKind.RULE, after(7), subject="meter.level", value=None))
    assert bench.tell(8) == {}, "a rule that is no more has no health"


def test_a_rule_that_never_could_be_loaded_is_told_without_a_version():
    bench = Bench()
    bench.rule(0, levels=[{"severity": "medium", "when": "vlaue > 1"}])
    told = bench.tell(1)["meter.level"]
    assert (told.version, told.keys) == (0, 0)
    assert "did you mean 'value'" in str(told.refused)


def test_a_shape_that_nobody_foresaw_refuses_one_rule_and_ends_nothing(monkeypatch: pytest.MonkeyPatch):
    bench = Bench()
    bench.rule(0)
    bench.tell(0)

    def mistaken(*_: object, **__: object) -> None:
        raise TypeError("unhashable type: 'list'")

    monkeypatch.setattr("ioc.rules.fold.ruleset.load_rule", mistaken)
    bench.rule(1, version=2)
    told = bench.tell(2)["meter.level"]
    assert (told.version, told.turned) == (1, True)
    assert "unhashable type" in str(told.refused)
    bench.send(3, value=20.0)
    assert bench.tell(4)["meter.level"].last_transition_at == after(3)


def test_what_a_monitored_rule_sees_is_kept_up_to_a_bound_and_counted_beyond_it():
    bench = Bench()
    bench.rule(0, mode="monitor")
    tally = bench.memory.tally
    entries = [bench.log.event(after(1), f"m-{number}", {"value": 20.0}, feed="meter") for number in range(260)]
    assert all(step(bench.rules, bench.memory, entry) == () for entry in entries)
    assert len(tally.watched) == MONITORED_AT_ONCE
    assert tally.monitored["meter.level"] == 260
    assert (tally.watched[0].rule, tally.watched[0].key, tally.watched[0].kind) == ("meter.level", "m-0", "opened")
    bench.book.take(tally, (), after(1))
    assert bench.tell(2)["meter.level"].last_transition_at == after(1)
