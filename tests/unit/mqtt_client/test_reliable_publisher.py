"""A publisher forgets a reading at its acknowledgement and not before, whatever becomes of its connections."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from random import Random

import pytest

from mqtt_client.packets import Station
from mqtt_client.reliable_publisher import PublisherOptions, ReliablePublisher
from tests.stub_broker import StubBroker

TOPIC = "ioc/v1/rainfall/gauge-1"
SOON = (0.05, 0.05)


class Gauge(ReliablePublisher):
    def __init__(self, broker: StubBroker, **options) -> None:
        chosen = PublisherOptions(pause_seconds=SOON, **options)
        super().__init__(Station("gauge-1", "key", broker.port), TOPIC, options=chosen, random=Random(1))
        self.said: list[str] = []

    def on_connected(self) -> None:
        self.said.append("connected")

    def on_cut(self) -> None:
        self.said.append("cut with " + ",".join(self.unacknowledged))

    def on_acknowledged(self, name: str, reason: int) -> None:
        self.said.append(f"{name} acknowledged {reason}")

    def on_dropped(self, name: str) -> None:
        self.said.append(f"{name} dropped")

    def measure(self, *names: str) -> None:
        for name in names:
            self.send(json.dumps({"id": name}).encode(), name)


@pytest.fixture
def broker():
    stub = StubBroker()
    yield stub
    stub.close()


@contextlib.asynccontextmanager
async def running(gauge: Gauge) -> AsyncIterator[None]:
    task = asyncio.create_task(gauge.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


async def test_only_so_many_are_under_way_and_the_rest_follows(broker):
    broker.acknowledge = lambda _number: False
    gauge = Gauge(broker, in_flight_max=2)
    async with running(gauge):
        gauge.measure("a", "b", "c")
        await until(lambda: len(broker.publishes) == 2)
        await asyncio.sleep(0.05)
        assert (len(broker.publishes), gauge.unacknowledged, gauge.waiting) == (2, ["a", "b"], 3)
        broker.acknowledge = lambda _number: True
        broker.cut()
        await until(lambda: gauge.waiting == 0)
    assert [(body["id"], again) for _, body, again in broker.publishes[2:]] == [("a", True), ("b", True), ("c", False)]
    assert gauge.said[:2] == ["connected", "cut with a,b"]
    assert [word for word in gauge.said if "acknowledged" in word] == [f"{name} acknowledged 0" for name in "abc"]


async def test_a_door_that_takes_and_never_acknowledges_is_left_and_asked_again(broker):
    broker.acknowledge = lambda number: number > 1
    gauge = Gauge(broker, silent_seconds=0.2)
    async with running(gauge):
        gauge.measure("a")
        await until(lambda: gauge.waiting == 0)
    assert [again for _, _, again in broker.publishes] == [False, True]
    assert gauge.said[:4] == ["connected", "cut with a", "connected", "a acknowledged 0"]


async def test_who_has_nothing_to_send_is_not_silent(broker):
    gauge = Gauge(broker, silent_seconds=0.1)
    async with running(gauge):
        await until(lambda: gauge.is_connected)
        await asyncio.sleep(0.4)
        assert gauge.said == ["connected"]


async def test_what_was_sent_is_never_the_one_that_goes(broker):
    """A reading under way may be stored already: what goes past the bound is the oldest that was never sent."""
    broker.acknowledge = lambda _number: False
    gauge = Gauge(broker, in_flight_max=1, kept_max=3)
    async with running(gauge):
        gauge.measure("a")
        await until(lambda: len(broker.publishes) == 1)
        gauge.measure("b", "c", "d")
    assert gauge.said[:2] == ["connected", "b dropped"]
    assert gauge.waiting == 3
