"""What the MQTT codec refuses, and with which reason code."""

from __future__ import annotations

import pytest

from ioc.ingest.mqtt.codec.decoder import Decoder
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import (
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Properties,
    Puback,
    Publish,
    Sender,
    Suback,
    Subscribe,
    Subscription,
    Unsubscribe,
)
from ioc.ingest.mqtt.codec.parser import FILTERS_MAX
from ioc.ingest.mqtt.codec.properties import REPEATS_MAX
from ioc.ingest.mqtt.codec.reasons import ProtocolViolation, ReasonCode, Unencodable, return_code

MALFORMED = ReasonCode.MALFORMED_PACKET
PROTOCOL = ReasonCode.PROTOCOL_ERROR
VERSION = ReasonCode.UNSUPPORTED_PROTOCOL_VERSION

CONNECTS: list[tuple[str, ReasonCode, str]] = [
    ("protocol name MQIsdp (3.1)", VERSION, "10 0F 0006 4D5149736470 03 02 0000 0001 61"),
    ("protocol name in lower case", VERSION, "10 0D 0004 6D717474 04 02 0000 0001 61"),
    ("protocol level 6", VERSION, "10 0D 0004 4D515454 06 02 0000 0001 61"),
    ("reserved connect flag", MALFORMED, "10 0D 0004 4D515454 04 03 0000 0001 61"),
    ("will QoS without a will", MALFORMED, "10 0D 0004 4D515454 04 0A 0000 0001 61"),
    ("will retain without a will", MALFORMED, "10 0D 0004 4D515454 04 22 0000 0001 61"),
    ("will at QoS 3", MALFORMED, "10 12 0004 4D515454 04 1E 0000 0001 61 0001 77 0000"),
    ("will topic with a wildcard", MALFORMED, "10 12 0004 4D515454 04 06 0000 0001 61 0001 23 0000"),
    ("3.1.1 password without a user name", MALFORMED, "10 10 0004 4D515454 04 42 0000 0001 61 0001 70"),
    (
        "3.1.1 lasting session without a client identifier",
        ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
        "10 0C 0004 4D515454 04 00 0000 0000",
    ),
    ("bytes behind the last field", MALFORMED, "10 0E 0004 4D515454 04 02 0000 0001 61 00"),
    ("client identifier cut off", MALFORMED, "10 0D 0004 4D515454 04 02 0000 0002 61"),
    ("client identifier with U+0000", MALFORMED, "10 0D 0004 4D515454 04 02 0000 0001 00"),
    ("client identifier with a surrogate", MALFORMED, "10 0F 0004 4D515454 04 02 0000 0003 EDA080"),
    ("client identifier with an overlong form", MALFORMED, "10 0E 0004 4D515454 04 02 0000 0002 C080"),
    ("receive maximum 0", PROTOCOL, "10 11 0004 4D515454 05 02 0000 03 21 0000 0001 61"),
    ("maximum packet size 0", PROTOCOL, "10 13 0004 4D515454 05 02 0000 05 27 00000000 0001 61"),
    ("request problem information 2", PROTOCOL, "10 10 0004 4D515454 05 02 0000 02 17 02 0001 61"),
    ("session expiry twice", PROTOCOL, "10 18 0004 4D515454 05 02 0000 0A 11 00000001 11 00000001 0001 61"),
    ("a PUBLISH's property", MALFORMED, "10 11 0004 4D515454 05 02 0000 03 23 0001 0001 61"),
    ("unknown property", MALFORMED, "10 10 0004 4D515454 05 02 0000 02 7F 00 0001 61"),
    ("property cut off by its block", MALFORMED, "10 10 0004 4D515454 05 02 0000 02 21 00 0001 61"),
    ("properties longer than the packet", MALFORMED, "10 0E 0004 4D515454 05 02 0000 7F 0001 61"),
    ("properties' length in too many bytes", MALFORMED, "10 0F 0004 4D515454 05 02 0000 8000 0001 61"),
    ("authentication data without a method", PROTOCOL, "10 12 0004 4D515454 05 02 0000 04 16 0001 64 0001 61"),
    ("publish before connect", PROTOCOL, "30 03 0001 74"),
    ("pingreq before connect", PROTOCOL, "C0 00"),
    ("an HTTP request", MALFORMED, b"GET / HTTP/1.1\r\n\r\n".hex()),
    ("a TLS hello", MALFORMED, "16 03 01 02 00"),
    ("connect with flags", MALFORMED, "11 0D"),
    ("packet type 0", MALFORMED, "00 00"),
]

AFTER_CONNECT: list[tuple[str, int, ReasonCode, str]] = [
    ("a second connect", 4, PROTOCOL, "10 0D 0004 4D515454 04 02 0000 0001 61"),
    ("a server's packet", 4, PROTOCOL, "20 02 00 00"),
    ("publish at QoS 3", 4, MALFORMED, "36 05 0001 74 0001"),
    ("publish repeated at QoS 0", 4, MALFORMED, "38 03 0001 74"),
    ("publish with packet identifier 0", 4, PROTOCOL, "32 05 0001 74 0000"),
    ("publish with an empty topic", 4, MALFORMED, "30 02 0000"),
    ("publish to +", 4, MALFORMED, "30 05 0003 612F2B"),
    ("publish to #", 4, MALFORMED, "30 03 0001 23"),
    ("publish with U+0000 in its topic", 4, MALFORMED, "30 04 0002 6100"),
    ("publish with half a character in its topic", 4, MALFORMED, "30 03 0001 C4"),
    ("publish whose topic is cut off", 4, MALFORMED, "30 03 0002 74"),
    ("publish without a packet identifier", 4, MALFORMED, "32 04 0001 74 00"),
    ("publish of one byte", 4, MALFORMED, "30 01 00"),
    ("empty publish", 4, MALFORMED, "30 00"),
    ("5 publish without properties", 5, MALFORMED, "30 03 0001 74"),
    ("5 publish without topic or alias", 5, PROTOCOL, "30 03 0000 00"),
    ("5 publish with alias 0", 5, ReasonCode.TOPIC_ALIAS_INVALID, "30 06 0000 03 23 0000"),
    ("5 publish with an alias that was not offered", 5, ReasonCode.TOPIC_ALIAS_INVALID, "30 06 0000 03 23 0001"),
    ("5 publish with a subscription identifier", 5, PROTOCOL, "30 06 0001 74 02 0B 01"),
    ("5 publish with a wildcard in its response topic", 5, MALFORMED, "30 08 0001 74 04 08 0001 23"),
    ("5 publish with payload format 2", 5, PROTOCOL, "30 06 0001 74 02 01 02"),
    ("5 publish with content type twice", 5, PROTOCOL, "30 0C 0001 74 08 03 0001 61 03 0001 61"),
    ("5 publish whose properties are cut off", 5, MALFORMED, "30 05 0001 74 02 01"),
    ("puback with flags", 4, MALFORMED, "41 02 0001"),
    ("puback with identifier 0", 4, PROTOCOL, "40 02 0000"),
    ("puback of three bytes in 3.1.1", 4, MALFORMED, "40 03 0001 00"),
    ("puback of one byte", 4, MALFORMED, "40 01 00"),
    ("5 puback with a reason it may not have", 5, PROTOCOL, "40 03 0001 8B"),
    ("5 puback with an unknown reason", 5, PROTOCOL, "40 03 0001 7F"),
    ("pubrel without its flags", 4, MALFORMED, "60 02 0001"),
    ("subscribe without its flags", 4, MALFORMED, "80 06 0001 0001 61 00"),
    ("subscribe with identifier 0", 4, PROTOCOL, "82 06 0000 0001 61 00"),
    ("subscribe without a filter", 4, PROTOCOL, "82 02 0001"),
    ("subscribe without options", 4, MALFORMED, "82 05 0001 0001 61"),
    ("subscribe at QoS 3", 4, PROTOCOL, "82 06 0001 0001 61 03"),
    ("subscribe with 5's options in 3.1.1", 4, MALFORMED, "82 06 0001 0001 61 04"),
    ("5 subscribe with reserved options", 5, MALFORMED, "82 07 0001 00 0001 61 40"),
    ("5 subscribe with retain handling 3", 5, PROTOCOL, "82 07 0001 00 0001 61 30"),
    ("5 subscribe with identifier property 0", 5, PROTOCOL, "82 09 0001 02 0B00 0001 61 00"),
    ("5 subscribe with two identifiers", 5, PROTOCOL, "82 0B 0001 04 0B01 0B02 0001 61 00"),
    ("subscribe to an empty filter", 4, MALFORMED, "82 05 0001 0000 00"),
    ("subscribe to a#", 4, MALFORMED, "82 07 0001 0002 6123 00"),
    ("5 shared subscription with no local", 5, PROTOCOL, "82 10 0001 00 000A 2473686172652F672F61 04"),
    ("5 shared subscription without a filter", 5, MALFORMED, "82 0E 0001 00 0008 2473686172652F67 00"),
    ("unsubscribe without a filter", 4, PROTOCOL, "A2 02 0001"),
    ("pingreq with a body", 4, MALFORMED, "C0 01 00"),
    ("3.1.1 disconnect with a body", 4, MALFORMED, "E0 01 00"),
    ("5 disconnect with behind its properties", 5, MALFORMED, "E0 03 00 00 00"),
    ("5 disconnect with a reason it may not have", 5, PROTOCOL, "E0 01 10"),
    ("auth in 3.1.1", 4, MALFORMED, "F0 00"),
    ("5 auth without a method", 5, PROTOCOL, "F0 02 18 00"),
    ("remaining length of five bytes", 4, MALFORMED, "30 80 80 80 80 01"),
    ("remaining length of five bytes, fifth not here yet", 4, MALFORMED, "C0 FF FF FF FF"),
    ("5 remaining length in too many bytes", 5, MALFORMED, "C0 80 00"),
    ("5 publish with its length in too many bytes", 5, MALFORMED, "30 84 00 0001 74 00"),
]

FROM_SERVER: list[tuple[str, int, ReasonCode, str]] = [
    ("a client's packet", 4, PROTOCOL, "C0 00"),
    ("connack with reserved flags", 4, MALFORMED, "20 02 02 00"),
    ("connack with an unknown return code", 4, PROTOCOL, "20 02 00 06"),
    ("connack that refuses with a session", 4, PROTOCOL, "20 02 01 05"),
    ("5 connack with a wrong reason", 5, PROTOCOL, "20 03 00 8E 00"),
    ("5 connack with maximum QoS 2", 5, PROTOCOL, "20 05 00 00 02 24 02"),
    ("3.1.1 suback with a code of 5", 4, PROTOCOL, "90 03 0001 87"),
    ("suback without codes", 4, PROTOCOL, "90 02 0001"),
    ("3.1.1 unsuback with a body", 4, MALFORMED, "B0 03 0001 00"),
    ("3.1.1 disconnect", 4, PROTOCOL, "E0 00"),
]


def violation_of(data: bytes, *, level: int | None, sender: Sender = Sender.CLIENT) -> ProtocolViolation:
    decoder = Decoder(262_144, protocol_level=level, sender=sender)
    decoder.feed(data)
    with pytest.raises(ProtocolViolation) as caught:
        list(decoder)
    return caught.value


@pytest.mark.parametrize(("reason", "wire"), [row[1:] for row in CONNECTS], ids=[row[0] for row in CONNECTS])
def test_a_wrong_beginning_is_refused_with_its_reason(reason, wire):
    assert violation_of(bytes.fromhex(wire), level=None).reason_code is reason


@pytest.mark.parametrize(
    ("level", "reason", "wire"), [row[1:] for row in AFTER_CONNECT], ids=[row[0] for row in AFTER_CONNECT]
)
def test_a_wrong_packet_is_refused_with_its_reason(level, reason, wire):
    assert violation_of(bytes.fromhex(wire), level=level).reason_code is reason


@pytest.mark.parametrize(
    ("level", "reason", "wire"), [row[1:] for row in FROM_SERVER], ids=[row[0] for row in FROM_SERVER]
)
def test_a_wrong_packet_of_a_server_is_refused_with_its_reason(level, reason, wire):
    assert violation_of(bytes.fromhex(wire), level=level, sender=Sender.SERVER).reason_code is reason


@pytest.mark.parametrize("wire", ["C0 80 00", "30 83 00 0001 74"])
def test_a_3_1_1_length_may_be_padded_because_that_standard_does_not_forbid_it(wire):
    decoder = Decoder(1_000, protocol_level=4)
    decoder.feed(bytes.fromhex(wire))
    assert len(list(decoder)) == 1


def test_the_version_is_known_for_the_refusal_even_if_the_rest_of_the_connect_is_wrong():
    decoder = Decoder(1_000)
    decoder.feed(bytes.fromhex("10 0D 0004 4D515454 05 03 0000 0001 61"))
    with pytest.raises(ProtocolViolation):
        list(decoder)
    assert decoder.protocol_level == 5


def test_good_packets_before_a_wrong_one_come_out_and_nothing_after_it():
    decoder = Decoder(1_000, protocol_level=4)
    decoder.feed(bytes.fromhex("40 02 0001  41 02 0002  40 02 0003"))
    packets = iter(decoder)
    assert next(packets) == Puback(1)
    with pytest.raises(ProtocolViolation):
        next(packets)
    decoder.feed(bytes.fromhex("40 02 0004"))
    with pytest.raises(ProtocolViolation):
        list(decoder)
    assert decoder.held_bytes == 0


def test_a_connect_above_its_own_bound_is_refused_before_its_body_arrives():
    decoder = Decoder(262_144, max_connect_bytes=100)
    decoder.feed(bytes.fromhex("10 64 0004"))
    with pytest.raises(ProtocolViolation) as caught:
        list(decoder)
    assert caught.value.reason_code is ReasonCode.PACKET_TOO_LARGE


def test_a_packet_other_than_publish_above_the_bound_is_refused_before_its_body_arrives():
    decoder = Decoder(100, protocol_level=4)
    decoder.feed(bytes.fromhex("82 63"))
    with pytest.raises(ProtocolViolation) as caught:
        list(decoder)
    assert caught.value.reason_code is ReasonCode.PACKET_TOO_LARGE


def test_a_topic_alias_that_was_offered_is_handed_on():
    decoder = Decoder(1_000, protocol_level=5, topic_alias_maximum=2)
    decoder.feed(bytes.fromhex("30 06 0000 03 23 0002  30 06 0000 03 23 0003"))
    packets = iter(decoder)
    assert next(packets) == Publish(topic="", payload=b"", properties=Properties(topic_alias=2))
    with pytest.raises(ProtocolViolation):
        next(packets)


def test_properties_seen_before_do_not_excuse_a_publish_without_a_topic():
    stream = "30 06 0001 74 02 01 01  30 05 0000 02 01 01"
    decoder = Decoder(1_000, protocol_level=5)
    decoder.feed(bytes.fromhex(stream))
    packets = iter(decoder)
    assert next(packets) == Publish(topic="t", payload=b"", properties=Properties(payload_format_indicator=True))
    with pytest.raises(ProtocolViolation) as caught:
        next(packets)
    assert caught.value.reason_code is PROTOCOL


def test_properties_seen_before_are_not_completed_from_the_next_packet():
    stream = "30 06 0001 74 02 01 01  30 05 0001 74 02 01  01"
    decoder = Decoder(1_000, protocol_level=5)
    decoder.feed(bytes.fromhex(stream))
    packets = iter(decoder)
    next(packets)
    with pytest.raises(ProtocolViolation) as caught:
        next(packets)
    assert caught.value.reason_code is MALFORMED


def test_topic_filters_and_repeated_properties_have_a_bound():
    filters = tuple(f"f/{number}" for number in range(FILTERS_MAX + 1))
    too_many = encode(Unsubscribe(packet_id=1, topic_filters=filters), 4)
    assert violation_of(too_many, level=4).reason_code is ReasonCode.QUOTA_EXCEEDED
    pairs = tuple(("k", str(number)) for number in range(REPEATS_MAX + 1))
    repeated = encode(Publish(topic="t", payload=b"", properties=Properties(user_properties=pairs)), 5)
    assert violation_of(repeated, level=5).reason_code is ReasonCode.QUOTA_EXCEEDED


@pytest.mark.parametrize(
    ("packet", "level"),
    [
        (Publish(topic="t" * 65_536, payload=b""), 4),
        (Publish(topic="a\0b", payload=b""), 4),
        (Publish(topic="\ud800", payload=b""), 4),
        (Publish(topic="t", payload=b"", qos=1), 4),
        (Publish(topic="t", payload=b"", packet_id=1), 4),
        (Publish(topic="t", payload=b"", qos=3, packet_id=1), 4),
        (Publish(topic="t", payload=b"", properties=Properties(receive_maximum=1)), 5),
        (Puback(65_536), 4),
        (Puback(1, ReasonCode.SERVER_SHUTTING_DOWN), 5),
        (Connect(protocol_level=5, client_id="a"), 4),
        (Connect(protocol_level=4, client_id="a", password=b"p"), 4),
        (Subscribe(packet_id=1, subscriptions=()), 4),
        (Subscribe(packet_id=1, subscriptions=(Subscription(topic_filter="a", retain_handling=3),)), 5),
        (Unsubscribe(packet_id=1, topic_filters=()), 5),
        (Auth(), 4),
        (Connack(properties=Properties(server_keep_alive_s=70_000)), 5),
    ],
)
def test_a_packet_that_does_not_fit_is_not_written(packet: Packet, level: int):
    with pytest.raises(Unencodable):
        encode(packet, level)


@pytest.mark.parametrize(
    ("packet", "wire"),
    [
        (Puback(1, ReasonCode.NOT_AUTHORIZED, Properties(reason_string="no")), "40 02 0001"),
        (Suback(packet_id=1, reason_codes=(ReasonCode.NOT_AUTHORIZED,)), "90 03 0001 80"),
        (Connack(reason_code=ReasonCode.BANNED), "20 02 00 05"),
        (Connack(reason_code=ReasonCode.SERVER_BUSY, properties=Properties(reason_string="x")), "20 02 00 03"),
        (Disconnect(ReasonCode.DISCONNECT_WITH_WILL), "E0 00"),
    ],
)
def test_a_3_1_1_peer_gets_what_its_version_can_say(packet: Packet, wire: str):
    assert encode(packet, 4) == bytes.fromhex(wire)


def test_every_reason_has_a_3_1_1_return_code():
    assert {return_code(reason) for reason in ReasonCode} == {0, 1, 2, 3, 4, 5}
    assert return_code(ReasonCode.BAD_USER_NAME_OR_PASSWORD) == 4
