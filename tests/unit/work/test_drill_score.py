"""The score of a drill: real seconds from when an alert was there to each step, and nothing is guessed at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ioc.work.drill_score import DrillAct, DrillAlert, score
from ioc.work.transitions import WorkAction

START = datetime(2026, 11, 24, 3, tzinfo=UTC)
TARGETS = {WorkAction.ACKNOWLEDGE: 60, WorkAction.CALL: 180, WorkAction.DISPATCH: 300}


def alert(number, *, after=0.0):
    title = {"vi": "Mưa", "en": "Rain"}
    return DrillAlert(f"al_{number}", f"HB-{number}", "rain.24h", title, "high", START + timedelta(seconds=after))


def act(number, action, after):
    return DrillAct(f"al_{number}", WorkAction(action), START + timedelta(seconds=after))


def test_each_step_counts_once_from_when_the_alert_was_there():
    found = score(
        [alert(1), alert(2, after=100)],
        [
            act(1, "acknowledge", 12), act(1, "call", 200), act(1, "call", 900),
            act(2, "acknowledge", 190), act(2, "dispatch", 190), act(2, "resolve", 400),
        ],
        TARGETS,
    )  # fmt: skip
    assert [row["seconds"] for row in found["alerts"]] == [
        {"receive": 12.0, "call": 200.0, "dispatch": None},
        {"receive": 90.0, "call": None, "dispatch": 90.0},
    ]
    assert found["steps"]["receive"] == {"of": 2, "done": 2, "met": 1, "median": 90.0}
    assert found["steps"]["call"] == {"of": 2, "done": 1, "met": 0, "median": 200.0}
    assert found["steps"]["dispatch"] == {"of": 2, "done": 1, "met": 1, "median": 90.0}


def test_what_somebody_wrote_is_no_step_whatever_it_begins_with():
    """Nor is what is no step of a drill; remarks that began with `Gọi:` once counted as calls."""
    made = [act(1, "comment", 5), act(1, "resolve", 6), act(1, "false-alarm", 7), act(1, "reopen", 8)]
    [row] = score([alert(1)], made, TARGETS)["alerts"]
    assert row["seconds"] == {"receive": None, "call": None, "dispatch": None}


def test_a_drill_that_nobody_handled_and_one_without_targets_have_a_score_too():
    assert score([alert(1)], [], TARGETS)["steps"]["receive"] == {"of": 1, "done": 0, "met": 0, "median": None}
    assert score([], [], {})["alerts"] == []
