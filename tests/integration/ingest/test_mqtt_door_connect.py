"""Who may come in over MQTT, what they are told, and how they are sent away."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ioc.domain.people.account import KeyKind, new_key
from ioc.ingest.mqtt.codec.packets import Auth, Connect, Disconnect, Pingreq, Pingresp, Properties, Puback
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.connect import MQTTBounds
from ioc.ingest.mqtt.limits import MQTTLimits
from tests.integration.ingest.mqtt_house import HeldSink, device, house_of, publish

LEVELS = pytest.mark.parametrize("level", [4, 5])
QUICK: dict[str, Any] = {"sweep_seconds": 0.02, "linger_seconds": 0.2}


@pytest.fixture
async def house():
    async with house_of(HeldSink()) as house:
        yield house


@LEVELS
@pytest.mark.parametrize(
    ("name", "key", "code"),
    [
        ("rain-1", "ioc_device_nonsense", ReasonCode.BAD_USER_NAME_OR_PASSWORD),
        ("rain-1", "well-formed", ReasonCode.BAD_USER_NAME_OR_PASSWORD),
        ("rain-2", "good", ReasonCode.BAD_USER_NAME_OR_PASSWORD),
        ("nobody", "good", ReasonCode.BAD_USER_NAME_OR_PASSWORD),
        ("rain-1", "feed", ReasonCode.NOT_AUTHORIZED),
        ("rain-1", None, ReasonCode.NOT_AUTHORIZED),
        (None, None, ReasonCode.NOT_AUTHORIZED),
    ],
)
async def test_without_its_own_device_key_nobody_comes_in(house, level, name, key, code):
    """3.1.1 knows codes 4 and 5, which the codec reads back as these two reasons."""
    keys = {"well-formed": new_key(KeyKind.DEVICE), "good": house.key, "feed": house.store.change(kind=KeyKind.FEED)}
    peer = await house.peer()
    answer = await peer.connect(level, keys.get(key, key), name=name)
    assert answer.reason_code is code
    assert await peer.hung_up()
    assert house.metric("ioc_mqtt_refused_total", reason=code.name.lower()) == 1


async def test_a_connack_of_mqtt_5_announces_every_bound(house):
    peer = await house.peer()
    wish = Properties(session_expiry_s=3_600)
    answer = await peer.connect(5, house.key, client_id="", properties=wish)
    told = answer.properties
    assert answer.reason_code is ReasonCode.SUCCESS
    assert not answer.session_present
    assert told.receive_maximum == 2_000
    assert told.maximum_packet_bytes == (256 << 10) + 4_096
    assert (told.retain_available, told.wildcard_subscription_available) == (False, True)
    assert (told.subscription_identifiers_available, told.shared_subscription_available) == (False, False)
    assert (told.topic_alias_maximum, told.maximum_qos) == (0, None)
    assert told.session_expiry_s is None, "it is granted as asked"
    assert told.server_keep_alive_s == 3_600, "none was asked"
    assert told.assigned_client_id is not None
    assert told.assigned_client_id.startswith("rain-1-")


async def test_a_client_that_takes_no_packet_as_long_as_our_bounds_is_told_so(house):
    peer = await house.peer()
    answer = await peer.connect(5, house.key, properties=Properties(maximum_packet_bytes=12))
    assert answer.reason_code is ReasonCode.PACKET_TOO_LARGE
    assert await peer.hung_up()


@pytest.mark.parametrize(("asked", "told"), [(0, 3_600), (60, None), (3_600, None), (3_601, 3_600)])
async def test_a_keep_alive_above_an_hour_is_shortened(house, asked, told):
    answer = await (await house.peer()).connect(5, house.key, keep_alive_s=asked)
    assert answer.properties.server_keep_alive_s == told


async def test_a_3_1_1_client_without_client_id_needs_a_clean_session(house):
    assert (await (await house.peer()).connect(4, house.key, client_id="")).reason_code is ReasonCode.SUCCESS
    peer = await house.peer()
    answer = await peer.connect(4, house.key, client_id="", clean_start=False)
    assert answer.reason_code is ReasonCode.CLIENT_IDENTIFIER_NOT_VALID
    assert await peer.hung_up()


async def test_keys_made_a_moment_ago_open_the_door_one_right_after_the_other():
    """The second comes within the second in which the door asks only once: it waits, and is not sent away."""
    bounds = MQTTBounds(refresh_seconds=0.5, **QUICK)
    async with house_of(HeldSink(), bounds=bounds) as house:
        for name in ("rain-9", "rain-10"):
            fresh = house.store.change(devices=[device(name)], device=name)  # nobody has told the door
            assert (await (await house.peer()).connect(5, fresh, name=name)).reason_code is ReasonCode.SUCCESS


async def test_a_flood_of_unknown_keys_costs_one_read_a_second():
    bounds = MQTTBounds(refresh_seconds=0.5, limits=MQTTLimits(refusal_seconds_max=0), **QUICK)
    async with house_of(HeldSink(), bounds=bounds) as house:
        before = house.store.reads
        answers = await asyncio.gather(*[
            (await house.peer()).connect(4, new_key(KeyKind.DEVICE), name="rain-9") for _ in range(50)
        ])  # fmt: skip
        assert {answer.reason_code for answer in answers} == {ReasonCode.BAD_USER_NAME_OR_PASSWORD}
        assert house.store.reads - before <= 2


@LEVELS
async def test_an_unknown_key_is_no_lie_while_the_database_is_away(house, level):
    house.store.available = False
    peer = await house.peer()
    answer = await peer.connect(level, new_key(KeyKind.DEVICE))
    assert answer.reason_code is ReasonCode.SERVER_UNAVAILABLE
    known = await house.device(level)
    assert await known.ask(publish(1)) == Puback(1), "who is known is served from memory"


@LEVELS
async def test_a_second_connection_of_a_device_takes_over_from_the_first(house, level):
    first = await house.device(level, client_id="same")
    other = house.store.change(device="rain-2")
    await house.registry.refresh()
    neighbour = await house.device(level, key=other, name="rain-2", client_id="same")
    second = await house.device(level, client_id="another")
    if level == 5:
        assert await first.next() == Disconnect(ReasonCode.SESSION_TAKEN_OVER)
    assert await first.hung_up()
    assert await second.ask(publish(1)) == Puback(1)
    topic = "ioc/v1/rainfall/rain-2"
    assert await neighbour.ask(publish(2, topic=topic)) == Puback(2), "a client id takes nothing from another device"


async def test_a_revoked_key_closes_the_live_connection_within_two_seconds(house):
    peers = [await house.device(5), await house.device(4, key=house.store.change(device="rain-2"), name="rain-2")]
    house.store.change(without_key=house.key)
    started = time.monotonic()
    await house.registry.refresh()
    peers[0].send(publish(1))
    assert await peers[0].next() == Disconnect(ReasonCode.NOT_AUTHORIZED)
    assert await peers[0].hung_up()
    assert time.monotonic() - started < 2
    assert house.metric("ioc_mqtt_refused_total", reason="key_gone") == 1
    assert await peers[1].ask(Pingreq()) == Pingresp(), "others stay"
    answer = await (await house.peer()).connect(5, house.key)
    assert answer.reason_code is ReasonCode.BAD_USER_NAME_OR_PASSWORD


async def test_a_key_that_expires_closes_the_live_connection_without_any_change(house):
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    peer = await house.device(5, key=house.store.change(device="rain-2", expires_at=soon), name="rain-2")
    assert await peer.next() == Disconnect(ReasonCode.NOT_AUTHORIZED)


async def test_a_client_that_goes_silent_is_cut_after_one_and_a_half_keep_alives_and_pings_keep_it():
    async with house_of(HeldSink(), bounds=MQTTBounds(**QUICK)) as house:
        silent = await house.device(5, keep_alive_s=1)
        alive = await house.device(4, key=house.store.change(device="rain-2"), name="rain-2", keep_alive_s=1)
        started = time.monotonic()
        for _ in range(4):
            await asyncio.sleep(0.6)
            assert await alive.ask(Pingreq()) == Pingresp()
        assert await silent.next() == Disconnect(ReasonCode.KEEP_ALIVE_TIMEOUT)
        assert await silent.hung_up()
        assert time.monotonic() - started >= 1.5
        assert house.metric("ioc_mqtt_refused_total", reason="keep_alive_timeout") == 1


async def test_a_socket_without_connect_or_with_half_of_one_is_closed_after_the_deadline():
    async with house_of(HeldSink(), bounds=MQTTBounds(connect_seconds=0.2, **QUICK)) as house:
        quiet, slow = await house.peer(), await house.peer()
        slow.writer.write(b"\x10\x20\x00\x04MQ")
        assert await quiet.hung_up()
        assert await slow.hung_up()
        assert house.metric("ioc_mqtt_refused_total", reason="connect_timeout") == 2


async def test_more_connections_than_allowed_are_closed_at_once_and_those_inside_stay():
    async with house_of(HeldSink(), bounds=MQTTBounds(connections_max=2, **QUICK)) as house:
        inside = await house.device()
        second = await house.peer()
        await asyncio.sleep(0.05)
        assert await (await house.peer()).hung_up()
        assert house.metric("ioc_mqtt_refused_total", reason="connections_max") == 1
        assert house.metric("ioc_mqtt_connections") == 2
        assert await inside.ask(publish(1)) == Puback(1)
        second.writer.close()
        await asyncio.sleep(0.1)
        assert await (await house.device()).ask(publish(2)) == Puback(2), "a place is free again"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\x10\x0c\x00\x04MQTT\x03\x02\x00\x3c\x00\x00", 1),  # level 3: an answer that old clients understand
        (b"\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x00", 1),
    ],
)
async def test_an_older_protocol_is_told_so(house, raw, code):
    peer = await house.peer()
    peer.writer.write(raw)
    assert await peer.reader.read(100) == bytes((0x20, 2, 0, code))


@pytest.mark.parametrize(
    "raw",
    [
        b"\x30\x03\x00\x01a",
        b"\xc0\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"\x00\x00",
        b"\x10\xff\xff\xff\xff",
    ],
)
async def test_what_is_no_connect_is_hung_up_on(house, raw):
    peer = await house.peer()
    peer.writer.write(raw)
    assert await peer.hung_up()
    await house.device()


@pytest.mark.parametrize("packet", [Auth(), Connect(protocol_level=5, client_id="again")])
async def test_a_protocol_violation_ends_the_connection_with_its_reason(house, packet):
    peer = await house.device(5)
    assert await peer.ask(packet) == Disconnect(ReasonCode.PROTOCOL_ERROR)
    assert await peer.hung_up()


async def test_bytes_one_by_one_are_the_same_packets(house):
    from ioc.ingest.mqtt.codec.encoder import encode

    peer = await house.peer()
    connect = Connect(protocol_level=4, client_id="x", username="rain-1", password=house.key.encode())
    for byte in encode(connect, 4) + encode(publish(1), 4):
        peer.writer.write(bytes((byte,)))
        await peer.writer.drain()
    assert len(await peer.take(2)) == 2


async def test_what_follows_a_connect_in_the_same_chunk_waits_for_the_look_up(house):
    fresh = house.store.change(devices=[device("rain-9")], device="rain-9")
    peer = await house.peer()
    connect = Connect(protocol_level=4, client_id="x", username="rain-9", password=fresh.encode())
    peer.send(connect, publish(1, topic="ioc/v1/rainfall/rain-9"), Pingreq())
    assert [type(packet).__name__ for packet in await peer.take(3)] == ["Connack", "Pingresp", "Puback"]


@LEVELS
async def test_a_stop_acknowledges_what_was_submitted_says_goodbye_and_closes(level):
    sink = HeldSink(held=True)
    async with house_of(sink) as house:
        peer = await house.device(level)
        peer.send(publish(1))
        await asyncio.sleep(0.05)
        stopping = asyncio.create_task(house.door.stop(5))
        await asyncio.sleep(0.05)
        peer.send(publish(2))
        sink.open.set()
        assert await peer.next() == Puback(1)
        if level == 5:
            assert await peer.next() == Disconnect(ReasonCode.SERVER_SHUTTING_DOWN)
        assert await peer.hung_up()
        peer.writer.close()
        await stopping
        assert [message.id for message in sink.messages] == ["1"], "what came after the stop is the client's again"
        with pytest.raises(OSError):  # noqa: PT011 - refused or reset, as the system says it
            await asyncio.open_connection("127.0.0.1", house.port)
