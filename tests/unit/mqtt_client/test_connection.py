"""One connection: who is refused is told, what is acknowledged is told, and nobody waits for a door that is gone."""

from __future__ import annotations

import asyncio

import pytest

from mqtt_client.connection import Connection, RefusedError
from mqtt_client.packets import MQTT_5, MQTT_311, Incoming, ProtocolError, Station, Will
from tests.stub_broker import StubBroker

TOPIC = "ioc/v1/rainfall/gauge-1"


@pytest.fixture
def broker():
    stub = StubBroker()
    yield stub
    stub.close()


def gauge(broker: StubBroker) -> Station:
    return Station("gauge-1", "key", broker.port)


class Listener(Connection):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.acknowledged: list[tuple[int, int]] = []
        self.messages: list[Incoming] = []
        self.came = asyncio.Event()

    def on_acknowledged(self, packet_id, reason):
        self.acknowledged.append((packet_id, reason))

    def on_message(self, message):
        self.messages.append(message)
        self.came.set()


@pytest.mark.parametrize("level", [MQTT_311, MQTT_5])
async def test_a_reading_is_published_and_its_acknowledgement_told(broker, level):
    connection = await Listener(gauge(broker), level=level).open()
    assert await connection.publish_and_wait(TOPIC, b'{"id":"1"}') == 0
    assert connection.acknowledged == [(1, 0)]
    await connection.close()
    assert broker.publishes == [(TOPIC, {"id": "1"}, False)]
    assert not connection.is_open


async def test_many_are_acknowledged_by_their_ids(broker):
    connection = await Listener(gauge(broker)).open()
    waiting = [connection.publish_and_wait(TOPIC, b"{}") for _ in range(300)]
    assert await asyncio.wait_for(asyncio.gather(*waiting), 5) == [0] * 300
    assert [number for number, _ in connection.acknowledged] == list(range(1, 301))
    await connection.close()


async def test_a_publish_at_qos_2_is_released_and_told_once(broker):
    connection = await Listener(gauge(broker)).open()
    number = connection.publish(TOPIC, b"{}", qos=2)
    async with asyncio.timeout(5):
        while not connection.acknowledged:
            await asyncio.sleep(0.01)
    assert connection.acknowledged == [(number, 0)]
    await connection.close()


@pytest.mark.parametrize("level", [MQTT_311, MQTT_5])
async def test_a_subscription_is_granted_and_its_messages_come(broker, level):
    connection = await Listener(gauge(broker), level=level).open()
    assert await connection.subscribe("ioc/v1/receipts/gauge-1") == 1
    await asyncio.wait_for(connection.came.wait(), 5)
    assert connection.messages == [Incoming("ioc/v1/receipts/gauge-1", b'{"id":"kept"}', 1, 7)]
    await connection.close()


@pytest.mark.parametrize(("level", "code"), [(MQTT_311, 4), (MQTT_5, 0x86)])
async def test_a_refusal_is_told_with_its_code(broker, level, code):
    broker.accept = False
    with pytest.raises(RefusedError) as told:
        await Connection(gauge(broker), level=level).open()
    assert told.value.code == code


async def test_who_waits_for_an_acknowledgement_is_told_that_the_connection_ended(broker):
    broker.acknowledge = lambda _number: False
    connection = await Connection(gauge(broker)).open()
    waiting = connection.publish_and_wait(TOPIC, b"{}")
    async with asyncio.timeout(5):
        while not broker.publishes:
            await asyncio.sleep(0.01)
    broker.cut()
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(waiting, 5)
    with pytest.raises(ConnectionError):
        await connection.publish_and_wait(TOPIC, b"{}")


async def test_a_goodbye_is_said_and_a_will_is_declared(broker):
    connection = await Connection(gauge(broker), will=Will(TOPIC, b"{}")).open()
    assert broker.greetings[0][7] == 0xCE
    await connection.close()
    async with asyncio.timeout(5):
        while not broker.goodbyes:
            await asyncio.sleep(0.01)


async def test_a_door_that_does_not_answer_a_ping_is_given_up(broker):
    broker.answer_pings = False
    connection = await Connection(gauge(broker), keep_alive_seconds=1, silence_ends=True).open()
    await asyncio.wait_for(connection.ended, 5)


async def test_pings_keep_a_silent_connection(broker):
    connection = await Connection(gauge(broker), keep_alive_seconds=1, silence_ends=True).open()
    await asyncio.sleep(1.6)
    assert connection.is_open
    await connection.close()


async def test_what_answers_and_is_no_door_is_named():
    async def serve(_reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" + b"\0" * 200)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    with pytest.raises(ProtocolError):
        await Connection(Station("gauge-1", "key", server.sockets[0].getsockname()[1])).open()
    server.close()
