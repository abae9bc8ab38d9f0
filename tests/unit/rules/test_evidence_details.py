"""What a window adds to evidence: its panes, and which part decided."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from ioc.rules.kinds import Window
from ioc.rules.windows import PARTS_TOLD, WindowState
from tests.unit.rules.builders import rule

MINUTE_US = 60_000_000


def told(measure: dict[str, Any], *events: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """Return what a window of three panes of a minute says, once it has taken (minute, values)."""
    made = rule(over="180s", measure={"m": measure}, levels=[{"severity": "low", "when": "m > 1"}])
    assert type(made.shape) is Window
    window = Window(3 * MINUTE_US, MINUTE_US, 3, made.shape.measures)
    state = WindowState(window, UTC)
    for minute, values in events:
        state.add(window, minute, values, minute * MINUTE_US)
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
