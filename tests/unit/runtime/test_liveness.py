"""A process beats only while every one of its working loops turns; who only waits for the database is not restarted."""

from __future__ import annotations

import os

import pytest

from ioc.runtime.liveness import Liveness


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def seconds(self) -> float:
        return self.now


@pytest.fixture
def heard():
    """A liveness on a pipe, its clock, and a function that tells how many bytes the supervisor has heard."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    os.set_blocking(theirs, False)
    clock = Clock()

    def count() -> int:
        try:
            return len(os.read(ours, 1 << 20))
        except BlockingIOError:
            return 0

    yield Liveness(clock.seconds, pipe=theirs), clock, count
    os.close(ours)
    os.close(theirs)


def test_a_loop_that_turns_is_heard_about_twice_a_second_however_fast_it_turns(heard):
    liveness, clock, count = heard
    loop = liveness.loop()
    for _ in range(10_000):
        clock.now += 0.001
        loop()
    assert 18 <= count() <= 21


def test_one_loop_that_hangs_is_not_hidden_by_the_others(heard):
    liveness, clock, count = heard
    works, hangs = liveness.loop(), liveness.loop()
    works()
    hangs()
    for _ in range(100):
        clock.now += 0.1
        works()
    assert count() <= 6, "for two seconds it may have been at work"
    assert liveness.turned_at == 100.0, "no beat goes to the database either"


def test_a_loop_that_waits_for_the_database_is_excused_to_the_supervisor_and_nobody_else(heard):
    liveness, clock, count = heard
    loop = liveness.loop()
    loop()
    count()
    clock.now += 10.0
    liveness.excuse(100.2)
    assert count() == 1
    assert liveness.turned_at == 100.0, "what it makes is old all the same"


def test_a_younger_use_of_the_database_excuses_nothing(heard):
    """The loop hangs, and something else in the process asks the database now and then."""
    liveness, clock, count = heard
    loop = liveness.loop()
    loop()
    count()
    clock.now += 10.0
    liveness.excuse(109.9)
    liveness.excuse(None)
    assert count() == 0


def test_a_supervisor_that_stands_still_blocks_nobody(heard):
    liveness, clock, count = heard
    loop = liveness.loop()
    for _ in range(200_000):
        clock.now += 1.0
        loop()
    assert count() > 0


def test_standing_by_is_told():
    liveness = Liveness(Clock().seconds)
    loop = liveness.loop()
    loop(working=False)
    assert not liveness.working
    loop()
    assert liveness.working
