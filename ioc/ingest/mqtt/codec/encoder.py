"""From a packet to its bytes, in the version that the peer speaks.

What only MQTT 5 can say is left out for a 3.1.1 peer (properties, reason codes of acknowledgements) or said as nearly
as 3.1.1 can (a refused CONNECT or subscription), so the door writes one packet for both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ioc.ingest.mqtt.codec import wire
from ioc.ingest.mqtt.codec.packets import (
    FLAGS_OF,
    LEVEL_5,
    LEVEL_311,
    NO_PROPERTIES,
    REASONS_IN,
    Ack,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
    PacketType,
    Pingreq,
    Pingresp,
    Properties,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from ioc.ingest.mqtt.codec.parser import (
    CLEAN_START,
    NO_LOCAL,
    PASSWORD_FLAG,
    RETAIN_AS_PUBLISHED,
    RETAIN_HANDLING_RESERVED,
    RETAIN_HANDLING_SHIFT,
    USERNAME_FLAG,
    WILL_FLAG,
    WILL_QOS_SHIFT,
    WILL_RETAIN,
)
from ioc.ingest.mqtt.codec.properties import write_properties
from ioc.ingest.mqtt.codec.reasons import ReasonCode, Unencodable, return_code

QOS_MAX = 2
PUBLISH_FIRST = 0x30
DUP_BIT = 0x08


def encode(packet: Packet, protocol_level: int) -> bytes:
    """The bytes of `packet` for a peer that speaks `protocol_level` (4 or 5).

    Raises Unencodable when a field does not fit or that version has no such packet.
    """
    return _ENCODERS[type(packet)](packet, protocol_level)


def encode_puback(packet_id: int) -> bytes:
    """The PUBACK of a stored message: the same four bytes in both versions. `packet_id` comes from a Publish."""
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def _framed(packet_type: PacketType, body: bytes) -> bytes:
    return bytes((packet_type << 4 | FLAGS_OF[packet_type],)) + wire.varint(len(body)) + body


def _properties(properties: Properties, packet_type: PacketType, level: int) -> bytes:
    return write_properties(properties, packet_type) if level == LEVEL_5 else b""


def _packet_id(packet_id: int) -> bytes:
    if packet_id == 0:
        raise Unencodable("a packet identifier is 0")
    return wire.uint16(packet_id)


def _qos(qos: int) -> int:
    if not 0 <= qos <= QOS_MAX:
        raise Unencodable(f"there is no QoS {qos}")
    return qos


def _reason(reason_code: ReasonCode, packet_type: PacketType) -> bytes:
    if reason_code not in REASONS_IN[packet_type]:
        raise Unencodable(f"{packet_type.name} may not carry {reason_code.name}")
    return wire.uint8(reason_code)


def _encode_connect(packet: Connect, level: int) -> bytes:
    if level != packet.protocol_level:
        raise Unencodable(f"this CONNECT asks for level {packet.protocol_level}, not {level}")
    will = packet.will
    flags = CLEAN_START if packet.clean_start else 0
    tail = b""
    if will is not None:
        flags |= WILL_FLAG | _qos(will.qos) << WILL_QOS_SHIFT | (WILL_RETAIN if will.retain else 0)
        tail += _properties(will.properties, PacketType.WILL, level)
        tail += wire.text(will.topic) + wire.binary(will.payload)
    if packet.username is not None:
        flags |= USERNAME_FLAG
        tail += wire.text(packet.username)
    if packet.password is not None:
        if level == LEVEL_311 and packet.username is None:
            raise Unencodable("MQTT 3.1.1 has no password without a user name")
        flags |= PASSWORD_FLAG
        tail += wire.binary(packet.password)
    body = b"\x00\x04MQTT" + bytes((level, flags)) + wire.uint16(packet.keep_alive_s)
    body += _properties(packet.properties, PacketType.CONNECT, level) + wire.text(packet.client_id) + tail
    return _framed(PacketType.CONNECT, body)


def _encode_connack(packet: Connack, level: int) -> bytes:
    session = wire.uint8(packet.session_present)
    if level == LEVEL_311:
        return _framed(PacketType.CONNACK, session + wire.uint8(return_code(packet.reason_code)))
    body = session + _reason(packet.reason_code, PacketType.CONNACK)
    return _framed(PacketType.CONNACK, body + write_properties(packet.properties, PacketType.CONNACK))


def _encode_publish(packet: Publish, level: int) -> bytes:
    first = PUBLISH_FIRST | (DUP_BIT if packet.dup else 0) | _qos(packet.qos) << 1 | packet.retain
    body = wire.text(packet.topic)
    if packet.qos:
        body += _packet_id(packet.packet_id)
    elif packet.packet_id or packet.dup:
        raise Unencodable("a PUBLISH at QoS 0 has neither packet identifier nor repeat")
    body += _properties(packet.properties, PacketType.PUBLISH, level) + packet.payload
    return bytes((first,)) + wire.varint(len(body)) + body


def _ending(packet: Ack | Disconnect | Auth, packet_type: PacketType, level: int) -> bytes:
    """The reason code and properties, as briefly as the standard allows."""
    if level == LEVEL_311:
        return b""
    if packet.properties == NO_PROPERTIES:
        return b"" if packet.reason_code is ReasonCode.SUCCESS else _reason(packet.reason_code, packet_type)
    return _reason(packet.reason_code, packet_type) + write_properties(packet.properties, packet_type)


def _ack_encoder(packet_type: PacketType) -> Callable[[Ack, int], bytes]:
    def encode_ack(packet: Ack, level: int) -> bytes:
        return _framed(packet_type, _packet_id(packet.packet_id) + _ending(packet, packet_type, level))

    return encode_ack


def _encode_subscribe(packet: Subscribe, level: int) -> bytes:
    if not packet.subscriptions:
        raise Unencodable("SUBSCRIBE names no topic filter")
    body = _packet_id(packet.packet_id) + _properties(packet.properties, PacketType.SUBSCRIBE, level)
    for wish in packet.subscriptions:
        options = _qos(wish.qos)
        if level == LEVEL_5:
            if not 0 <= wish.retain_handling < RETAIN_HANDLING_RESERVED:
                raise Unencodable(f"there is no retain handling {wish.retain_handling}")
            options |= NO_LOCAL if wish.no_local else 0
            options |= RETAIN_AS_PUBLISHED if wish.retain_as_published else 0
            options |= wish.retain_handling << RETAIN_HANDLING_SHIFT
        body += wire.text(wish.topic_filter) + wire.uint8(options)
    return _framed(PacketType.SUBSCRIBE, body)


def _encode_suback(packet: Suback, level: int) -> bytes:
    body = _packet_id(packet.packet_id)
    if level == LEVEL_311:
        body += bytes(min(reason, ReasonCode.UNSPECIFIED_ERROR) for reason in packet.reason_codes)
        return _framed(PacketType.SUBACK, body)
    body += write_properties(packet.properties, PacketType.SUBACK)
    return _framed(PacketType.SUBACK, body + b"".join(_reason(code, PacketType.SUBACK) for code in packet.reason_codes))


def _encode_unsubscribe(packet: Unsubscribe, level: int) -> bytes:
    if not packet.topic_filters:
        raise Unencodable("UNSUBSCRIBE names no topic filter")
    body = _packet_id(packet.packet_id) + _properties(packet.properties, PacketType.UNSUBSCRIBE, level)
    return _framed(PacketType.UNSUBSCRIBE, body + b"".join(map(wire.text, packet.topic_filters)))


def _encode_unsuback(packet: Unsuback, level: int) -> bytes:
    body = _packet_id(packet.packet_id)
    if level == LEVEL_5:
        body += write_properties(packet.properties, PacketType.UNSUBACK)
        body += b"".join(_reason(code, PacketType.UNSUBACK) for code in packet.reason_codes)
    return _framed(PacketType.UNSUBACK, body)


def _encode_pingreq(_packet: Pingreq, _level: int) -> bytes:
    return b"\xc0\x00"


def _encode_pingresp(_packet: Pingresp, _level: int) -> bytes:
    return b"\xd0\x00"


def _encode_disconnect(packet: Disconnect, level: int) -> bytes:
    return _framed(PacketType.DISCONNECT, _ending(packet, PacketType.DISCONNECT, level))


def _encode_auth(packet: Auth, level: int) -> bytes:
    if level == LEVEL_311:
        raise Unencodable("MQTT 3.1.1 has no AUTH packet")
    return _framed(PacketType.AUTH, _ending(packet, PacketType.AUTH, level))


_ENCODERS: dict[type[Packet], Callable[[Any, int], bytes]] = {
    Connect: _encode_connect,
    Connack: _encode_connack,
    Publish: _encode_publish,
    Puback: _ack_encoder(PacketType.PUBACK),
    Pubrec: _ack_encoder(PacketType.PUBREC),
    Pubrel: _ack_encoder(PacketType.PUBREL),
    Pubcomp: _ack_encoder(PacketType.PUBCOMP),
    Subscribe: _encode_subscribe,
    Suback: _encode_suback,
    Unsubscribe: _encode_unsubscribe,
    Unsuback: _encode_unsuback,
    Pingreq: _encode_pingreq,
    Pingresp: _encode_pingresp,
    Disconnect: _encode_disconnect,
    Auth: _encode_auth,
}
