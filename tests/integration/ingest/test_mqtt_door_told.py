"""Who is refused, cut off or replaced at the MQTT door is told why, and what it had sent is not lost."""

from __future__ import annotations

import asyncio
import json

import pytest
from structlog.testing import capture_logs

from ioc.domain.event import DeadLetter, Message
from ioc.ingest.mqtt import connections, refusals
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import Disconnect, Properties, Pubrec, Pubrel, Subscribe, Subscription, Will
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.connect import MQTTBounds
from ioc.ingest.mqtt.refusals import REFUSALS_MAX
from tests.integration.ingest.mqtt_house import HeldSink, House, house_of, publish
from tests.mqtt_memory import MemoryMQTT

WILL = Will(topic="ioc/v1/rainfal/rain-2", payload=b'{"rain_mm":0}')


@pytest.fixture
def sink():
    return HeldSink()


@pytest.fixture
async def house(sink):
    async with house_of(sink) as house:
        yield house


async def refused(house: House, level: int, key: str | None, name: str = "rain-1", **connect: object) -> ReasonCode:
    peer = await house.peer()
    answer = await peer.connect(level, key, name=name, **connect)
    assert await peer.hung_up()
    return answer.reason_code


@pytest.mark.parametrize(("level", "code"), [(4, ReasonCode.NOT_AUTHORIZED), (5, ReasonCode.TOPIC_NAME_INVALID)])
async def test_a_will_on_a_foreign_topic_has_a_reason_of_its_own_everywhere(house, sink, level, code):
    """On the wire, in the log, in the metrics, and as a dead letter of the device, which the screen shows."""
    with capture_logs() as told:
        peer = await house.peer()
        answer = await peer.connect(level, house.key, will=WILL)
        assert await peer.hung_up()
    assert answer.reason_code == code
    why = "rain-1 may not publish its will to ioc/v1/rainfal/rain-2: its topic is ioc/v1/rainfall/rain-1"
    assert answer.properties.reason_string == (why if level == 5 else None)
    [line] = [one for one in told if one["event"] == "connect_refused"]
    assert (line["reason"], line["device"], line["address"], line["detail"]) == (
        "forbidden_will_topic", "rain-1", "127.0.0.1", why,
    )  # fmt: skip
    assert house.metric("ioc_mqtt_refused_total", reason="forbidden_will_topic") == 1
    async with asyncio.timeout(5):
        while not sink.letters:
            await asyncio.sleep(0.01)
    [letter] = sink.letters
    assert isinstance(letter, DeadLetter)
    assert (letter.device, letter.reason, letter.topic, letter.detail, letter.raw) == (
        "rain-1", "forbidden_will_topic", WILL.topic, why, WILL.payload,
    )  # fmt: skip


async def test_refused_connects_are_counted_by_device_and_address_and_strangers_make_no_series(house):
    with capture_logs() as told:
        for _ in range(3):
            await refused(house, 4, "ioc_device_" + "x" * 43)
        for number in range(3):
            await refused(house, 5, None, name=f"stranger-{number}")
    wrong, nobody = {"reason": "bad_user_name_or_password"}, {"reason": "not_authorized"}
    counted = "ioc_mqtt_connects_refused_total"
    assert house.metric(counted, **wrong, device="rain-1", address="127.0.0.1") == 3
    assert house.metric(counted, **nobody, device="unknown", address="127.0.0.1") == 3
    lines = [(one["reason"], one["device"], one["count"]) for one in told if one["event"] == "connect_refused"]
    assert lines == [("bad_user_name_or_password", "rain-1", 1), ("not_authorized", "unknown", 1)], "once a minute"


async def test_addresses_beyond_the_bound_are_counted_together(house):
    for number in range(REFUSALS_MAX + 50):
        house.door.gate.refusals.note("x", username=None, address=f"10.0.{number // 250}.{number % 250}")
    found = [
        sample.labels
        for metric in house.metrics.registry.collect()
        if metric.name == "ioc_mqtt_connects_refused"
        for sample in metric.samples
        if sample.name.endswith("_total")
    ]
    assert len(found) == REFUSALS_MAX + 1
    assert house.metric("ioc_mqtt_connects_refused_total", reason="x", device="other", address="other") == 50


async def test_refused_connects_are_written_for_people_to_read_and_wait_while_the_database_does_not_answer(monkeypatch):
    """By what the client wrote, with nothing in it that cannot be seen; merged, and none lost or written twice."""
    monkeypatch.setattr(refusals, "WRITE_EVERY_SECONDS", 0.05)
    async with house_of(HeldSink()) as house:
        house.memory.available = False
        for _ in range(3):
            await refused(house, 4, "ioc_device_" + "x" * 43)
        await refused(house, 5, None, name="mua-1\u202e" + "9" * 90)
        await asyncio.sleep(0.3)
        assert house.memory.refusals == []
        house.memory.available = True
        async with asyncio.timeout(5):
            while sum(one.count for one in house.memory.refusals) < 4:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
    told = {(one.username, one.reason): one for one in house.memory.refusals}
    wrong = told["rain-1", "bad_user_name_or_password"]
    assert (wrong.count, wrong.address, wrong.first_at < wrong.last_at) == (3, "127.0.0.1", True)
    assert told["mua-1" + "9" * 59, "not_authorized"].count == 1
    assert sum(one.count for one in house.memory.refusals) == 4


async def test_of_one_address_so_many_names_are_told_apart_and_the_rest_stand_together(house):
    for number in range(refusals.NAMES_OF_ADDRESS_MAX + 30):
        house.door.gate.refusals.note("x", username=f"guess-{number}", address="10.0.0.1")
    house.door.gate.refusals.note("x", username="rain-9", address="10.0.0.2")
    written = MemoryMQTT()
    writing = asyncio.create_task(house.door.gate.refusals.write(written))
    async with asyncio.timeout(10):
        while not written.refusals and not house.memory.refusals:
            await asyncio.sleep(0.02)
    writing.cancel()
    told = {(one.username, one.address): one.count for one in [*written.refusals, *house.memory.refusals]}
    assert told["", "10.0.0.1"] == 30
    assert told["rain-9", "10.0.0.2"] == 1
    assert len(told) == refusals.NAMES_OF_ADDRESS_MAX + 2


async def test_a_client_of_3_1_1_that_mistypes_its_topic_is_told_in_its_receipts(house):
    peer = await house.device(4)
    await peer.ask(Subscribe(packet_id=9, subscriptions=(Subscription(topic_filter="ioc/v1/receipts/rain-1", qos=0),)))
    told = []
    for number, topic in enumerate(("ioc/v1/rainfall/rain1", "ioc/v1/rainfal/rain-1", "rain-1"), start=1):
        peer.send(publish(number, topic=topic))
        _, receipt = await peer.take(2)
        told.append(json.loads(receipt.payload))
    assert [(one["id"], one["status"], one["reason"]) for one in told] == [
        ("1", "refused", "forbidden_topic"), ("2", "refused", "unknown_feed"), ("3", "refused", "forbidden_topic"),
    ]  # fmt: skip
    assert told[0]["detail"] == "rain-1 may not publish there: its topic is ioc/v1/rainfall/rain-1"


async def test_more_messages_at_qos_2_than_the_receive_maximum_end_the_connection():
    async with house_of(HeldSink(), bounds=MQTTBounds(inflight_max=5, sweep_seconds=0.05)) as house:
        peer = await house.device(5)
        for number in range(1, 6):
            assert await peer.ask(publish(number, qos=2)) == Pubrec(number)
        await peer.ask(Pubrel(1))
        assert await peer.ask(publish(6, qos=2)) == Pubrec(6), "a PUBREL makes room"
        assert await peer.ask(publish(2, qos=2, dup=True)) == Pubrec(2), "one sent again is no other"
        assert (await peer.ask(publish(7, qos=2))) == Disconnect(ReasonCode.RECEIVE_MAXIMUM_EXCEEDED)
        assert await peer.hung_up()
        assert house.metric("ioc_mqtt_refused_total", reason="receive_maximum_exceeded") == 1


async def test_refused_messages_at_qos_2_count_no_longer():
    async with house_of(HeldSink(), bounds=MQTTBounds(inflight_max=2, sweep_seconds=0.05)) as house:
        peer = await house.device(5)
        for number in range(1, 9):
            assert (await peer.ask(publish(number, qos=2, body=b"{"))).reason_code.is_failure


async def test_what_lies_in_the_socket_of_a_connection_that_is_taken_over_is_read(sink, monkeypatch):
    """A device sends, is cut off by its network and comes back before the door has read all of it."""
    monkeypatch.setattr(connections, "RETIRE_SECONDS_MAX", 30.0)  # on a busy machine sixty messages take their time
    async with house_of(sink, bounds=MQTTBounds(inflight_max=10, sweep_seconds=0.05)) as house:
        old = await house.device(5)
        sink.open.clear()
        count = 60
        old.writer.write(b"".join(encode(publish(number), 5) for number in range(1, count + 1)))
        await asyncio.sleep(0.1)
        new = await house.device(5)
        sink.open.set()
        assert await old.hung_up()
        assert len(sink.messages) == count
        assert {one.id for one in sink.messages} == {str(number) for number in range(1, count + 1)}
        assert (await new.ask(publish(99))).packet_id == 99
        assert house.metric("ioc_mqtt_refused_total", reason="session_taken_over") == 1


async def test_a_connection_that_cannot_be_read_is_not_waited_for(sink):
    async with house_of(sink, bounds=MQTTBounds(inflight_max=1, sweep_seconds=0.05)) as house:
        old = await house.device(5)
        sink.open.clear()
        old.send(publish(1), publish(2))
        await asyncio.sleep(0.05)
        assert isinstance(await house.device(5), object)
        assert await old.hung_up(2.5), "the log stands still; a second is all that it is given"
        sink.open.set()


async def test_a_cloudevent_is_a_reading_and_its_receipts_have_its_own_ids(house, sink):
    """MQTT 5 names the format by its content type; a refused event is found in its sender's receipts too."""
    peer = await house.device(5)
    await peer.ask(Subscribe(packet_id=9, subscriptions=(Subscription(topic_filter="ioc/v1/receipts/rain-1", qos=0),)))
    told = []
    for number, (source, value) in enumerate((("rain-1", 2), ("rain-2", 2), ("rain-1", "much")), start=1):
        envelope = {"specversion": "1.0", "type": "rainfall", "source": source, "id": f"ce-{number}",
                    "time": "2026-11-23T12:00:00Z", "data": {"rain_mm": value}}  # fmt: skip
        kind = Properties(content_type="application/cloudevents+json")
        peer.send(publish(number, body=json.dumps(envelope).encode(), properties=kind))
        _, receipt = await peer.take(2)
        told.append(json.loads(receipt.payload))
    assert [(one["id"], one["status"], one["reason"]) for one in told] == [
        ("ce-1", "stored", None), ("ce-2", "refused", "wrong_device"), ("ce-3", "refused", "wrong_type"),
    ]  # fmt: skip
    [stored] = [item for item in sink.items if isinstance(item, Message)]
    assert (stored.id, stored.data) == ("ce-1", {"rain_mm": 2})
