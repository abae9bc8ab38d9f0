"""The properties of MQTT 5: each with its number, its type, the values it may have and the packets it may stand in.

A property that stands where it may not, or twice, ends the connection, as the standard asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ioc.ingest.mqtt.codec import wire
from ioc.ingest.mqtt.codec.packets import NO_PROPERTIES, PacketType, Properties
from ioc.ingest.mqtt.codec.reasons import ProtocolViolation, ReasonCode, Unencodable
from ioc.ingest.mqtt.codec.topics import check_topic_name
from ioc.ingest.mqtt.codec.wire import ByteReader

REPEATS_MAX = 1_024
"""How often one packet may repeat a property (user properties, subscription identifiers): the standard sets no bound,
and each costs far more in memory than the few bytes that it has on the wire."""


class _Occurrence(Enum):
    """How often a property may stand in one packet."""

    ONCE = "once"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Property:
    """One line of the standard's table 2-4."""

    name: str
    read: Callable[[ByteReader], Any]
    write: Callable[[Any], bytes]
    packets: frozenset[PacketType]
    many: _Occurrence = _Occurrence.ONCE


def _protocol_error(message: str) -> ProtocolViolation:
    return ProtocolViolation(ReasonCode.PROTOCOL_ERROR, message)


def _read_flag(reader: ByteReader) -> bool:
    value = reader.uint8()
    if value > 1:
        raise _protocol_error("a property that is 0 or 1 has another value")
    return value == 1


def _write_flag(value: object) -> bytes:
    return b"\x01" if value else b"\x00"


def _above_zero(read: Callable[[ByteReader], int]) -> Callable[[ByteReader], int]:
    def read_above_zero(reader: ByteReader) -> int:
        value = read(reader)
        if value == 0:
            raise _protocol_error("a property that must be above 0 is 0")
        return value

    return read_above_zero


def _read_topic_alias(reader: ByteReader) -> int:
    value = reader.uint16()
    if value == 0:
        raise ProtocolViolation(ReasonCode.TOPIC_ALIAS_INVALID, "a topic alias is 0")
    return value


def _read_topic_name(reader: ByteReader) -> str:
    return check_topic_name(reader.text())


def _read_pair(reader: ByteReader) -> tuple[str, str]:
    return reader.text(), reader.text()


def _write_pair(pair: tuple[str, str]) -> bytes:
    name, value = pair
    return wire.text(name) + wire.text(value)


_T = PacketType
_MESSAGE = frozenset({_T.PUBLISH, _T.WILL})
_CONNECTING = frozenset({_T.CONNECT, _T.CONNACK})
_ANSWERS = frozenset({_T.CONNACK, _T.PUBACK, _T.PUBREC, _T.PUBREL, _T.PUBCOMP, _T.SUBACK, _T.UNSUBACK})
_EVERY_PACKET = frozenset(_T) - {_T.PINGREQ, _T.PINGRESP}


def _flag(name: str, *packets: PacketType) -> _Property:
    return _Property(name=name, read=_read_flag, write=_write_flag, packets=frozenset(packets))


def _text(name: str, *packets: PacketType) -> _Property:
    return _Property(name=name, read=ByteReader.text, write=wire.text, packets=frozenset(packets))


def _binary(name: str, *packets: PacketType) -> _Property:
    return _Property(name=name, read=ByteReader.binary, write=wire.binary, packets=frozenset(packets))


def _uint16(name: str, *packets: PacketType) -> _Property:
    return _Property(name=name, read=ByteReader.uint16, write=wire.uint16, packets=frozenset(packets))


def _uint32(name: str, *packets: PacketType) -> _Property:
    return _Property(name=name, read=ByteReader.uint32, write=wire.uint32, packets=frozenset(packets))


PROPERTIES: dict[int, _Property] = {
    0x01: _flag("payload_format_indicator", *_MESSAGE),
    0x02: _uint32("message_expiry_s", *_MESSAGE),
    0x03: _text("content_type", *_MESSAGE),
    0x08: _Property(name="response_topic", read=_read_topic_name, write=wire.text, packets=_MESSAGE),
    0x09: _binary("correlation_data", *_MESSAGE),
    0x0B: _Property(
        name="subscription_identifiers",
        read=_above_zero(ByteReader.varint),
        write=wire.varint,
        packets=frozenset({_T.PUBLISH, _T.SUBSCRIBE}),
        many=_Occurrence.REPEATED,
    ),
    0x11: _uint32("session_expiry_s", *_CONNECTING, _T.DISCONNECT),
    0x12: _text("assigned_client_id", _T.CONNACK),
    0x13: _uint16("server_keep_alive_s", _T.CONNACK),
    0x15: _text("authentication_method", *_CONNECTING, _T.AUTH),
    0x16: _binary("authentication_data", *_CONNECTING, _T.AUTH),
    0x17: _flag("request_problem_information", _T.CONNECT),
    0x18: _uint32("will_delay_s", _T.WILL),
    0x19: _flag("request_response_information", _T.CONNECT),
    0x1A: _text("response_information", _T.CONNACK),
    0x1C: _text("server_reference", _T.CONNACK, _T.DISCONNECT),
    0x1F: _text("reason_string", *_ANSWERS, _T.DISCONNECT, _T.AUTH),
    0x21: _Property(
        name="receive_maximum", read=_above_zero(ByteReader.uint16), write=wire.uint16, packets=_CONNECTING
    ),
    0x22: _uint16("topic_alias_maximum", *_CONNECTING),
    0x23: _Property(name="topic_alias", read=_read_topic_alias, write=wire.uint16, packets=frozenset({_T.PUBLISH})),
    0x24: _Property(name="maximum_qos", read=_read_flag, write=_write_flag, packets=frozenset({_T.CONNACK})),
    0x25: _flag("retain_available", _T.CONNACK),
    0x26: _Property(
        name="user_properties", read=_read_pair, write=_write_pair, packets=_EVERY_PACKET, many=_Occurrence.REPEATED
    ),
    0x27: _Property(
        name="maximum_packet_bytes", read=_above_zero(ByteReader.uint32), write=wire.uint32, packets=_CONNECTING
    ),
    0x28: _flag("wildcard_subscription_available", _T.CONNACK),
    0x29: _flag("subscription_identifiers_available", _T.CONNACK),
    0x2A: _flag("shared_subscription_available", _T.CONNACK),
}
"""Every property by its number on the wire."""


def read_properties(reader: ByteReader, packet_type: PacketType) -> Properties:
    """The properties that stand next in a packet of `packet_type`, their length first."""
    length = reader.varint()
    if length == 0:
        return NO_PROPERTIES
    part = reader.part(length)
    found: dict[str, Any] = {}
    repeated: dict[str, list[Any]] = {}
    while part.left_bytes:
        prop = PROPERTIES.get(part.varint())
        if prop is None or packet_type not in prop.packets:
            raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a property is unknown or stands in the wrong packet")
        value = prop.read(part)
        if prop.many is _Occurrence.REPEATED:
            values = repeated.setdefault(prop.name, [])
            if len(values) == REPEATS_MAX:
                raise ProtocolViolation(ReasonCode.QUOTA_EXCEEDED, "a packet repeats a property too often")
            values.append(value)
        elif prop.name in found:
            raise _protocol_error("a property stands twice")
        else:
            found[prop.name] = value
    for name, values in repeated.items():
        found[name] = tuple(values)
    if "maximum_qos" in found:
        found["maximum_qos"] = int(found["maximum_qos"])
    properties = Properties(**found)
    _check_together(properties, packet_type)
    return properties


def _check_together(properties: Properties, packet_type: PacketType) -> None:
    """Refuse what is wrong only in combination."""
    if properties.authentication_data is not None and properties.authentication_method is None:
        raise _protocol_error("authentication data stands without its method")
    if packet_type is PacketType.SUBSCRIBE and len(properties.subscription_identifiers) > 1:
        raise _protocol_error("a property stands twice")


def write_properties(properties: Properties, packet_type: PacketType) -> bytes:
    """`properties` as they stand in a packet of `packet_type`, their length first."""
    if properties is NO_PROPERTIES:
        return b"\x00"
    written = bytearray()
    for number, prop in PROPERTIES.items():
        value = getattr(properties, prop.name)
        if value is None or value == ():
            continue
        if packet_type not in prop.packets:
            raise Unencodable(f"{prop.name} may not stand in {packet_type.name}")
        for one in value if prop.many is _Occurrence.REPEATED else (value,):
            written.append(number)
            written += prop.write(one)
    return wire.varint(len(written)) + bytes(written)
