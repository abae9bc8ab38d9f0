"""What the MQTT codec holds in memory, and what it does with a PUBLISH above its bound."""

from __future__ import annotations

import tracemalloc

import pytest

from ioc.ingest.mqtt.codec.decoder import HEAD_BYTES_MAX, Decoder
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import NO_PROPERTIES, Oversize, Properties, Puback, Publish
from ioc.ingest.mqtt.codec.reasons import ProtocolViolation, ReasonCode


@pytest.mark.parametrize("iterates", [True, False])
def test_chunks_fed_before_iterating_do_not_disturb_an_oversize_publish(iterates):
    after = Publish(topic="t", payload=b"1")
    big = encode(Publish(topic="t", payload=b"x" * 20_000, qos=1, packet_id=1), 4)
    decoder = Decoder(1_000, protocol_level=4)
    decoder.feed(big[:6_000])
    if iterates:
        assert list(decoder) == []
    decoder.feed(big[6_000:])
    decoder.feed(encode(after, 4))
    decoder.feed(encode(Puback(2), 4))
    oversize, *others = decoder
    assert isinstance(oversize, Oversize)
    assert oversize.payload_bytes == 20_000
    assert others == [after, Puback(2)]


def test_an_oversize_publish_of_64_mb_takes_bounded_memory_even_if_nobody_iterates():
    decoder = Decoder(65_536, protocol_level=4)
    body = b"\x00\x01t\x00\x01"
    chunk = b"x" * 65_536
    decoder.feed(b"\x32" + encode_length(len(body) + 1_024 * len(chunk)) + body)
    tracemalloc.start()
    for turn in range(1_024):
        decoder.feed(chunk)
        if turn < 512:
            assert list(decoder) == []
            assert decoder.held_bytes <= 65_536 + HEAD_BYTES_MAX + len(chunk)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 600_000
    (oversize,) = decoder
    assert isinstance(oversize, Oversize)
    assert (oversize.payload_bytes, oversize.packet_id, oversize.qos) == (1_024 * len(chunk), 1, 1)
    assert decoder.held_bytes == 0


def test_an_idle_connection_holds_nothing_of_its_last_chunk():
    decoder = Decoder(65_536, protocol_level=4)
    decoder.feed(encode(Publish(topic="t", payload=b"x" * 10_000), 4) + b"\x30")
    assert len(list(decoder)) == 1
    assert decoder.held_bytes == 1


def test_a_byte_more_of_an_unfinished_packet_does_not_copy_the_packet():
    """Else a sender of single bytes would cost quadratic time."""
    payload = b"x" * 200_000
    data = encode(Publish(topic="t", payload=payload), 4)
    decoder = Decoder(262_144, protocol_level=4)
    decoder.feed(data[:150_000])
    assert list(decoder) == []
    tracemalloc.start()
    for position in range(150_000, 150_100):
        decoder.feed(data[position : position + 1])
        assert list(decoder) == []
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    decoder.feed(data[150_100:])
    assert list(decoder) == [Publish(topic="t", payload=payload)]
    assert peak_bytes < 300_000


@pytest.mark.parametrize("level", [4, 5])
def test_an_oversize_publish_whose_topic_or_properties_alone_pass_the_bound_is_a_violation(level):
    properties = Properties(correlation_data=b"x" * 20_000) if level == 5 else NO_PROPERTIES
    topic = "t" if level == 5 else "t" * 20_000
    data = encode(Publish(topic=topic, payload=b"", properties=properties), level)
    decoder = Decoder(1_000, protocol_level=level)
    decoder.feed(data)
    with pytest.raises(ProtocolViolation) as caught:
        list(decoder)
    assert caught.value.reason_code is ReasonCode.PACKET_TOO_LARGE


def encode_length(length: int) -> bytes:
    """A remaining length of four bytes."""
    return bytes(length >> shift & 0x7F | (0x80 if shift < 21 else 0) for shift in (0, 7, 14, 21))
