"""The worker in a drill: it ticks at due times and at no other, writes no gap, and answers only when all is folded."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from prometheus_client import CollectorRegistry

from ioc.domain.event import EntryKind
from ioc.rules.engine import RuleEngine
from ioc.runtime.clock import SteppedLogClock
from ioc.runtime.metrics import Metrics
from tests.unit.rules.builders import FEEDS, START, after, rule_value
from tests.unit.rules.fakes import FakeLog, FakeRows, FakeRuleStore

LEVELS = [{"severity": "medium", "when": "value > 10", "for": "600s"}]


class Board:
    """A conductor in this process: `settle` is a question and the wait for its answer."""

    def __init__(self):
        self.number, self.said, self.wake = 0, (0, None), asyncio.Event()

    def asked(self):
        return self.number

    def answer(self, number, due):
        self.said = (number, due)

    async def wait(self, timeout_seconds):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), min(timeout_seconds, 0.01))
        self.wake.clear()
        return True

    async def settle(self):
        self.number += 1
        self.wake.set()
        for _ in range(2_000):
            if self.said[0] == self.number:
                return self.said[1]
            await asyncio.sleep(0.001)
        pytest.fail("the engine did not answer")


class Drill:
    def __init__(self):
        self.log, self.rows, self.clock, self.board = FakeLog(), FakeRows(), SteppedLogClock(START), Board()
        value = rule_value(levels=LEVELS)
        self.log.append(EntryKind.RULE, START, subject=value["body"]["rule"], value=value)

    def send(self, second, value):
        self.clock.step_to(after(second))
        self.log.event(self.clock.now(), "m-1", {"value": value}, feed="meter")

    @contextlib.asynccontextmanager
    async def engine(self, *, conducted=True):
        engine = RuleEngine(
            reader=self.log, store=FakeRuleStore(self.rows, self.log), waiter=self.board, feeds=FEEDS, zones={},
            log_clock=self.clock, io_clock=StillClock(), metrics=Metrics(CollectorRegistry()), poll_seconds=0.01,
            snapshot_seconds=600, conductor=self.board if conducted else None,
        )  # fmt: skip
        task = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def timekeeping(self):
        return [(entry.kind, entry.log_time) for entry in self.log.entries if entry.kind in ("tick", "gap")]


class StillClock:
    def seconds(self):
        return 0.0


async def test_a_tick_comes_at_the_due_time_and_at_no_other_and_a_jump_is_no_gap():
    drill = Drill()
    async with drill.engine():
        assert await drill.board.settle() is None
        drill.send(100, 20)
        assert await drill.board.settle() == after(700)
        drill.clock.step_to(after(699))  # smooth steps on the way write nothing
        assert await drill.board.settle() == after(700)
        drill.clock.step_to(after(700))
        assert await drill.board.settle() is None
        drill.clock.step_to(after(90_000))
        assert await drill.board.settle() is None
    assert drill.timekeeping() == [(EntryKind.TICK, after(700))]
    assert [(str(made.kind), made.at) for made in drill.rows.transitions] == [("opened", after(700))]


async def test_without_a_conductor_the_same_jumps_are_gaps_of_our_own():
    """The control: the engine of a real instance, on a clock that somebody steps."""
    drill = Drill()
    async with drill.engine(conducted=False):
        drill.send(100, 20)
        for _ in range(500):
            await asyncio.sleep(0.002)
            if drill.timekeeping():
                break
        drill.clock.step_to(after(699))
        for _ in range(500):
            await asyncio.sleep(0.002)
            if len(drill.timekeeping()) > 1:
                break
    assert drill.timekeeping() == [(EntryKind.GAP, after(100)), (EntryKind.GAP, after(699))]


async def test_an_answer_covers_everything_that_was_in_the_log_when_it_was_asked_for():
    drill = Drill()
    async with drill.engine() as engine:
        for second in range(1, 40):
            drill.send(second, 20 if second % 2 else 5)
            await drill.board.settle()
            assert engine.position == len(drill.log.entries) == drill.rows.position
