"""Inbox and uplink over a fake link: acknowledged after the commit, in order, once, and only what was taken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from ioc.domain.event import DeadLetter, Message, Outcome, Receipt
from ioc.errors import QueueFullError, ServiceUnreachableError, StoreUnavailableError
from ioc.ingest.bridge.inbox import BridgeMessage, Inbox
from ioc.ingest.bridge.uplink import BridgeUplink
from ioc.ingest.pipeline.backlog import FLOOR_EVENTS, Share
from ioc.ingest.pipeline.delivery import Bundle, Delivery
from ioc.runtime.clock import SteppedLogClock
from ioc.runtime.metrics import Metrics
from tests.builders import letter, message

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STORED = Receipt(Outcome.STORED, b"k" * 16, 1)


class FakeLink:
    """Remembers its orders."""

    def __init__(self) -> None:
        self.acknowledged: list[tuple[int, int]] = []
        self.published: list[tuple[str, bytes]] = []
        self.renewed: list[int] = []
        self.broken = False

    def acknowledge(self, epoch: int, packet_ids: Iterable[int]) -> None:
        self.acknowledged += [(epoch, number) for number in packet_ids]

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        self.published += messages

    def begin_anew(self, epoch: int) -> None:
        self.renewed.append(epoch)

    def check(self) -> None:
        if self.broken:
            raise ServiceUnreachableError("the thread ended")


class FakeIntake:
    """A pipeline whose commits the test makes."""

    def __init__(self) -> None:
        self.taken: list[Delivery | DeadLetter] = []
        self.waiting: list[asyncio.Future[list[Receipt]]] = []
        self.room = asyncio.Event()
        self.room.set()
        self.stopping = False
        self.share = Share(None, Metrics(CollectorRegistry()))

    @property
    def has_room(self) -> bool:
        return self.room.is_set()

    async def wait_for_room(self) -> None:
        await self.room.wait()

    def add(self, delivery: Delivery, bundle: Bundle | None = None) -> Bundle:
        assert bundle is None
        members = json.loads(delivery.body)
        return self._take(delivery, message(id=members.get("id")))

    def add_letter(self, letter: DeadLetter, bundle: Bundle | None = None) -> Bundle:
        assert bundle is None
        return self._take(letter, letter)

    def _take(self, item: Delivery | DeadLetter, event: Message | DeadLetter) -> Bundle:
        if self.stopping:
            raise QueueFullError("stopping")
        if isinstance(item, Delivery) and item.lane is not None and item.lane.is_backlog:
            self.share.note(item.lane, [letter()], NOON, item.door)
        self.taken.append(item)
        self.waiting.append(asyncio.get_running_loop().create_future())
        bundle = Bundle(self.waiting[-1])
        bundle.items.append(event)
        return bundle

    async def commit(self, *numbers: int) -> None:
        for number in numbers:
            self.waiting[number].set_result([STORED])
        await settle()


class NoPace:
    """An engine that has never worked: no bound once that is known."""

    async def read(self) -> None:
        return None


class Bench:
    """An uplink at work."""

    def __init__(self, **inbox: int) -> None:
        self.inbox = Inbox(messages_max=inbox.get("messages_max", 100), bytes_max=inbox.get("bytes_max", 10_000))
        self.link, self.intake = FakeLink(), FakeIntake()
        self.uplink = BridgeUplink(
            inbox=self.inbox, link=self.link, intake=self.intake, log_clock=SteppedLogClock(NOON),
            metrics=Metrics(CollectorRegistry()), body_bytes_max=1_000, inflight_max=10,
        )  # fmt: skip
        self.running = asyncio.create_task(self.uplink.run())

    async def put(self, *arrivals: BridgeMessage) -> list[bool]:
        taken = [self.inbox.put(arrival) for arrival in arrivals]
        await settle()
        return taken


@pytest.fixture
async def bench():
    made = Bench()
    yield made
    made.running.cancel()
    await asyncio.gather(made.running, return_exceptions=True)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def arrival(packet_id: int, *, epoch: int = 1, **others: Any) -> BridgeMessage:
    given = {"qos": 1, "topic": "ioc/v1/rainfall/rain-1", "payload": b'{"rain_mm": 1}'}
    return BridgeMessage(**{"epoch": epoch, "packet_id": packet_id, **given, **others})


async def test_nothing_is_acknowledged_before_its_commit_and_then_in_order(bench: Bench):
    await bench.put(arrival(1), arrival(2), arrival(3))
    assert bench.link.acknowledged == []
    await bench.intake.commit(1)  # the second alone: the first still waits
    assert bench.link.acknowledged == []
    await bench.intake.commit(0)
    assert bench.link.acknowledged == [(1, 1), (1, 2)]
    await bench.intake.commit(2)
    assert bench.link.acknowledged == [(1, 1), (1, 2), (1, 3)]


async def test_an_acknowledgement_carries_the_epoch_it_came_with(bench: Bench):
    await bench.put(arrival(1), arrival(1, epoch=2))
    await bench.intake.commit(0, 1)
    assert bench.link.acknowledged == [(1, 1), (2, 1)]


async def test_a_resend_within_a_connection_is_acknowledged_once_after_its_last_commit(bench: Bench):
    """Else the second acknowledgement could meet a new message under the same packet id."""
    await bench.put(arrival(1), arrival(1, again=True))
    await bench.intake.commit(0)
    assert bench.link.acknowledged == []
    await bench.intake.commit(1)
    assert bench.link.acknowledged == [(1, 1)]


async def test_a_repeat_without_id_and_time_has_the_nonce_of_the_first_also_on_another_connection(bench: Bench):
    await bench.put(arrival(1), arrival(1, epoch=2, again=True), arrival(1, epoch=2), arrival(2, again=True))
    nonces = [item.nonce for item in bench.intake.taken if isinstance(item, Delivery)]
    assert nonces[0] == nonces[1]
    assert len(set(nonces)) == 3


async def test_the_same_packet_id_with_other_content_is_another_message(bench: Bench):
    await bench.put(arrival(1), arrival(1, epoch=2, again=True, payload=b'{"rain_mm": 2}'))
    nonces = [item.nonce for item in bench.intake.taken if isinstance(item, Delivery)]
    assert len(set(nonces)) == 2


async def test_foreign_topics_and_long_bodies_become_dead_letters_and_are_acknowledged(bench: Bench):
    await bench.put(
        arrival(1, topic="zigbee2mqtt/a\0b"), arrival(2, payload=b"x" * 1_001), arrival(3, content_type="a\0b")
    )
    foreign, long, fine = bench.intake.taken
    assert isinstance(foreign, DeadLetter)
    assert isinstance(long, DeadLetter)
    assert isinstance(fine, Delivery)
    assert (foreign.reason, foreign.feed, foreign.topic) == ("foreign_topic", None, "zigbee2mqtt/a\ufffdb")
    assert (long.reason, long.device) == ("too_large", "rain-1")
    assert (fine.content_type, fine.door) == ("ab", "mqtt_bridge")
    await bench.intake.commit(0, 1, 2)
    assert bench.link.acknowledged == [(1, 1), (1, 2), (1, 3)]


async def test_receipts_name_each_event_after_the_commit_and_never_a_foreign_topic(bench: Bench):
    await bench.put(arrival(1, payload=b'{"id": "a", "rain_mm": 1}'), arrival(2, topic="elsewhere"), arrival(0, qos=0))
    assert bench.link.published == []
    await bench.intake.commit(0, 1, 2)
    assert [topic for topic, _ in bench.link.published] == ["ioc/v1/receipts/rain-1"] * 2
    assert json.loads(bench.link.published[0][1]) == {"id": "a", "status": "stored", "reason": None}
    assert bench.link.acknowledged == [(1, 1), (1, 2)]


async def test_a_full_pipeline_takes_nothing_and_loses_nothing(bench: Bench):
    bench.intake.room.clear()
    await bench.put(arrival(1), arrival(2))
    assert bench.intake.taken == []
    bench.intake.room.set()
    await asyncio.sleep(0.01)
    assert len(bench.intake.taken) == 2


async def test_a_broker_that_catches_up_is_one_sender_of_a_backlog_and_waits_for_its_turn(bench: Bench):
    share = Share(NoPace(), Metrics(CollectorRegistry()))
    bench.intake.share = share
    bench.uplink._lane.is_backlog = True
    bench.uplink._lane.turn_left = 1_000
    for number in range(FLOOR_EVENTS + 5):
        bench.inbox.put(arrival(number + 1))
    await settle()
    assert len(bench.intake.taken) == FLOOR_EVENTS
    bench.uplink._lane.is_backlog = False  # as a reading of now makes it
    following = asyncio.create_task(share.follow())
    await asyncio.sleep(0.05)
    assert len(bench.intake.taken) == FLOOR_EVENTS + 5
    following.cancel()


async def test_what_finds_the_inbox_full_is_left_to_the_broker_and_asked_for_once_all_else_is_done():
    bench = Bench(messages_max=2)
    bench.intake.room.clear()
    assert await bench.put(arrival(1)) == [True]  # on its way into the pipeline
    assert await bench.put(arrival(2), arrival(3), arrival(4), arrival(5)) == [True, True, False, False]
    bench.intake.room.set()
    await asyncio.sleep(0.01)
    assert await bench.put(arrival(6)) == [False], "after a gap nothing more of that connection is taken"
    assert await bench.put(arrival(0, qos=0)) == [True]
    assert bench.link.renewed == []
    await bench.intake.commit(0, 1, 2)
    assert bench.link.renewed == []
    await bench.intake.commit(3)
    assert bench.link.renewed == [1]
    assert bench.link.acknowledged == [(1, 1), (1, 2), (1, 3)]
    assert await bench.put(arrival(4, epoch=2, again=True)) == [True]
    await bench.intake.commit(4)
    assert bench.link.renewed == [1]
    bench.running.cancel()


async def test_the_inbox_is_bounded_in_bytes_too():
    bench = Bench(bytes_max=10)
    bench.intake.room.clear()
    await bench.put(arrival(1))
    assert await bench.put(arrival(2, payload=b"x" * 10), arrival(3)) == [True, False]
    assert bench.inbox.refused == 1
    bench.running.cancel()


async def test_an_intake_that_gives_a_message_up_ends_the_uplink_without_an_acknowledgement(bench: Bench):
    await bench.put(arrival(1))
    bench.intake.waiting[0].set_exception(StoreUnavailableError("the pipeline has ended"))
    with pytest.raises(ServiceUnreachableError, match="intake"):
        await asyncio.wait_for(bench.running, 5.0)
    assert bench.link.acknowledged == []


async def test_what_is_not_committed_when_the_process_stops_is_not_acknowledged(bench: Bench):
    await bench.put(arrival(1), arrival(2))
    bench.uplink._stopping = True
    bench.intake.waiting[0].set_exception(QueueFullError("stopped"))
    await bench.intake.commit(1)
    assert bench.link.acknowledged == [(1, 2)]
    bench.intake.stopping = True
    await bench.put(arrival(3))
    assert len(bench.intake.taken) == 2


async def test_stopping_waits_for_what_was_taken_and_takes_nothing_more(bench: Bench):
    await bench.put(arrival(1))
    stopping = asyncio.create_task(bench.uplink.stop(5.0))
    await settle()
    await bench.put(arrival(2))
    assert not stopping.done()
    await bench.intake.commit(0)
    await stopping
    assert bench.link.acknowledged == [(1, 1)]
    assert len(bench.intake.taken) == 1


async def test_a_link_that_cannot_work_again_ends_the_uplink(bench: Bench):
    bench.link.broken = True
    bench.inbox.wake()
    with pytest.raises(ServiceUnreachableError):
        await asyncio.wait_for(bench.running, 5.0)
