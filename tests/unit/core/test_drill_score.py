"""The score of a drill: real seconds from when an alert was there to each step, and nothing is guessed at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ioc.domain.drill_score import DrillAct, DrillAlert, DrillStep, score, steps_of

START = datetime(2026, 11, 24, 3, tzinfo=UTC)
TARGETS = {DrillStep.RECEIVE: 60, DrillStep.CALL: 180, DrillStep.DISPATCH: 300}


def alert(number, *, after=0.0):
    title = {"vi": "Mưa", "en": "Rain"}
    return DrillAlert(f"al_{number}", f"HB-{number}", "rain.24h", title, "high", START + timedelta(seconds=after))


def act(number, action, after, text=None):
    return DrillAct(f"al_{number}", f"alert.{action}", text, START + timedelta(seconds=after))


def test_each_step_counts_once_from_when_the_alert_was_there():
    found = score(
        [alert(1), alert(2, after=100)],
        [
            act(1, "acknowledge", 12), act(1, "comment", 200, "Gọi: UBND phường"), act(1, "comment", 900, "Gọi: lại"),
            act(2, "acknowledge", 190, "Điều động: tổ 3"), act(2, "resolve", 400),
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


@pytest.mark.parametrize(
    ("action", "text", "steps"),
    [
        ("comment", "gọi: công an xã", {DrillStep.CALL}),
        ("comment", "go\u0323i: decomposed", {DrillStep.CALL}),
        ("comment", "Call: the ward", {DrillStep.CALL}),
        ("comment", "ĐIỀU ĐỘNG: đội cứu hộ", {DrillStep.DISPATCH}),
        ("comment", "đã gọi cho phường", set()),
        ("comment", None, set()),
        ("resolve", None, set()),
        ("acknowledge", "Gọi: trưởng ca", {DrillStep.RECEIVE, DrillStep.CALL}),
    ],
)
def test_a_remark_is_a_step_when_it_begins_by_saying_so(action, text, steps):
    assert steps_of(act(1, action, 0, text)) == steps


def test_a_drill_that_nobody_handled_and_one_without_targets_have_a_score_too():
    assert score([alert(1)], [], TARGETS)["steps"]["receive"] == {"of": 1, "done": 0, "met": 0, "median": None}
    assert score([], [], {})["alerts"] == []
