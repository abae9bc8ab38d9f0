"""Connections over MQTT, against a small broker that can be cut, go deaf or refuse."""

import asyncio
import contextlib
import json
import socket
import time
from random import Random

import pytest

from mqtt_client.packets import MQTT_5, MQTT_311
from simulators.fleet import Fleet
from simulators.link import BACKLOG_MAX, Address, Link, Tally
from simulators.reading_id import ReadingIds
from simulators.scenario import read_scenario
from simulators.world import World
from tests.stub_broker import StubBroker


@pytest.fixture
def broker():
    stub = StubBroker()
    yield stub
    stub.close()


def _link(device, port, tally, level=MQTT_311):
    return Link(device, address=Address("127.0.0.1", port), level=level, tally=tally, random=Random(1))


@contextlib.asynccontextmanager
async def _running(link):
    task = asyncio.create_task(link.run())
    try:
        yield link
        await link.close()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _until(holds, seconds=8.0):
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("level", [MQTT_311, MQTT_5])
async def test_what_was_not_acknowledged_is_sent_again_after_a_cut(broker, devices, level):
    tally = Tally()
    broker.acknowledge = lambda number: number == 1
    async with _running(_link(devices[0], broker.port, tally, level)) as link:
        for number in range(3):
            link.send(json.dumps({"id": str(number)}).encode())
        await _until(lambda: len(broker.publishes) == 3 and tally.acknowledged == 1)
        broker.acknowledge = lambda _number: True
        broker.cut()
        await _until(lambda: tally.acknowledged == 3)
        again = broker.publishes[3:]
        assert [(body["id"], duplicate) for _, body, duplicate in again] == [("1", True), ("2", True)]
    assert (tally.sent, tally.acknowledged, tally.dropped, tally.cuts) == (3, 3, 0, 1)


async def test_a_door_that_is_not_there_is_waited_for_with_what_there_is_to_send(devices):
    tally = Tally()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    async with _running(_link(devices[0], port, tally)) as link:
        link.send(b'{"id":"1"}')
        await asyncio.sleep(0.1)
        assert (tally.acknowledged, link.waiting, link.is_connected) == (0, 1, False)
        broker = StubBroker(port=port)
        try:
            await _until(lambda: tally.acknowledged == 1)
            assert broker.publishes[0][0] == f"ioc/v1/{devices[0].feed}/{devices[0].id}"
        finally:
            await asyncio.to_thread(broker.close)


async def test_the_backlog_is_bounded_and_the_oldest_goes(broker, devices):
    tally = Tally()
    link = _link(devices[0], broker.port, tally)
    for number in range(BACKLOG_MAX + 40):
        link.send(json.dumps({"id": str(number)}).encode())
    assert (link.waiting, tally.dropped) == (BACKLOG_MAX, 40)
    async with _running(link):
        await _until(lambda: tally.acknowledged == BACKLOG_MAX)
    assert broker.publishes[0][1]["id"] == "40"
    assert broker.publishes[-1][1]["id"] == str(BACKLOG_MAX + 39)


async def test_a_refused_key_is_counted_and_tried_again_until_it_is_taken(broker, devices):
    tally = Tally()
    broker.accept = False
    async with _running(_link(devices[0], broker.port, tally)):
        await _until(lambda: tally.denied >= 2)
        assert tally.connections == 0
        broker.accept = True
        await _until(lambda: tally.connections == 1)


def test_a_fleet_plays_all_devices_in_both_versions_and_survives_a_cut(broker, devices):
    world = World(scenario=read_scenario("flood"), devices=devices, seed=2017)
    fleet = Fleet(
        devices, world=world, address=Address("127.0.0.1", broker.port), ids=ReadingIds(2017, boot="b"), speed=20.0
    )
    started = time.monotonic()
    cuts_made = 0

    def stopped():
        nonlocal cuts_made
        if not cuts_made and time.monotonic() - started > 0.8:
            broker.cut()
            cuts_made += 1
        return time.monotonic() - started > 3.0

    fleet.run(stopped)
    tally = fleet.tally
    assert tally.acknowledged == tally.sent > 100
    assert tally.cuts >= len(devices)
    assert set(broker.names) == {4, 5}
    assert {topic for topic, _, _ in broker.publishes} == {f"ioc/v1/{item.feed}/{item.id}" for item in devices}
    assert len({body["id"] for _, body, _ in broker.publishes}) == tally.sent
    assert all(body["id"].startswith("2017-b-") for _, body, _ in broker.publishes)
    assert all(body["time"].endswith("+07:00") for _, body, _ in broker.publishes)
