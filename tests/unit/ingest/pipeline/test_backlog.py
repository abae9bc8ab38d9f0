"""What a backlog may send beside live traffic: by the engine's pace, in turn, never at the cost of live readings."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from ioc.domain.event import Flag
from ioc.errors import StoreUnavailableError
from ioc.ingest.pipeline import backlog as fairness
from ioc.ingest.pipeline.backlog import FLOOR_EVENTS, TURN_EVENTS, Lane, Share, share
from ioc.runtime.metrics import Metrics
from tests.builders import NOON, letter, message


@dataclass
class Pace:
    head: int = 0
    folded: int = 0
    events_per_second: float = 10_000.0


class Reader:
    def __init__(self, pace):
        self.pace = pace
        self.reads = 0
        self.away = False

    async def read(self):
        self.reads += 1
        if self.away:
            raise StoreUnavailableError("away")
        return self.pace


@dataclass
class Queue:
    rows: int = 0


@pytest.fixture(autouse=True)
def _polls_fast(monkeypatch):
    monkeypatch.setattr(fairness, "POLL_SECONDS", 0.005)


def note(the_share, lane, *, age_seconds, count=1, **others):
    events = [message(id=str(number), time=NOON - timedelta(seconds=age_seconds), **others) for number in range(count)]
    the_share.note(lane, events, NOON, "test")


def held(reader=None):
    return Share(reader or Reader(Pace()), Metrics(CollectorRegistry()))


@pytest.mark.parametrize(
    ("pace", "queued", "events"),
    [
        (Pace(head=100, folded=100), 0, 3_000),
        (Pace(head=1_100, folded=100), 0, 2_000),
        (Pace(head=1_100, folded=100), 400, 1_600),
        (Pace(head=9_100, folded=100), 0, FLOOR_EVENTS),
        (Pace(head=100, folded=100, events_per_second=0.0), 0, 300),
    ],
    ids=["idle", "the log waits", "and the queue", "live takes all", "no pace yet"],
)
def test_the_share_is_what_the_engine_folds_soon_less_what_waits_already(pace, queued, events):
    assert share(pace, queued) == events


def test_a_minute_old_is_live_and_older_is_a_backlog():
    lane, some = Lane(), held()
    marks = []
    for age_seconds in (60, 61, 1):
        note(some, lane, age_seconds=age_seconds)
        marks.append(lane.is_backlog)
    assert marks == [False, True, False], "who has caught up is live again"


def test_a_clock_that_cannot_be_trusted_makes_no_backlog():
    lane, some = Lane(), held()
    some.note(lane, [message(time=NOON.replace(year=1970))], NOON, "test")
    assert not lane.is_backlog, "a flood gauge with a reset clock must not be silent"


def test_imported_history_is_a_backlog_however_old_the_device_is():
    lane, some = Lane(), held()
    note(some, lane, age_seconds=86_400 * 400, flags=(Flag.HISTORY,), registered_at=NOON)
    assert lane.is_backlog, "years of records must not stand before a live reading"


def test_what_is_refused_says_nothing_of_age_but_costs_its_place():
    lane, some = Lane(), held()
    note(some, lane, age_seconds=600)
    lane.turn_left = 5
    some.note(lane, [letter()], NOON, "test")
    assert lane.is_backlog
    assert lane.turn_left == 4


def test_live_passes_whatever_backlogs_have_used_up():
    late, live, some = Lane(), Lane(), held()
    late.turn_left = 10_000
    note(some, late, age_seconds=600, count=1_000)
    assert not some.may_pass(late)
    assert some.may_pass(live)


def test_a_turn_ends_though_the_share_is_not_used_up():
    lane, some = Lane(), held()
    some._left = 10_000
    note(some, lane, age_seconds=600)
    lane.turn_left = TURN_EVENTS
    note(some, lane, age_seconds=600, count=TURN_EVENTS - 1)
    assert some.may_pass(lane)
    note(some, lane, age_seconds=600)
    assert not some.may_pass(lane)


def test_a_backlog_waits_while_this_process_has_enough_to_commit():
    lane, some, queue = Lane(), held(), Queue()
    some.attach(queue)
    some._left = 10_000
    for _ in range(50):
        some.committed(1_000, 0.25)  # 4,000 a second: a tenth of a second of it is 400
    note(some, lane, age_seconds=600)
    lane.turn_left = TURN_EVENTS
    passes = []
    for rows in (390, 410):
        queue.rows = rows
        passes.append(some.may_pass(lane))
    assert passes == [True, False]
    assert some.may_pass(Lane()), "live does not wait for that"


async def test_a_commit_wakes_who_waits_for_the_queue():
    lane, some, queue = Lane(), held(), Queue(rows=10_000)
    some.attach(queue)
    some._left = 10_000
    waiting = asyncio.create_task(some.take_turn(lane, seconds_max=5.0))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    queue.rows = 0
    some.committed(10_000, 1.0)
    assert await waiting


def test_without_an_engine_nothing_is_held():
    lane, some = Lane(), Share(None, Metrics(CollectorRegistry()))
    note(some, lane, age_seconds=600, count=100)
    assert some.may_pass(lane)


async def follow(some):
    return asyncio.create_task(some.follow())


async def test_who_waits_goes_on_when_the_engine_has_caught_up():
    reader = Reader(Pace(head=9_000, folded=0))
    some, lane = held(reader), Lane()
    following = await follow(some)
    note(some, lane, age_seconds=600, count=FLOOR_EVENTS)
    admitted = 0
    for _ in range(3):  # the floor, poll by poll
        assert await some.take_turn(lane, seconds_max=5.0)
        note(some, lane, age_seconds=600, count=FLOOR_EVENTS)
        admitted += FLOOR_EVENTS
    reader.pace = Pace(head=9_000, folded=9_000)
    async with asyncio.timeout(5):
        while admitted < 1_000:
            await some.wait()
            note(some, lane, age_seconds=600, count=100)
            admitted += 100
    following.cancel()


async def test_without_a_database_a_backlog_waits_and_is_told_so():
    reader = Reader(Pace())
    reader.away = True
    some, lane = held(reader), Lane()
    following = await follow(some)
    note(some, lane, age_seconds=600, count=FLOOR_EVENTS)
    assert not await some.take_turn(lane, seconds_max=0.1)
    reader.away = False
    assert await some.take_turn(lane, seconds_max=5.0)
    following.cancel()


async def test_nobody_waiting_costs_few_reads(monkeypatch):
    monkeypatch.setattr(fairness, "POLL_IDLE_SECONDS", 30.0)
    reader = Reader(Pace())
    following = await follow(held(reader))
    await asyncio.sleep(0.2)
    assert reader.reads <= 2
    following.cancel()
