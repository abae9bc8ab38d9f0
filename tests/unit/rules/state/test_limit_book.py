"""Which limit of a table holds a level of a key, and that a snapshot loses none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ioc.domain.alert import Limit
from ioc.domain.event import Entry, EntryKind, Event, hash16
from ioc.errors import PackError
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state import limit_book
from ioc.rules.state.limit_book import LimitBook
from ioc.rules.state.memory import Memory
from tests.unit.rules.builders import FEEDS, START, after, rule, rule_entry

TABLE = {"levels": [{"severity": "medium", "when": "value > limit"}], "limit": {"table": "t"}}


def row(**changes):
    return {"name": "t", "device": "d1", "value": 5, "unit": "cm", "source": "QCVN", "verified": True, **changes}


def limit_entry(position, seconds, identifier, value):
    return Entry(position, after(seconds), EntryKind.LIMIT, subject=identifier, value=value)


def reading(position, seconds, value):
    now = after(seconds)
    event = Event("meter", "d1", hash16(f"{position}".encode()), now, now, {"value": value})
    return Entry(position, now, EntryKind.EVENT, event=event)


def test_an_alert_says_the_limit_that_it_was_held_against_also_once_the_table_has_another():
    """Its evidence names the permit of that reading, with its source; so does what it tells after a restart."""
    rules, memory = RuleSet(FEEDS), Memory()
    for entry in (
        rule_entry(1, START, **TABLE, clear={"for": "1h"}, summary={"vi": "{value} > {limit}", "en": "{value}"}),
        limit_entry(2, 1, "l", row(value=7.5, source="Giấy phép 12/GP", valid_from="2026-11-01")),
    ):
        assert step(rules, memory, entry) == ()
    (opened,) = step(rules, memory, reading(3, 2, 9))
    permit = Limit(7.5, "cm", "Giấy phép 12/GP", verified=True, valid_from="2026-11-01")
    assert opened.evidence.limit == permit
    assert opened.summary.vi == "9 > 7,5"
    assert step(rules, memory, reading(4, 3, 5)) == ()
    assert step(rules, memory, limit_entry(5, 4, "l", row(value=100))) == ()
    memory = Memory.restore(memory.snapshot())
    (cleared,) = step(rules, memory, Entry(6, after(3_700), EntryKind.TICK))
    assert (cleared.kind, cleared.evidence.limit) == ("cleared", permit)
    assert Memory.restore(memory.snapshot()).snapshot() == memory.snapshot()


def test_at_the_bound_one_more_is_not_taken_in_and_counted(monkeypatch):
    monkeypatch.setattr(limit_book, "LIMITS_MAX", 1)
    rules, memory = RuleSet(FEEDS), Memory()
    for position, identifier in enumerate(("a", "b", "a")):
        step(rules, memory, limit_entry(position, position, identifier, row(value=position)))
    assert {name: one["value"] for name, one in memory.limits.rows.items()} == {"a": 2}
    assert memory.tally.full["limits"] == 1
    step(rules, memory, limit_entry(4, 4, "a", None))
    assert memory.limits.rows == {}
    step(rules, memory, limit_entry(5, 5, "b", row()))
    assert list(memory.limits.rows) == ["b"]


def test_a_limit_that_moves_to_another_device_leaves_the_first():
    book = LimitBook({})
    made = rule(**TABLE)
    book.put("l", row())
    book.put("l", row(device="d2"))

    def of(device):
        at_us = int((START - START.fromtimestamp(0, START.tzinfo)) / timedelta(microseconds=1))
        found = book.limit(made, made.levels[0], at_us, device=device, area=None, zone=None)
        return found and found.value

    assert (of("d1"), of("d2")) == (None, 5.0)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"limit": {"table": "t"}}, "no clause compares"),
        ({**TABLE, "by": ["word"]}, "of no device, area or zone"),
        ({**TABLE, "limit": {"table": "T x"}}, "not a table"),
        ({**TABLE, "limit": {"table": "t", "value": 3}}, "a limit has value, unit, source"),
    ],
)
def test_a_table_that_could_never_say_anything_is_refused(changes, says):
    with pytest.raises(PackError, match=says):
        rule(**changes)


def test_which_way_is_worse_is_known_without_the_table():
    for when, worse in (("value > limit", "up"), ("value < limit", "down"), ("value < 3 || value > limit", "unknown")):
        assert rule(**{**TABLE, "levels": [{"severity": "low", "when": when}]}).main.worse == worse


@pytest.mark.parametrize(
    ("clear", "tolerance"), [("value < 40", 2.0), ("value < limit - 10.0", 2.0), ("value < limit * 0.9", 1.0)]
)
def test_a_trend_tolerates_a_fifth_of_the_way_to_a_band_that_is_written_from_the_limit(clear, tolerance):
    limit = {"table": "t", "value": 50, "unit": "cm", "source": "", "verified": False}
    made = rule(**{**TABLE, "limit": limit, "clear": {"when": clear}})
    assert made.main is not None
    assert made.main.tolerance == pytest.approx(tolerance)
