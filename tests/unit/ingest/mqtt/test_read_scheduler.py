"""Who reads next: everybody in turn, nobody twice, and nobody who has gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine

import pytest
from prometheus_client import CollectorRegistry

from ioc.ingest.mqtt import read_scheduler
from ioc.ingest.mqtt.ports import Pause
from ioc.ingest.mqtt.read_scheduler import MESSAGE_BYTES, SLICE_BYTES, ReadScheduler
from ioc.ingest.pipeline.backlog import Lane, Share
from ioc.runtime.metrics import Metrics


class FakeReader:
    """A connection that sends ``left`` messages, one for each time that it may."""

    def __init__(self, name: str, order: list[str], scheduler: ReadScheduler, left: int = 1) -> None:
        self.name, self.order, self.left = name, order, left
        self.lane = Lane()
        self.scheduler = scheduler
        self.paused: set[Pause] = set()

    def pause(self, reason: Pause) -> None:
        self.paused.add(reason)

    def resume(self, reason: Pause) -> None:
        if reason in self.paused:
            self.paused.discard(reason)
            self.read()

    def read(self) -> None:
        """Read until something is in the way, as a connection does."""
        while self.left:
            reason = self.scheduler.obstacle(self, 100)
            if reason is not None:
                self.pause(reason)
                self.scheduler.wait(self, reason)
                return
            self.left -= 1
            self.order.append(self.name)


class FakeRoom:
    """An intake whose room the test makes."""

    def __init__(self, metrics: Metrics) -> None:
        self.share = Share(None, metrics)
        self.left = 1_000_000
        self.changed = asyncio.Event()

    @property
    def has_room(self) -> bool:
        return self.left > 0

    async def wait_for_room(self) -> None:
        while not self.has_room:
            self.changed.clear()
            await self.changed.wait()

    def open(self) -> None:
        self.left = 1_000_000
        self.changed.set()


class Bench:
    """A scheduler with its room and tasks."""

    def __init__(self) -> None:
        self.metrics = Metrics(CollectorRegistry())
        self.room = FakeRoom(self.metrics)
        self.tasks: list[asyncio.Task[None]] = []
        self.scheduler = ReadScheduler(room=self.room, metrics=self.metrics, spawn=self.spawn)
        self.order: list[str] = []

    def spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work, name=name))

    def reader(self, name: str, left: int = 1) -> FakeReader:
        return FakeReader(name, self.order, self.scheduler, left)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    for task in made.tasks:
        task.cancel()
    for ended in await asyncio.gather(*made.tasks, return_exceptions=True):
        assert ended is None or isinstance(ended, asyncio.CancelledError), ended


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_burst_is_read_in_slices_and_those_who_wait_go_first(bench: Bench):
    """Each reads no more than what is left of a slice, then the loop is heard, then the next goes on."""
    in_a_slice = SLICE_BYTES // (100 + MESSAGE_BYTES) + 1
    greedy, late = bench.reader("greedy", 3 * in_a_slice), bench.reader("late", 2)
    greedy.read()
    assert bench.order == ["greedy"] * in_a_slice
    late.read()
    assert len(bench.order) == in_a_slice, "the slice is used up"
    await settle()
    assert bench.order[in_a_slice:].index("late") == in_a_slice, "after one more slice, not after all of the burst"
    assert greedy.left == late.left == 0


async def test_room_is_given_in_turn(bench: Bench):
    """Who comes while others wait goes to the end, although there is room again."""
    readers = [bench.reader(name) for name in "abc"]
    bench.room.left = 0
    for reader in readers[:2]:
        reader.read()
    bench.room.open()
    readers[2].read()
    assert bench.order == []
    await settle()
    assert bench.order == ["a", "b", "c"]


@pytest.mark.parametrize("gone", ["a", "ab"])
async def test_who_has_gone_while_there_was_no_room_is_forgotten(bench: Bench, gone: str):
    """Also when nobody is left who waits: the task that gives room must not fail, or the door ends with it."""
    readers = {name: bench.reader(name) for name in "ab"}
    bench.room.left = 0
    for reader in readers.values():
        reader.read()
    await settle()
    for name in gone:
        bench.scheduler.forget(readers[name])
    bench.room.open()
    await settle()
    assert bench.order == [name for name in "ab" if name not in gone]
    later = bench.reader("later")
    later.read()
    assert bench.order[-1] == "later"


async def test_backlogs_take_turns_and_live_senders_pass(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bench.room.share, "may_pass", lambda lane: not lane.is_backlog or lane.turn_left > 0)
    monkeypatch.setattr(read_scheduler, "TURN_EVENTS", 1)
    first, second, live = bench.reader("first"), bench.reader("second"), bench.reader("live")
    for reader in (first, second):
        reader.lane.is_backlog = True
        reader.read()
    live.read()
    assert bench.order == ["live"]
    await settle()
    assert bench.order == ["live", "first", "second"]
    assert bench.metrics.registry.get_sample_value("ioc_ingest_backlog_held_total", {"door": "mqtt"}) == 2
