"""The proofs' lean sender: within its window and its budget, counting what is acknowledged; over a real socket."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from mqtt_client.packets import Station, read_packet
from proof.clients.flood import Flood


class Broker:
    """Welcomes, and acknowledges publishes while ``open`` is set."""

    def __init__(self, *, code: int = 0) -> None:
        self.code = code
        self.open = asyncio.Event()
        self.got = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            await read_packet(reader)
            writer.write(bytes([0x20, 2, 0, self.code]))
            while True:
                _, body = await read_packet(reader)
                self.got += 1
                await self.open.wait()
                topic = 2 + int.from_bytes(body[:2], "big")
                writer.write(b"\x40\x02" + body[topic : topic + 2])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # it hung up


@pytest.fixture
async def started():
    servers, brokers = [], []

    async def start(broker):
        brokers.append(broker)
        servers.append(await asyncio.start_server(broker, "127.0.0.1", 0))
        return Station("s-1", "key", servers[-1].sockets[0].getsockname()[1])

    yield start
    for server in servers:
        server.close()
    for writer in [writer for broker in brokers for writer in broker.writers]:
        writer.close()
        await writer.wait_closed()
    await asyncio.sleep(0)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_no_more_than_the_window_is_unacknowledged(started):
    broker = Broker()
    flood = await Flood(await started(broker), feed="rainfall", supply=iter([b"{}"] * 100), window=40).open()
    flood.start()
    await until(lambda: flood.sent == 40)
    await asyncio.sleep(0.05)
    assert (flood.sent, flood.acknowledged) == (40, 0)
    broker.open.set()
    await asyncio.wait_for(flood.finished.wait(), 5)
    assert (flood.sent, flood.acknowledged, broker.got) == (100, 100, 100)
    flood.abort()


async def test_a_budget_is_what_is_sent(started):
    broker = Broker()
    broker.open.set()
    flood = await Flood(await started(broker), feed="rainfall", supply=itertools.repeat(b"{}"), window=1_000).open()
    await asyncio.sleep(0.05)
    assert flood.sent == 0, "nothing is sent before it is told to"
    for _ in range(4):
        flood.allow(7.5)
    await until(lambda: flood.acknowledged == 30)
    await asyncio.sleep(0.05)
    assert flood.sent == 30
    flood.abort()
    assert not flood.dropped_out


async def test_what_was_allowed_and_not_sent_is_kept_when_it_rests(started):
    broker = Broker()
    flood = await Flood(await started(broker), feed="rainfall", supply=itertools.repeat(b"{}"), window=10).open()
    flood.allow(25)
    await until(lambda: broker.got == 1 and flood.sent == 10)
    assert flood.rest() == 15
    broker.open.set()
    await until(lambda: flood.acknowledged == 10)
    await asyncio.sleep(0.05)
    assert flood.sent == 10
    flood.abort()


async def test_a_refusal_is_told(started):
    with pytest.raises(ConnectionError, match="CONNACK 5"):
        await Flood(await started(Broker(code=5)), feed="rainfall", supply=iter([]), window=1).open()
