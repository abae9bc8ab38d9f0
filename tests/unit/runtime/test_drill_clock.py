"""The clock of a drill: seen by every process that opens it, never back, and no half of an answer."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

import pytest

from ioc.errors import ServiceUnreachableError
from ioc.runtime.drill_clock import ANSWERED, DUE, DrillClock, clock_file

START = datetime(2005, 9, 1, tzinfo=UTC)


@pytest.fixture
def clock(tmp_path):
    return DrillClock.make(clock_file(tmp_path), START)


def test_every_process_that_opens_it_sees_a_step_and_none_sees_it_go_back(clock):
    other = DrillClock(clock.path)
    clock.step_to(START + timedelta(days=3, microseconds=1))
    clock.step_to(START)
    assert other.now() == clock.now() == START + timedelta(days=3, microseconds=1)


def test_it_outlives_its_processes(clock):
    clock.step_to(START + timedelta(hours=5))
    clock.speed = 2.5
    again = DrillClock.make(clock.path, START)
    assert (again.now(), again.speed) == (START + timedelta(hours=5), 2.5)


def test_an_answer_is_whole_or_none(clock):
    """A reader that sees the number of one answer with the due time of another must see nothing."""
    assert clock.answered() == (0, None)
    number = clock.ask()
    clock.answer(number, START + timedelta(minutes=30))
    assert DrillClock(clock.path).answered() == (1, START + timedelta(minutes=30))
    with clock.path.open("r+b") as file:
        file.seek(DUE)
        file.write(struct.pack("<q", 1))
    assert clock.answered() is None
    with clock.path.open("r+b") as file:
        file.seek(ANSWERED)
        file.write(struct.pack("<q", 7))
    assert clock.answered() is None
    clock.answer(clock.ask(), None)
    assert clock.answered() == (2, None)


def test_one_conductor_at_a_time(clock):
    other = DrillClock(clock.path)
    with clock.conducted(), pytest.raises(ServiceUnreachableError, match="played already"), other.conducted():
        pass
    with DrillClock(clock.path).conducted():
        pass


def test_a_missing_or_foreign_file_is_named(tmp_path):
    with pytest.raises(ServiceUnreachableError, match="no clock of a drill"):
        DrillClock(tmp_path / "drill-clock")
    (tmp_path / "drill-clock").write_bytes(bytes(4096))
    with pytest.raises(ServiceUnreachableError, match="not the clock"):
        DrillClock(tmp_path / "drill-clock")


def test_visitors_of_a_tour_steer_it_from_any_process(clock):
    """Nobody has wished for anything in a drill that was made before there were tours: its file has zeros there."""
    assert (clock.wished, clock.paused, clock.visited) == (None, False, None)
    other = DrillClock(clock.path)
    other.wished, other.paused, other.visited = 60.0, True, START
    assert (clock.wished, clock.paused, clock.visited) == (60.0, True, START)
    other.paused = False
    assert not clock.paused
