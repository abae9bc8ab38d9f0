"""What becomes of each message: stored or a dead letter with its reason, then acknowledged; and who is told what.

Past 400 lines: each test speaks to the same door, and what a message becomes is one list.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ioc.ingest.mqtt import read_scheduler
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import (
    Pingreq,
    Pingresp,
    Properties,
    Puback,
    Publish,
    Pubrec,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
)
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.connect import MQTTBounds
from ioc.ingest.mqtt.ports import Pause
from ioc.ingest.mqtt.writer import UNSENT_BYTES_MAX
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from tests.integration.ingest.mqtt_house import NO_PROBLEM_INFORMATION, TOPIC, HeldSink, device, house_of, publish

RECEIPTS = "ioc/v1/receipts/rain-1"


@pytest.fixture
async def database(database_dsn):
    database = Database(database_dsn, name="test")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def sink():
    return HeldSink()


@pytest.fixture
async def house(sink):
    async with house_of(sink) as house:
        yield house


def subscribe(*filters: str, qos: int = 0) -> Subscribe:
    return Subscribe(packet_id=9, subscriptions=tuple(Subscription(topic_filter=one, qos=qos) for one in filters))


FOREIGN = [
    "ioc/v1/rainfall/rain-2",
    "ioc/v1/rainfall/rain-1/x",
    "ioc/v1/rainfall/",
    "ioc/v1/rainfall",
    "ioc/v2/rainfall/rain-1",
    "/ioc/v1/rainfall/rain-1",
    "ioc/v1/Rainfall/rain-1",
    "ioc/v1//rain-1",
    "$SYS/broker/version",
    "$CONTROL/dynamic-security/v1",
    "$share/x/ioc/v1/rainfall/rain-1",
    "rain-1",
]


@pytest.mark.parametrize("topic", FOREIGN)
@pytest.mark.parametrize("level", [4, 5])
async def test_a_foreign_topic_is_a_dead_letter_and_acknowledged(house, sink, level, topic):
    peer = await house.device(level)
    answer = await peer.ask(publish(1, topic=topic))
    assert answer.packet_id == 1
    assert answer.reason_code is (ReasonCode.NOT_AUTHORIZED if level == 5 else ReasonCode.SUCCESS)
    [letter] = sink.letters
    assert (letter.reason, letter.topic, letter.device, letter.feed) == ("forbidden_topic", topic, "rain-1", None)
    assert json.loads(letter.raw)["id"] == "1"
    assert await peer.ask(publish(2)) == Puback(2), "the connection stays"


async def test_a_payload_cannot_claim_another_device(house, sink):
    peer = await house.device()
    await peer.ask(publish(1, body=b'{"device":"rain-2","id":"1","rain_mm":1}'))
    [message] = sink.messages
    assert message.device == "rain-1"
    assert "unknown_field" in message.flags


async def test_a_gateway_speaks_for_its_own_devices_only(house, sink):
    house.store.change(
        devices=[
            device("gate", gateway=True),
            device("mute"),
            device("child", parent="gate"),
            device("kid", parent="mute"),
        ]
    )
    keys = {name: house.store.change(device=name) for name in ("gate", "mute")}
    await house.registry.refresh()
    gate = await house.device(5, key=keys["gate"], name="gate")
    assert await gate.ask(publish(1, topic="ioc/v1/rainfall/child")) == Puback(1)
    assert (await gate.ask(publish(2, topic="ioc/v1/rainfall/kid"))).reason_code is ReasonCode.NOT_AUTHORIZED
    mute = await house.device(5, key=keys["mute"], name="mute")
    assert (await mute.ask(publish(3, topic="ioc/v1/rainfall/kid"))).reason_code is ReasonCode.NOT_AUTHORIZED
    assert [message.device for message in sink.messages] == ["child"]
    house.store.change(devices=[device("child", parent="mute")])
    await house.registry.refresh()
    assert (await gate.ask(publish(4, topic="ioc/v1/rainfall/child"))).reason_code is ReasonCode.NOT_AUTHORIZED


@pytest.mark.parametrize(
    ("topic", "body", "reason", "code"),
    [
        (TOPIC, b"", "empty", ReasonCode.PAYLOAD_FORMAT_INVALID),
        (TOPIC, b"{", "not_json", ReasonCode.PAYLOAD_FORMAT_INVALID),
        (TOPIC, b"\xff\xfe\x00", "not_utf8", ReasonCode.PAYLOAD_FORMAT_INVALID),
        (TOPIC, b'{"rain_mm":1,"rain_mm":2}', "duplicate_key", ReasonCode.PAYLOAD_FORMAT_INVALID),
        (TOPIC, b'{"x":"\\u0000"}', "nul", ReasonCode.PAYLOAD_FORMAT_INVALID),
        (TOPIC, b"[" * 100_000, "too_deep", ReasonCode.PAYLOAD_FORMAT_INVALID),
        ("ioc/v1/weather/rain-1", b'{"rain_mm":1}', "unknown_feed", ReasonCode.TOPIC_NAME_INVALID),
    ],
)
async def test_a_poisoned_body_is_a_dead_letter_with_its_reason_in_the_puback(house, sink, topic, body, reason, code):
    peer = await house.device(5)
    answer = await peer.ask(publish(1, topic=topic, body=body))
    assert (answer.packet_id, answer.reason_code) == (1, code)
    assert answer.properties.reason_string.startswith(f"{reason}: ")
    [letter] = sink.letters
    assert (letter.reason, letter.raw) == (reason, body)
    assert await peer.ask(publish(2)) == Puback(2)


async def test_qos_2_tells_the_reason_in_pubrec(house):
    peer = await house.device(5)
    answer = await peer.ask(publish(1, qos=2, body=b"{"))
    assert isinstance(answer, Pubrec)
    assert answer.reason_code is ReasonCode.PAYLOAD_FORMAT_INVALID


async def test_reason_strings_are_left_out_where_the_client_wants_none_or_takes_no_long_packets(house):
    bad = publish(1, body=b"{")
    for properties in (NO_PROBLEM_INFORMATION, Properties(maximum_packet_bytes=64)):
        peer = await house.device(5, properties=properties)
        assert await peer.ask(bad) == Puback(1, ReasonCode.PAYLOAD_FORMAT_INVALID)


async def test_an_array_is_good_when_any_element_stands(house, sink):
    peer = await house.device(5)
    assert await peer.ask(publish(1, body=b'[7,{"id":"a","rain_mm":1},{"rain_mm":-1}]')) == Puback(1)
    assert [letter.reason for letter in sink.letters] == ["not_an_object", "impossible_value"]
    assert (await peer.ask(publish(2, body=b"[7,8]"))).reason_code is ReasonCode.PAYLOAD_FORMAT_INVALID


async def test_a_retained_message_is_a_message_like_any_other(house, sink):
    peer = await house.device(4)
    assert await peer.ask(publish(1, retain=True)) == Puback(1)
    assert len(sink.messages) == 1


@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize("length", [5_001, 1 << 20])
async def test_a_body_past_the_bound_keeps_its_first_4_kb_and_is_acknowledged(sink, level, length):
    async with house_of(sink, bounds=MQTTBounds(body_bytes_max=5_000)) as house:
        peer = await house.device(level)
        answer = await peer.ask(publish(1, body=b"x" * length))
        assert answer.packet_id == 1
        if level == 5:
            assert answer.reason_code is ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR
        [letter] = sink.letters
        assert (letter.reason, letter.feed, letter.raw) == ("too_large", "rainfall", b"x" * 4_096)
        assert str(length) in letter.detail
        assert letter.raw_bytes == length
        assert await peer.ask(publish(2)) == Puback(2)


async def test_what_the_log_says_in_postgresql_is_what_the_device_is_told(database):
    """Stored, duplicate, conflict and refused, over the real log: receipts, reason codes and rows agree."""
    async with house_of(EventLog(database)) as house:
        peer = await house.device(5)
        assert (await peer.ask(subscribe(RECEIPTS))).reason_codes == (ReasonCode.SUCCESS,)
        told = []
        for number, body in enumerate(
            (
                b'{"id":7,"time":"2026-11-23T12:00:00","rain_mm":1}',
                b'{"id":"7","time":"2026-11-23T12:00:00","rain_mm":2}',
            ),
            start=1,
        ):
            for packet_id in (number * 10, number * 10 + 1):
                peer.send(publish(packet_id, body=body))
                answer, receipt = await peer.take(2)
                told.append((answer.reason_code, json.loads(receipt.payload)))
        good = (ReasonCode.SUCCESS, {"id": "7", "status": "stored", "reason": None})
        async with database.connection() as connection:
            stands = await connection.fetchval("SELECT encode(key, 'hex') FROM event WHERE id = '7'")
        again = (ReasonCode.SUCCESS, {"id": "7", "status": "duplicate", "reason": None, "event": stands})
        why = "the same source, id and time came before with other content"
        other = {"id": "7", "status": "refused", "reason": "conflict", "detail": why}
        assert told == [good, again, *[(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, other)] * 2]
        await peer.ask(publish(5, topic="elsewhere"))
        async with database.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM event") == 1
            rows = await connection.fetch("SELECT reason, topic FROM dead_letter ORDER BY id")
        assert [tuple(row) for row in rows][-1] == ("forbidden_topic", "elsewhere")
        assert len(rows) == 3


FILTERS = {
    RECEIPTS: 0,  # its session ends with the connection
    "ioc/v1/commands/rain-1/#": 1,
    "ioc/v1/+/rain-1": 1,
    "+/+/+/+": 1,
    "#": 1,
    "ioc/v1/receipts/rain-2": 0x87,
    "ioc/v1/commands/rain-2/#": 0x87,
    "ioc/v1/rainfall/#": 0x87,
    "$SYS/#": 0x87,
    TOPIC: 0x87,
}


@pytest.mark.parametrize("level", [4, 5])
async def test_a_device_may_subscribe_to_its_own_topics_only(house, level):
    peer = await house.device(level)
    answer = await peer.ask(subscribe(*FILTERS, qos=1))
    assert isinstance(answer, Suback)
    assert list(answer.reason_codes) == [code if level == 5 else min(code, 0x80) for code in FILTERS.values()]
    if level == 5:
        assert "QoS 0" in (answer.properties.reason_string or "")
        shared = await peer.ask(subscribe(f"$share/me/{RECEIPTS}"))
        assert shared.reason_codes == (ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,)


async def test_receipts_come_for_every_element_until_the_device_unsubscribes(house):
    peer = await house.device(4)
    await peer.ask(subscribe(RECEIPTS))
    body = b'[{"id":"a","rain_mm":1},{"id":2,"rain_mm":-1},3]'
    peer.send(publish(1, body=body), publish(2, qos=0))
    packets = await peer.take(5)
    assert packets[0] == Puback(1)
    assert {(packet.topic, packet.qos) for packet in packets[1:]} == {(RECEIPTS, 0)}
    assert [json.loads(packet.payload) for packet in packets[1:]] == [
        {"id": "a", "status": "stored", "reason": None},
        {"id": "2", "status": "refused", "reason": "impossible_value", "detail": "rain_mm = -1 is outside 0 to 500 mm"},
        {"id": None, "status": "refused", "reason": "not_an_object", "detail": "an event is a JSON object"},
        {"id": "2", "status": "stored", "reason": None},
    ]
    assert await peer.ask(Unsubscribe(packet_id=3, topic_filters=(RECEIPTS,))) == Unsuback(packet_id=3)
    assert await peer.ask(publish(4)) == Puback(4)
    assert await peer.silent()


async def test_unsubscribing_from_nothing_is_said_in_mqtt_5(house):
    peer = await house.device(5)
    answer = await peer.ask(Unsubscribe(packet_id=3, topic_filters=(RECEIPTS, "x")))
    assert set(answer.reason_codes) == {ReasonCode.NO_SUBSCRIPTION_EXISTED}


async def test_a_gateway_is_told_which_device_a_receipt_is_about(house):
    house.store.change(devices=[device("gate", gateway=True), device("child", parent="gate")])
    gate = await house.device(5, key=house.store.change(device="gate"), name="gate")
    await gate.ask(subscribe("ioc/v1/receipts/gate"))
    gate.send(publish(1, topic="ioc/v1/rainfall/child"))
    _, receipt = await gate.take(2)
    assert json.loads(receipt.payload) == {"id": "1", "status": "stored", "reason": None, "device": "child"}


async def test_a_full_intake_pauses_the_socket_and_loses_nothing_and_others_get_through_later():
    """The log stalls: the queue stops at its bound, so does what is read; afterwards all is stored, in turn."""
    sink, total, bound = HeldSink(held=True), 600, 100
    async with house_of(sink, queue_rows_max=bound, batch_rows=10) as house:
        greedy = await house.device()
        other = await house.device(key=house.store.change(device="rain-2"), name="rain-2")
        greedy.send(*[publish(number) for number in range(1, total + 1)])
        await asyncio.sleep(0.1)
        other.send(publish(1, topic="ioc/v1/rainfall/rain-2"))
        await asyncio.sleep(0.1)
        assert house.pipeline._rows == bound
        assert house.metric("ioc_ingest_full_total", door="mqtt") == 2, "one pause for each connection"
        assert await greedy.silent()
        sink.open.set()
        assert await other.next() == Puback(1)
        assert len(sink.items) < total, "the other did not wait until the greedy one was through"
        assert await greedy.take(total) == [Puback(number) for number in range(1, total + 1)]
        assert len(sink.messages) == total + 1


async def test_the_door_lives_on_when_the_last_that_waited_for_room_has_gone():
    """Its key is revoked while the log stalls; then there is room again, and nobody to give it to."""
    sink = HeldSink(held=True)
    async with house_of(sink, queue_rows_max=10, bounds=MQTTBounds(sweep_seconds=0.05, linger_seconds=0.1)) as house:
        key = house.store.change(device="rain-2")
        greedy = await house.device(key=key, name="rain-2")
        greedy.send(*[publish(number, topic="ioc/v1/rainfall/rain-2") for number in range(1, 31)])
        await asyncio.sleep(0.1)
        house.store.change(without_key=key)
        await house.registry.refresh()
        assert await greedy.hung_up()
        async with asyncio.timeout(5):
            while house.metric("ioc_mqtt_connections"):
                await asyncio.sleep(0.01)
        sink.open.set()
        other = await house.device()
        assert await other.ask(publish(1)) == Puback(1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(house.door.broken(), 0.1)


async def test_unacknowledged_messages_of_one_connection_are_bounded_while_pings_are_answered():
    sink = HeldSink(held=True)
    async with house_of(sink, bounds=MQTTBounds(inflight_max=10)) as house:
        peer = await house.device(5)
        peer.send(*[publish(number) for number in range(1, 11)], Pingreq())
        assert await peer.next() == Pingresp()
        peer.send(*[publish(number) for number in range(11, 51)])
        await asyncio.sleep(0.1)
        assert house.pipeline._rows == 10
        sink.open.set()
        assert await peer.take(50) == [Puback(number) for number in range(1, 51)]


async def _most_in_one_turn(house, peers, count):
    """Return how many messages at most the door took in one turn of the event loop."""
    for peer in peers:
        peer.send(*[publish(number) for number in range(1, count + 1)])
    most = before = 0
    while before < len(peers) * count:
        await asyncio.sleep(0)
        now = house.pipeline.rows
        most, before = max(most, now - before), now
    return most


@pytest.mark.parametrize("slice_bytes", [2_000, 1 << 30])
async def test_a_burst_is_read_in_slices_so_that_a_commit_under_way_is_heard(monkeypatch, slice_bytes):
    """With a slice that is never used up (the mutant) the same burst is read in large pieces."""
    monkeypatch.setattr(read_scheduler, "SLICE_BYTES", slice_bytes)
    async with house_of(HeldSink(held=True)) as house:
        peers = [await house.device(), await house.device(name="rain-2", key=house.store.change(device="rain-2"))]
        most = await _most_in_one_turn(house, peers, 300)
    assert (most <= 2_000 // read_scheduler.MESSAGE_BYTES + 1) is (slice_bytes == 2_000)


async def test_every_answer_of_one_commit_says_what_became_of_its_own_message(house, sink):
    """Messages that share a bundle, good and bad, at QoS 0, 1 and 2."""
    peer = await house.device(5)
    bad: dict[str, Any] = {"body": b'{"rain_mm":"wet"}'}
    peer.send(publish(1), publish(2, **bad), publish(3, qos=0), publish(4, body=b'[{"rain_mm":1},{"rain_mm":2}]'),
              publish(5, qos=2, **bad), publish(6, topic="rain-1"), publish(7, qos=2))  # fmt: skip
    answers = await peer.take(6)
    assert [(type(answer), answer.packet_id, answer.reason_code) for answer in answers] == [
        (Puback, 1, ReasonCode.SUCCESS), (Puback, 2, ReasonCode.PAYLOAD_FORMAT_INVALID),
        (Puback, 4, ReasonCode.SUCCESS), (Pubrec, 5, ReasonCode.PAYLOAD_FORMAT_INVALID),
        (Puback, 6, ReasonCode.NOT_AUTHORIZED), (Pubrec, 7, ReasonCode.SUCCESS),
    ]  # fmt: skip
    assert len(sink.items) == 8


async def test_a_client_paused_by_us_is_not_cut_for_its_silence():
    sink = HeldSink(held=True)
    async with house_of(sink, bounds=MQTTBounds(inflight_max=1, sweep_seconds=0.05)) as house:
        peer = await house.device(keep_alive_s=1)
        peer.send(publish(1), publish(2))
        await asyncio.sleep(2)
        sink.open.set()
        assert await peer.take(2) == [Puback(1), Puback(2)]


async def test_receipts_of_an_array_of_a_thousand_all_come_however_small_the_buffer(sink):
    """The client has a session without length and reads slowly: nothing of what it is told is lost meanwhile."""
    async with house_of(sink, bounds=MQTTBounds(write_buffer_bytes_max=4_096, sweep_seconds=0.05)) as house:
        peer = await house.device()
        await peer.ask(subscribe(RECEIPTS))
        ids = [f"{number:0100}" for number in range(1_000)]
        body = json.dumps([{"id": name, "rain_mm": 1} for name in ids]).encode()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it reads as well
        for number in (1, 2):
            peer.writer.write(encode(Publish(topic=TOPIC, payload=body, qos=1, packet_id=number), 4))
        await asyncio.sleep(0.5)
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        told: list[str] = []
        while len(told) < 2 * len(ids):
            packet = await peer.next()
            if isinstance(packet, Publish):
                told.append(json.loads(packet.payload)["id"])
        assert told == ids * 2
        assert not house.metric("ioc_mqtt_receipts_dropped_total")


async def test_a_client_that_does_not_read_costs_a_bounded_buffer_and_is_read_no_more(sink):
    """It asks for receipts and never reads: a commit's receipts wait, and its socket is left alone."""
    async with house_of(sink, bounds=MQTTBounds(write_buffer_bytes_max=4_096, sweep_seconds=0.05)) as house:
        peer = await house.device()
        await peer.ask(subscribe(RECEIPTS))
        [connection] = house.door.connections
        body = json.dumps([{"id": f"{n:0200}", "rain_mm": 1} for n in range(500)]).encode()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it reads as well
        for number in range(1, 200):
            peer.writer.write(encode(Publish(topic=TOPIC, payload=body, qos=1, packet_id=number), 4))
        await asyncio.sleep(1.5)
        taken, live = len(sink.items), connection._live
        assert live is not None
        assert live.writer._unsent_bytes <= UNSENT_BYTES_MAX
        assert {Pause.UNSENT, Pause.UNREAD} <= connection._pauses
        assert 0 < taken < 200 * 500, "what was sent beyond waits in the socket"
        await asyncio.sleep(0.3)
        assert len(sink.items) == taken
