"""What a window adds to evidence: its panes, and which part decided."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from ioc.domain.event import Entry, EntryKind, Event
from ioc.rules.aggregates.windows import PARTS_TOLD, WindowState
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.language.kinds import Window
from ioc.rules.state.memory import Memory
from tests.unit.rules.builders import FEEDS, START, rule, rule_entry

MINUTE_US = 60_000_000


def told(measure: dict[str, Any], *events: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """Return what a window of three panes of a minute says, once it has taken (minute, values)."""
    made = rule(over="180s", measure={"m": measure}, levels=[{"severity": "low", "when": "m > 1"}])
    assert type(made.spec) is Window
    window = Window(3 * MINUTE_US, MINUTE_US, 3, made.spec.measures)
    state = WindowState(window, UTC)
    for minute, values in events:
        state.add(window, minute, values, minute * MINUTE_US, head=minute)
    return state.told(window, events[-1][0])


def test_the_panes_of_a_mean_are_their_means_oldest_first_and_empty_ones_are_left_out():
    found = told({"avg": "value"}, (10, {"value": 1.0}), (10, {"value": 3.0}), (12, {"value": 5.0}))
    assert found == {"measure": "m", "pane_of": "mean", "panes": [
        {"at_us": 10 * MINUTE_US, "v": 2.0}, {"at_us": 12 * MINUTE_US, "v": 5.0}]}  # fmt: skip


def test_a_sum_and_a_count_are_told_as_such():
    assert told({"sum": "value"}, (10, {"value": 1.0}), (10, {"value": 3.0}))["panes"][0]["v"] == 4.0
    found = told({"count": True}, (10, {}), (10, {}))
    assert (found["pane_of"], found["panes"][0]["v"]) == ("count", 2)


def test_of_parts_the_one_that_decided_is_named_with_its_panes():
    events = [(10, {"word": name, "value": value}) for name, value in (("a", 1.0), ("b", 9.0), ("c", 5.0))]
    largest = told({"avg": "value", "per": "word", "take": "max"}, *events)
    assert (largest["part"], largest["per"], largest["panes"][0]["v"]) == ("b", "word", 9.0)
    assert [part["part"] for part in largest["parts"]] == ["b", "c", "a"]
    assert told({"avg": "value", "per": "word", "take": "min"}, *events)["part"] == "a"
    mean = told({"avg": "value", "per": "word", "take": "avg"}, *events)
    assert "part" not in mean
    assert "panes" not in mean


def test_parts_are_bounded_and_what_has_no_panes_says_nothing():
    events = [(10, {"word": f"{number}", "value": float(number)}) for number in range(30)]
    assert len(told({"avg": "value", "per": "word", "take": "sum"}, *events)["parts"]) == PARTS_TOLD
    assert told({"distinct": "word"}, *events) == {}
    assert told({"laeq": "value"}, *events) == {}, "energies are no levels"


@pytest.mark.parametrize(("valid_from", "cited"), [("2026-11-24", None), ("2026-11-23", 10.0), (None, 10.0)])
def test_evidence_cites_no_limit_before_the_day_from_which_it_is_valid(valid_from: str | None, cited: float | None):
    """The rule's own constant stands in the sentence then, and no law is named that was none yet."""
    limit = {"value": 10, "unit": "cm", "source": "QĐ", "verified": True}
    rules, memory = RuleSet(FEEDS), Memory()
    body = {"limit": limit if valid_from is None else {**limit, "valid_from": valid_from},
            "summary": {"vi": "Mức {value}, ngưỡng {limit}", "en": "Level {value}, limit {limit}"}}  # fmt: skip
    step(rules, memory, rule_entry(1, START, **body))
    event = Event("meter", "m-1", bytes(16), START, START, {"value": 20})
    [opened] = step(rules, memory, Entry(2, START, EntryKind.EVENT, event=event))
    assert (opened.evidence.limit.value if opened.evidence.limit else None) == cited
    assert opened.summary.vi == "Mức 20, ngưỡng 10"
