"""The client's packets are those of the standard, and any stream of bytes is cut into them alike."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.ingest.mqtt.codec.decoder import Decoder
from ioc.ingest.mqtt.codec.packets import Connect, Publish, Subscribe
from mqtt_client.packets import (
    MQTT_5,
    MQTT_311,
    PACKET_BYTES_MAX,
    PacketType,
    ProtocolError,
    Station,
    Will,
    answer,
    connect,
    incoming,
    packet,
    publish,
    read_packet,
    split,
    subscribe,
)

GAUGE = Station("gauge-1", "key", 1883)


def test_a_connect_byte_by_byte():
    assert connect(GAUGE, clean_start=True) == (
        b"\x10\x21\x00\x04MQTT\x04\xc2\x00\x3c\x00\x07gauge-1\x00\x07gauge-1\x00\x03key"
    )


@pytest.mark.parametrize("level", [MQTT_311, MQTT_5])
def test_the_door_s_own_codec_reads_the_same(level: int):
    """The one place where the two meet: elsewhere neither knows the other."""
    will = Will("ioc/v1/rainfall/gauge-1", b"{}")
    decoder = Decoder(max_packet_bytes=1_000)
    sent = connect(GAUGE, clean_start=False, keep_alive_seconds=300, level=level, will=will)
    sent += publish("ioc/v1/rainfall/gauge-1", 7, b"[]", again=True, level=level)
    sent += subscribe("ioc/v1/receipts/gauge-1", 8, level=level)
    decoder.feed(sent)
    greeting, reading, asked = list(decoder)
    assert isinstance(greeting, Connect)
    assert isinstance(reading, Publish)
    assert isinstance(asked, Subscribe)
    assert (greeting.client_id, greeting.username, greeting.password) == ("gauge-1", "gauge-1", b"key")
    assert (greeting.keep_alive_s, greeting.clean_start, greeting.protocol_level) == (300, False, level)
    assert greeting.will is not None
    assert (greeting.will.topic, bytes(greeting.will.payload), greeting.will.qos) == (will.topic, b"{}", 1)
    assert (reading.topic, bytes(reading.payload), reading.packet_id, reading.dup) == (will.topic, b"[]", 7, True)
    assert [one.topic_filter for one in asked.subscriptions] == ["ioc/v1/receipts/gauge-1"]


@pytest.mark.parametrize("level", [MQTT_311, MQTT_5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_message_is_read_as_it_was_written(level: int, qos: int):
    first, body = split(bytearray(publish("a/b", 300, b"payload", qos=qos, level=level)))[0]
    message = incoming(first, body, level=level)
    assert (message.topic, message.payload, message.qos) == ("a/b", b"payload", qos)
    assert message.packet_id == (300 if qos else 0)


packets = st.lists(st.tuples(st.integers(1, 14).map(lambda kind: kind << 4), st.binary(max_size=400)), max_size=6)


@given(packets, st.lists(st.integers(0, 2_500), max_size=6))
def test_packets_are_the_same_however_the_stream_is_cut(given_packets, cuts):
    stream = b"".join(packet(first, body) for first, body in given_packets)
    held, found, at = bytearray(), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        held += stream[at:cut]
        found += split(held)
        at = max(at, cut)
    assert found == given_packets
    assert held == b""


def test_an_answer_to_a_release_has_its_reserved_bits():
    assert answer(PacketType.PUBREL, 5) == b"\x62\x02\x00\x05"
    assert answer(PacketType.PUBACK, 5) == b"\x40\x02\x00\x05"


def test_a_size_that_no_door_would_send_is_refused():
    with pytest.raises(ProtocolError):
        split(bytearray(b"\x30\xff\xff\xff\xff\x01"))
    with pytest.raises(ProtocolError):
        split(bytearray(packet(0x30, bytes(PACKET_BYTES_MAX + 1))))


async def test_a_stream_is_read_packet_by_packet():
    reader = asyncio.StreamReader()
    reader.feed_data(packet(0x30, bytes(300)) + b"\xd0\x00")
    reader.feed_eof()
    assert await read_packet(reader) == (PacketType.PUBLISH, bytes(300))
    assert await read_packet(reader) == (PacketType.PINGRESP, b"")
