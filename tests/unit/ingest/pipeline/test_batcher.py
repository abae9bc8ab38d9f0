"""Group commit: batches form while one commits, nobody is answered before, and the queue has bounds."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from ioc.domain.batch import BatchToken
from ioc.domain.event import DeadLetter, Message, Outcome, Receipt
from ioc.errors import QueueFullError, StoreUnavailableError
from ioc.ingest.pipeline import batcher as room
from ioc.ingest.pipeline.batcher import Bounds, Pipeline
from ioc.ingest.pipeline.delivery import Delivery
from ioc.runtime.clock import MonotonicIOClock, SteppedLogClock
from ioc.runtime.metrics import Metrics
from tests.builders import NOON, letter, message


class FakePreparer:
    feeds = ("rainfall",)

    """Each byte of a body is an event: `g` a good one, `b` a bad one."""

    def prepare(self, delivery: Delivery) -> list[Message | DeadLetter]:
        return [
            message(id=f"{delivery.nonce!r}{number}") if byte == ord("g") else letter()
            for number, byte in enumerate(delivery.body)
        ]


class FakeSink:
    """Remembers its batches; ``open`` lets commits through, ``failures`` fail first."""

    def __init__(self) -> None:
        self.batches: list[list[Message | DeadLetter]] = []
        self.attempts = 0
        self.tokens: list[BatchToken | None] = []
        self.failures = 0
        self.broken: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def append(
        self, batch: Sequence[Message | DeadLetter], now: datetime, *, token: BatchToken | None = None
    ) -> list[Receipt]:
        assert now == NOON
        self.attempts += 1
        self.tokens.append(token)
        await self.open.wait()
        if self.broken is not None:
            raise self.broken
        if self.failures:
            self.failures -= 1
            raise StoreUnavailableError("away")
        self.batches.append(list(batch))
        return [
            Receipt(Outcome.STORED, item.key, len(self.batches))
            if isinstance(item, Message)
            else Receipt(Outcome.REFUSED, reason=item.reason, detail=item.detail)
            for item in batch
        ]


class House:
    def __init__(
        self, *, batch_rows: int = 10, batch_seconds: float = 0.001, queue_rows_max: int = 100,
        queue_bytes_max: int = 1 << 20,
    ) -> None:  # fmt: skip
        self.sink = FakeSink()
        self.metrics = Metrics(CollectorRegistry())
        self.pipeline = Pipeline(
            preparer=FakePreparer(),  # type: ignore[arg-type]
            sink=self.sink, log_clock=SteppedLogClock(NOON), io_clock=MonotonicIOClock(), metrics=self.metrics,
            bounds=Bounds(
                batch_rows=batch_rows, batch_seconds=batch_seconds, queue_rows_max=queue_rows_max,
                queue_bytes_max=queue_bytes_max,
            ),
        )  # fmt: skip
        self.running = asyncio.create_task(self.pipeline.run())

    def submit(self, body: bytes = b"g", nonce: bytes = b"n") -> asyncio.Future[list[Receipt]]:
        delivery = Delivery(feed="rainfall", device="rain-1", body=body, received_at=NOON, door="test", nonce=nonce)
        return self.pipeline.submit(delivery)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@contextlib.asynccontextmanager
async def house_of(**bounds: Any):
    house = House(**bounds)
    try:
        yield house
    finally:
        house.running.cancel()
        await asyncio.gather(house.running, return_exceptions=True)


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch):
    monkeypatch.setattr(room, "RETRY_SECONDS", 0.01)


async def held(future: asyncio.Future[list[Receipt]]) -> bool:
    await asyncio.sleep(0.05)
    return not future.done()


async def test_nobody_is_answered_before_the_commit_returns():
    async with house_of() as house:
        house.sink.open.clear()
        done = house.submit()
        assert await held(done)
        house.sink.open.set()
        [receipt] = await done
        assert receipt.outcome is Outcome.STORED


async def test_what_arrives_during_a_commit_is_the_next_batch():
    async with house_of() as house:
        house.sink.open.clear()
        first = house.submit()
        await asyncio.sleep(0.02)
        others = [house.submit(nonce=bytes([n])) for n in range(8)]
        house.sink.open.set()
        await asyncio.gather(first, *others)
        assert [len(batch) for batch in house.sink.batches] == [1, 8]


async def test_batches_keep_their_bound_a_delivery_stays_whole_and_each_gets_its_own_receipts():
    async with house_of(batch_rows=10) as house:
        done = [house.submit(b"ggg"), house.submit(b"gbggggg"), house.submit(b"b"), house.submit(b"g" * 25)]
        receipts = await asyncio.gather(*done)
        assert [len(batch) for batch in house.sink.batches] == [10, 1, 25]
        assert [[receipt.outcome == "stored" for receipt in one] for one in receipts] == [
            [True] * 3, [True, False, *[True] * 5], [False], [True] * 25,
        ]  # fmt: skip


async def test_a_small_batch_waits_for_company_while_some_comes():
    """Far below the time that it may wait: a lone event, and a burst that has ended, do not stay for it."""
    async with house_of(batch_rows=1_000, batch_seconds=20.0, queue_rows_max=10_000) as house:
        began = time.monotonic()
        await house.submit()
        done: list[asyncio.Future[list[Receipt]]] = []
        until = time.monotonic() + 0.05
        while time.monotonic() < until:
            done.append(house.submit(nonce=repr(len(done)).encode()))
            await asyncio.sleep(0)
        await asyncio.gather(*done)
        assert time.monotonic() - began < 10
        assert house.sink.batches[0][0].id != house.sink.batches[1][0].id
        assert len(house.sink.batches[0]) == 1
        assert len(house.sink.batches[1]) >= min(len(done), room.LINGER_ROWS)


async def test_company_is_waited_for_no_longer_than_the_batch_may_wait():
    async with house_of(batch_rows=10_000, batch_seconds=0.01, queue_rows_max=100_000) as house:
        first = house.submit()
        sent = 0
        while not first.done():
            sent += 1
            house.submit(nonce=repr(sent).encode())
            await asyncio.sleep(0.0005)
        assert sent < room.LINGER_ROWS


def delivery(nonce: bytes = b"n", body: bytes = b"g") -> Delivery:
    return Delivery(feed="rainfall", device="rain-1", body=body, received_at=NOON, door="test", nonce=nonce)


async def test_what_one_sender_adds_is_committed_as_one_and_answered_at_once_until_a_batch_takes_it():
    async with house_of() as house:
        house.sink.open.clear()
        first = house.pipeline.add(delivery(b"1"))
        assert house.pipeline.add(delivery(b"2", b"gb"), first) is first
        assert house.pipeline.add_letter(letter(), first) is first
        assert house.pipeline.rows == 4
        await asyncio.sleep(0.02)  # its commit is under way
        second = house.pipeline.add(delivery(b"3"), first)
        assert second is not first, "what is being committed is closed"
        house.sink.open.set()
        assert [receipt.outcome for receipt in await first.done] == [
            Outcome.STORED, Outcome.STORED, Outcome.REFUSED, Outcome.REFUSED,
        ]  # fmt: skip
        assert len(await second.done) == 1
        assert [len(batch) for batch in house.sink.batches] == [4, 1]
        assert house.pipeline.rows == 0
        assert house.metric("ioc_ingest_queue_bytes") == 0


async def test_a_bundle_takes_no_more_than_a_batch_holds():
    async with house_of(batch_rows=3) as house:
        house.sink.open.clear()
        await asyncio.sleep(0)
        bundle = house.pipeline.add(delivery(b"1", b"gg"))
        assert house.pipeline.add(delivery(b"2"), bundle) is bundle
        other = house.pipeline.add(delivery(b"3"), bundle)
        assert other is not bundle
        house.sink.open.set()
        assert [len(await one.done) for one in (bundle, other)] == [3, 1]


async def test_nothing_is_acknowledged_while_the_log_is_away_and_it_goes_on_by_itself():
    async with house_of() as house:
        house.sink.failures = 5
        done = house.submit(b"gb")
        while house.sink.attempts < 3:
            assert not done.done()
            await asyncio.sleep(0.005)
        assert house.pipeline.failing_since is not None
        assert [receipt.outcome for receipt in await done] == [Outcome.STORED, Outcome.REFUSED]
        assert house.sink.attempts == 6
        assert house.pipeline.failing_since is None
        assert len(house.sink.batches) == 1, "tried again as it was, stored once"
        await house.submit()
        assert len(set(house.sink.tokens[:6])) == 1, "each attempt says whose it is"
        assert house.sink.tokens[6] not in house.sink.tokens[:6]


@pytest.mark.parametrize("bound", [{"queue_rows_max": 3}, {"queue_bytes_max": 3 * 513}])
async def test_at_its_bound_the_queue_takes_nothing_and_counts_it_until_there_is_room(bound):
    async with house_of(batch_rows=1, **bound) as house:
        house.sink.open.clear()
        done = [house.submit() for _ in range(3)]
        assert not house.pipeline.has_room
        for refused in (house.submit, lambda: house.pipeline.submit_letter(letter())):
            with pytest.raises(QueueFullError):
                refused()
        assert house.metric("ioc_ingest_full_total", door="test") == 2
        waiting = asyncio.create_task(house.pipeline.wait_for_room())
        await asyncio.sleep(0.02)
        assert not waiting.done()
        house.sink.open.set()
        await asyncio.wait_for(waiting, 1)
        await asyncio.gather(*done)
        assert house.metric("ioc_ingest_queue_bytes") == 0
        await house.submit()


async def test_a_letter_of_the_door_goes_the_same_way():
    async with house_of() as house:
        [receipt] = await house.pipeline.submit_letter(letter("too_large"))
        assert (receipt.outcome, receipt.reason) == (Outcome.REFUSED, "too_large")
        assert house.metric("ioc_dead_letters_total", feed="rainfall", reason="too_large") == 1


async def test_what_is_refused_and_not_kept_is_counted_apart():
    async with house_of() as house:

        async def append(batch, now, *, token):
            del now, token
            return [Receipt(Outcome.REFUSED, reason="not_json", flags=("not_kept",)) for _ in batch]

        house.sink.append = append
        await house.submit(b"b")
        assert house.metric("ioc_dead_letters_over_total", feed="rainfall", reason="not_json") == 1
        assert not house.metric("ioc_dead_letters_total", feed="rainfall", reason="not_json")
        assert house.metric("ioc_ingest_events_total", feed="rainfall", door="test", outcome="refused") == 1


async def test_a_stop_finishes_what_is_queued_and_refuses_what_comes():
    async with house_of(batch_rows=1) as house:
        done = [house.submit() for _ in range(5)]
        stopping = asyncio.create_task(house.pipeline.stop(5))
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError):
            house.submit()
        await stopping
        assert all(one.done() and one.exception() is None for one in done)


async def test_past_the_deadline_of_a_stop_whoever_waits_learns_that_nothing_was_committed():
    """Also those whose batch was being committed: nobody may wait for ever."""
    async with house_of(batch_rows=1) as house:
        house.sink.open.clear()
        in_commit, queued = house.submit(), house.submit()
        await asyncio.sleep(0.02)
        await house.pipeline.stop(0.02)
        house.running.cancel()
        await asyncio.gather(house.running, return_exceptions=True)
        for future in (in_commit, queued):
            with pytest.raises(StoreUnavailableError):
                await asyncio.wait_for(future, 1)
        assert not house.sink.batches


async def test_a_log_that_is_broken_beyond_repair_ends_the_worker_and_acknowledges_nothing():
    async with house_of() as house:
        house.sink.broken = RuntimeError("a bug")
        done = house.submit()
        with pytest.raises(StoreUnavailableError):
            await asyncio.wait_for(done, 1)
        with pytest.raises(RuntimeError):
            await house.running


async def test_somebody_who_stops_waiting_disturbs_no_other():
    async with house_of() as house:
        house.sink.open.clear()
        gone, stays = house.submit(), house.submit()
        gone.cancel()
        house.sink.open.set()
        assert len(await stays) == 1
        assert len(house.sink.batches[0]) == 2, "it was taken, so it is stored"


async def test_outcomes_are_counted_by_feed_door_and_reason():
    async with house_of() as house:
        await house.submit(b"ggb")
        assert house.metric("ioc_ingest_events_total", feed="rainfall", door="test", outcome="stored") == 2
        assert house.metric("ioc_ingest_events_total", feed="rainfall", door="test", outcome="refused") == 1
        assert house.metric("ioc_dead_letters_total", feed="rainfall", reason="not_json") == 1
