"""The MQTT codec against byte vectors written by hand from the two standards."""

from __future__ import annotations

import pytest

from ioc.ingest.mqtt.codec.decoder import Decoder
from ioc.ingest.mqtt.codec.encoder import encode, encode_puback
from ioc.ingest.mqtt.codec.packets import (
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Properties,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Sender,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Will,
)
from ioc.ingest.mqtt.codec.reasons import ReasonCode

CLIENT_VECTORS: list[tuple[str, int, str, Packet]] = [
    (
        "3.1.1 connect, section 3.1.2 with user name and password",
        4,
        "10 17 0004 4D515454 04 C2 003C 0005 6171303031 0001 75 0001 70",
        Connect(protocol_level=4, client_id="aq001", keep_alive_s=60, username="u", password=b"p"),
    ),
    (
        "3.1.1 connect with a retained will at QoS 1",
        4,
        "10 16 0004 4D515454 04 2C 000A 0001 61 0003 612F62 0002 0001",
        Connect(
            protocol_level=4,
            client_id="a",
            clean_start=False,
            keep_alive_s=10,
            will=Will(topic="a/b", payload=b"\x00\x01", qos=1, retain=True),
        ),
    ),
    (
        "5 connect with session expiry 10 s (figure 3-6) and a will that waits 5 s",
        5,
        "10 22 0004 4D515454 05 CE 000A 05 11 0000000A 0000 05 18 00000005 0001 77 0000 0001 75 0000",
        Connect(
            protocol_level=5,
            client_id="",
            keep_alive_s=10,
            username="u",
            password=b"",
            will=Will(topic="w", payload=b"", qos=1, properties=Properties(will_delay_s=5)),
            properties=Properties(session_expiry_s=10),
        ),
    ),
    (
        "3.1.1 publish a/b at QoS 1, packet 10 (figure 3.11)",
        4,
        "32 07 0003 612F62 000A",
        Publish(topic="a/b", payload=b"", qos=1, packet_id=10),
    ),
    (
        "3.1.1 publish at QoS 0, retained",
        4,
        "31 06 0003 612F62 78",
        Publish(topic="a/b", payload=b"x", retain=True),
    ),
    (
        "5 publish at QoS 2, repeated, with two user properties of one name",
        5,
        "3C 1A 0001 74 0102 13 26 0001 6B 0001 31 26 0001 6B 0001 32 02 00000E10 5A",
        Publish(
            topic="t",
            payload=b"Z",
            qos=2,
            packet_id=0x0102,
            dup=True,
            properties=Properties(user_properties=(("k", "1"), ("k", "2")), message_expiry_s=3600),
        ),
    ),
    ("3.1.1 puback", 4, "40 02 000A", Puback(10)),
    ("5 puback without its zero reason", 5, "40 02 000A", Puback(10)),
    ("5 puback with a reason", 5, "40 03 000A 87", Puback(10, ReasonCode.NOT_AUTHORIZED)),
    (
        "5 puback with a reason string",
        5,
        "40 0A 000A 99 06 1F 0003 626164",
        Puback(10, ReasonCode.PAYLOAD_FORMAT_INVALID, Properties(reason_string="bad")),
    ),
    ("pubrec", 4, "50 02 0001", Pubrec(1)),
    ("pubrel", 4, "62 02 0001", Pubrel(1)),
    ("5 pubcomp of an unknown packet", 5, "70 03 0001 92", Pubcomp(1, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)),
    (
        "3.1.1 subscribe a/b at QoS 1 and c/d at QoS 2 (figure 3.23)",
        4,
        "82 0E 000A 0003 612F62 01 0003 632F64 02",
        Subscribe(
            packet_id=10,
            subscriptions=(Subscription(topic_filter="a/b", qos=1), Subscription(topic_filter="c/d", qos=2)),
        ),
    ),
    (
        "5 subscribe with an identifier of two bytes and every option",
        5,
        "82 0D 000A 03 0B C802 0004 612F2F23 2D",
        Subscribe(
            packet_id=10,
            subscriptions=(
                Subscription(topic_filter="a//#", qos=1, no_local=True, retain_as_published=True, retain_handling=2),
            ),
            properties=Properties(subscription_identifiers=(328,)),
        ),
    ),
    (
        "3.1.1 unsubscribe a/b and c/d (figure 3.30)",
        4,
        "A2 0C 000A 0003 612F62 0003 632F64",
        Unsubscribe(packet_id=10, topic_filters=("a/b", "c/d")),
    ),
    ("5 unsubscribe", 5, "A2 06 000A 00 0001 2B", Unsubscribe(packet_id=10, topic_filters=("+",))),
    ("pingreq", 4, "C0 00", Pingreq()),
    ("3.1.1 disconnect", 4, "E0 00", Disconnect()),
    ("5 disconnect that asks for the will", 5, "E0 01 04", Disconnect(ReasonCode.DISCONNECT_WITH_WILL)),
    (
        "5 disconnect with a session expiry",
        5,
        "E0 07 00 05 11 00000000",
        Disconnect(properties=Properties(session_expiry_s=0)),
    ),
    (
        "5 auth",
        5,
        "F0 0A 18 08 15 0001 6D 16 0001 64",
        Auth(ReasonCode.CONTINUE_AUTHENTICATION, Properties(authentication_method="m", authentication_data=b"d")),
    ),
]

SERVER_VECTORS: list[tuple[str, int, str, Packet]] = [
    ("3.1.1 connack, session present", 4, "20 02 01 00", Connack(session_present=True)),
    ("3.1.1 connack, bad password", 4, "20 02 00 04", Connack(reason_code=ReasonCode.BAD_USER_NAME_OR_PASSWORD)),
    (
        "5 connack with receive maximum, maximum QoS 1, no retain, packets up to 256 kB",
        5,
        "20 0F 00 00 0C 21 0014 24 01 25 00 27 00040000",
        Connack(
            properties=Properties(
                receive_maximum=20, maximum_qos=1, retain_available=False, maximum_packet_bytes=262_144
            )
        ),
    ),
    (
        "3.1.1 suback (figure 3.27)",
        4,
        "90 05 000A 00 02 80",
        Suback(
            packet_id=10,
            reason_codes=(ReasonCode.SUCCESS, ReasonCode.GRANTED_QOS_2, ReasonCode.UNSPECIFIED_ERROR),
        ),
    ),
    ("5 suback", 5, "90 04 000A 00 8F", Suback(packet_id=10, reason_codes=(ReasonCode.TOPIC_FILTER_INVALID,))),
    ("3.1.1 unsuback", 4, "B0 02 000A", Unsuback(packet_id=10)),
    ("5 unsuback", 5, "B0 04 000A 00 11", Unsuback(packet_id=10, reason_codes=(ReasonCode.NO_SUBSCRIPTION_EXISTED,))),
    ("pingresp", 4, "D0 00", Pingresp()),
    ("5 disconnect by the server", 5, "E0 02 8B 00", Disconnect(ReasonCode.SERVER_SHUTTING_DOWN)),
]


def decode(data: bytes, *, level: int | None, sender: Sender = Sender.CLIENT) -> list[object]:
    decoder = Decoder(262_144, protocol_level=level, sender=sender)
    decoder.feed(data)
    return list(decoder)


@pytest.mark.parametrize(
    ("level", "wire", "packet"), [row[1:] for row in CLIENT_VECTORS], ids=[r[0] for r in CLIENT_VECTORS]
)
def test_a_client_packet_decodes_to_the_value_the_standard_describes(level, wire, packet):
    awaited = None if isinstance(packet, Connect) else level
    assert decode(bytes.fromhex(wire), level=awaited) == [packet]


@pytest.mark.parametrize(
    ("level", "wire", "packet"), [row[1:] for row in SERVER_VECTORS], ids=[r[0] for r in SERVER_VECTORS]
)
def test_a_server_packet_decodes_to_the_value_the_standard_describes(level, wire, packet):
    assert decode(bytes.fromhex(wire), level=level, sender=Sender.SERVER) == [packet]


REWRITTEN = {
    # The same packet in other bytes: our encoder orders properties by number and leaves out a zero property length.
    "5 publish at QoS 2, repeated, with two user properties of one name",
    "5 disconnect by the server",
}


@pytest.mark.parametrize(
    ("level", "wire", "packet"),
    [row[1:] for row in CLIENT_VECTORS + SERVER_VECTORS if row[0] not in REWRITTEN],
    ids=[row[0] for row in CLIENT_VECTORS + SERVER_VECTORS if row[0] not in REWRITTEN],
)
def test_a_packet_encodes_to_the_bytes_of_the_standard(level, wire, packet):
    assert encode(packet, level) == bytes.fromhex(wire)


def test_the_short_way_to_a_puback_writes_the_same_bytes_as_the_long_one():
    for packet_id in (1, 255, 256, 65_535):
        assert encode_puback(packet_id) == encode(Puback(packet_id), 4) == encode(Puback(packet_id), 5)


@pytest.mark.parametrize(
    ("length", "written"),
    # Table 2-1 of MQTT 5: the bounds of each number of bytes.
    [(127, "7F"), (128, "80 01"), (16_383, "FF 7F"), (16_384, "80 80 01"), (2_097_151, "FF FF 7F")],
)
def test_the_remaining_length_takes_one_to_four_bytes(length, written):
    payload = b"x" * (length - 3)
    data = b"\x30" + bytes.fromhex(written) + b"\x00\x01t" + payload
    decoder = Decoder(4_000_000, protocol_level=4)
    decoder.feed(data)
    assert list(decoder) == [Publish(topic="t", payload=payload)]
    assert encode(Publish(topic="t", payload=payload), 4) == data


def test_a_topic_may_hold_any_vietnamese_and_a_byte_order_mark():
    topic = "\ufeffĐà Bắc/mực nước"
    data = encode(Publish(topic=topic, payload=b""), 4)
    assert decode(data, level=4) == [Publish(topic=topic, payload=b"")]


def test_a_secret_does_not_show_in_the_text_of_a_packet():
    properties = Properties(authentication_method="m", authentication_data=b"hidden-token")
    connect = Connect(protocol_level=5, client_id="a", username="u", password=b"hidden-key", properties=properties)
    assert "hidden" not in repr(connect)


def test_a_connect_tells_the_decoder_the_version_of_what_follows():
    connect = encode(Connect(protocol_level=5, client_id="a"), 5)
    publish = Publish(topic="t", payload=b"", properties=Properties(content_type="application/json"))
    decoder = Decoder(1_000)
    decoder.feed(connect + encode(publish, 5))
    assert decoder.protocol_level is None
    assert [type(packet).__name__ for packet in decoder] == ["Connect", "Publish"]
    assert decoder.protocol_level == 5


def test_a_repeated_topic_or_property_block_decodes_the_same_each_time():
    publishes = [
        Publish(
            topic=f"t/{number % 100}",
            payload=b"%d" % number,
            qos=1,
            packet_id=number + 1,
            properties=Properties(user_properties=(("n", str(number % 20)),)),
        )
        for number in range(500)
    ]
    data = b"".join(encode(publish, 5) for publish in publishes)
    assert decode(data, level=5) == publishes
