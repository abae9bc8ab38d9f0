"""Queues of the worker of a door's sessions: turns, and waits that are measured and told."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from ioc.ingest.mqtt.sessions.queues import MoveQueue, QueueStep, StepQueue, Waits
from ioc.runtime.metrics import Metrics


class HandClock:
    def __init__(self) -> None:
        self.at = 100.0

    def seconds(self) -> float:
        return self.at


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def metrics():
    return Metrics(CollectorRegistry())


@pytest.fixture
def waits(clock, metrics):
    return Waits(io_clock=clock, metrics=metrics)


def test_a_device_that_comes_and_goes_has_one_move_in_a_batch_and_then_waits_behind_the_others(waits):
    moves: MoveQueue[str] = MoveQueue(waits)
    for move in ("comes", "goes", "comes again"):
        moves.add("a", move)
    moves.add("b", "comes")
    moves.add("c", "comes")
    assert moves.batch(2) == {"a": "comes", "b": "comes"}
    moves.done(moves.batch(2))
    assert moves.batch(2) == {"c": "comes", "a": "goes"}
    moves.done(["c", "a"])
    assert (moves.batch(2), len(moves)) == ({"a": "comes again"}, 1)


def test_moves_that_will_not_be_made_are_taken_out(waits):
    moves: MoveQueue[list[int]] = MoveQueue(waits)
    first, second, third = [1], [2], [1]
    moves.add("a", first)
    moves.add("a", second)
    moves.add("b", third)
    moves.take_out([("a", first), ("b", third)])
    assert (moves.all(), len(moves)) == ([("a", second)], 1)


def test_pieces_stay_queued_until_they_are_done_wherever_they_stand(waits):
    queue: StepQueue[str] = StepQueue(QueueStep.GRANT, waits)
    for item in ("x", "y", "z"):
        queue.add(item)
    assert queue.batch(2) == queue.batch(2) == ["x", "y"]
    queue.done_some([queue.all()[1]])
    assert queue.all() == ["x", "z"]
    queue.done(1)
    assert queue.all() == ["z"]


def test_waits_are_measured_and_a_long_one_is_told_once_in_a_while(clock, metrics, waits):
    queue: StepQueue[str] = StepQueue(QueueStep.RECEIPT, waits)
    with capture_logs() as told:
        for seconds in (0.5, 3.0, 4.0, 12.0):
            queue.add("x")
            queue.add("y")
            clock.at += seconds
            queue.done(1)
            queue.done(1)
    assert [(one["event"], one["step"], one["waited_seconds"], one["waiting"]) for one in told] == [
        ("session_work_slow", "receipt", 3.0, 1),
        ("session_work_slow", "receipt", 12.0, 1),
    ]
    sample = metrics.registry.get_sample_value
    assert sample("ioc_mqtt_session_wait_seconds_count", {"step": "receipt"}) == 8
    assert sample("ioc_mqtt_session_wait_seconds_sum", {"step": "receipt"}) == 39
