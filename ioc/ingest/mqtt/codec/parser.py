"""From the bytes of one whole packet to its value, for every packet but PUBLISH (decoder.py has that, for speed).

Each function reads one kind of packet to its last byte or raises `ProtocolViolation`; nothing else can come out of it,
whatever the bytes. MQTT 3.1.1 and 5 differ by the protocol level that is handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ioc.ingest.mqtt.codec.packets import (
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
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Will,
)
from ioc.ingest.mqtt.codec.properties import read_properties
from ioc.ingest.mqtt.codec.reasons import REASON_BY_RETURN_CODE, ProtocolViolation, ReasonCode
from ioc.ingest.mqtt.codec.topics import check_topic_filter, check_topic_name, split_shared
from ioc.ingest.mqtt.codec.wire import ByteReader

FILTERS_MAX = 1_024
"""The most topic filters in one SUBSCRIBE or UNSUBSCRIBE: the standard's only bound is the packet's length."""

QOS_RESERVED = 3
RETAIN_HANDLING_RESERVED = 3

CLEAN_START = 0x02
WILL_FLAG = 0x04
WILL_QOS_SHIFT = 3
WILL_RETAIN = 0x20
WILL_OPTIONS = 0x38
PASSWORD_FLAG = 0x40
USERNAME_FLAG = 0x80

NO_LOCAL = 0x04
RETAIN_AS_PUBLISHED = 0x08
RETAIN_HANDLING_SHIFT = 4
OPTIONS_RESERVED_5 = 0xC0
OPTIONS_RESERVED_311 = 0xFC


def _malformed(message: str) -> ProtocolViolation:
    return ProtocolViolation(ReasonCode.MALFORMED_PACKET, message)


def _protocol_error(message: str) -> ProtocolViolation:
    return ProtocolViolation(ReasonCode.PROTOCOL_ERROR, message)


def read_packet_id(reader: ByteReader) -> int:
    """The packet identifier that stands next; never 0."""
    packet_id = reader.uint16()
    if packet_id == 0:
        raise _protocol_error("a packet identifier is 0")
    return packet_id


def _read_reason(reader: ByteReader, packet_type: PacketType) -> ReasonCode:
    code = reader.uint8()
    for reason in REASONS_IN[packet_type]:
        if reason == code:
            return reason
    raise _protocol_error(f"{packet_type.name} has a reason code that it may not have")


def read_protocol_level(reader: ByteReader) -> int:
    """The protocol level with which a CONNECT begins: 4 or 5."""
    name, level = reader.binary(), reader.uint8()
    if name != b"MQTT" or level not in {LEVEL_311, LEVEL_5}:
        raise ProtocolViolation(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, "the protocol is neither MQTT 3.1.1 nor 5")
    return level


def read_connect(reader: ByteReader, level: int) -> Connect:
    """A CONNECT from behind its protocol level on."""
    flags = reader.uint8()
    if flags & 1:
        raise _malformed("the reserved flag of CONNECT is set")
    keep_alive_s = reader.uint16()
    properties = read_properties(reader, PacketType.CONNECT) if level == LEVEL_5 else NO_PROPERTIES
    client_id = reader.text()
    clean_start = bool(flags & CLEAN_START)
    if level == LEVEL_311 and not client_id and not clean_start:
        raise ProtocolViolation(ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, "a lasting session has no client identifier")
    will = _read_will(reader, flags=flags, level=level)
    if level == LEVEL_311 and flags & PASSWORD_FLAG and not flags & USERNAME_FLAG:
        raise _malformed("CONNECT has a password without a user name, which MQTT 3.1.1 does not allow")
    username = reader.text() if flags & USERNAME_FLAG else None
    password = reader.binary() if flags & PASSWORD_FLAG else None
    return Connect(
        protocol_level=level,
        client_id=client_id,
        clean_start=clean_start,
        keep_alive_s=keep_alive_s,
        username=username,
        password=password,
        will=will,
        properties=properties,
    )


def _read_will(reader: ByteReader, *, flags: int, level: int) -> Will | None:
    if not flags & WILL_FLAG:
        if flags & WILL_OPTIONS:
            raise _malformed("CONNECT has will options without a will")
        return None
    qos = flags >> WILL_QOS_SHIFT & QOS_RESERVED
    if qos == QOS_RESERVED:
        raise _malformed("the will has QoS 3")
    properties = read_properties(reader, PacketType.WILL) if level == LEVEL_5 else NO_PROPERTIES
    return Will(
        topic=check_topic_name(reader.text()),
        payload=reader.binary(),
        qos=qos,
        retain=bool(flags & WILL_RETAIN),
        properties=properties,
    )


def _read_connack(reader: ByteReader, level: int) -> Connack:
    flags = reader.uint8()
    if flags > 1:
        raise _malformed("a reserved flag of CONNACK is set")
    if level == LEVEL_311:
        code = reader.uint8()
        if code not in REASON_BY_RETURN_CODE:
            raise _protocol_error("CONNACK has an unknown return code")
        reason_code, properties = REASON_BY_RETURN_CODE[code], NO_PROPERTIES
    else:
        reason_code = _read_reason(reader, PacketType.CONNACK)
        properties = read_properties(reader, PacketType.CONNACK)
    if flags and reason_code is not ReasonCode.SUCCESS:
        raise _protocol_error("CONNACK refuses and says that a session is present")
    return Connack(reason_code=reason_code, session_present=bool(flags), properties=properties)


def _read_ending(reader: ByteReader, level: int, packet_type: PacketType) -> tuple[ReasonCode, Properties]:
    """The reason code and properties that end an acknowledgement, DISCONNECT or AUTH; either may be left out."""
    if level == LEVEL_311 or not reader.left_bytes:
        return ReasonCode.SUCCESS, NO_PROPERTIES
    reason_code = _read_reason(reader, packet_type)
    return reason_code, read_properties(reader, packet_type) if reader.left_bytes else NO_PROPERTIES


_Parser: TypeAlias = Callable[[ByteReader, int], Packet]


def _ack_parser(ack: type[Ack], packet_type: PacketType) -> _Parser:
    def read_ack(reader: ByteReader, level: int) -> Ack:
        packet_id = read_packet_id(reader)
        reason_code, properties = _read_ending(reader, level, packet_type)
        return ack(packet_id, reason_code, properties)

    return read_ack


def _read_subscribe(reader: ByteReader, level: int) -> Subscribe:
    packet_id = read_packet_id(reader)
    properties = read_properties(reader, PacketType.SUBSCRIBE) if level == LEVEL_5 else NO_PROPERTIES
    subscriptions: list[Subscription] = []
    while reader.left_bytes:
        _check_count(len(subscriptions))
        subscriptions.append(_read_subscription(reader, level))
    if not subscriptions:
        raise _protocol_error("SUBSCRIBE names no topic filter")
    return Subscribe(packet_id=packet_id, subscriptions=tuple(subscriptions), properties=properties)


def _check_count(count: int) -> None:
    if count == FILTERS_MAX:
        raise ProtocolViolation(ReasonCode.QUOTA_EXCEEDED, "a packet names too many topic filters")


def _read_filter(reader: ByteReader, level: int) -> tuple[str, bool]:
    """A topic filter, and whether it is a shared one (which MQTT 3.1.1 does not know)."""
    topic_filter = check_topic_filter(reader.text())
    return topic_filter, level == LEVEL_5 and split_shared(topic_filter)[0] is not None


def _read_subscription(reader: ByteReader, level: int) -> Subscription:
    topic_filter, is_shared = _read_filter(reader, level)
    options = reader.uint8()
    if options & (OPTIONS_RESERVED_5 if level == LEVEL_5 else OPTIONS_RESERVED_311):
        raise _malformed("a reserved subscription option is set")
    qos = options & QOS_RESERVED
    retain_handling = options >> RETAIN_HANDLING_SHIFT & RETAIN_HANDLING_RESERVED
    if qos == QOS_RESERVED or retain_handling == RETAIN_HANDLING_RESERVED:
        raise _protocol_error("a subscription asks for QoS 3 or retain handling 3")
    no_local = bool(options & NO_LOCAL)
    if no_local and is_shared:
        raise _protocol_error("a shared subscription has the no local option")
    return Subscription(
        topic_filter=topic_filter,
        qos=qos,
        no_local=no_local,
        retain_as_published=bool(options & RETAIN_AS_PUBLISHED),
        retain_handling=retain_handling,
    )


def _read_suback(reader: ByteReader, level: int) -> Suback:
    packet_id = read_packet_id(reader)
    properties = read_properties(reader, PacketType.SUBACK) if level == LEVEL_5 else NO_PROPERTIES
    reason_codes = _read_reasons(reader, PacketType.SUBACK)
    if level == LEVEL_311 and any(reason > ReasonCode.UNSPECIFIED_ERROR for reason in reason_codes):
        raise _protocol_error("SUBACK has a return code that MQTT 3.1.1 does not know")
    return Suback(packet_id=packet_id, reason_codes=reason_codes, properties=properties)


def _read_unsuback(reader: ByteReader, level: int) -> Unsuback:
    packet_id = read_packet_id(reader)
    if level == LEVEL_311:
        return Unsuback(packet_id=packet_id)
    properties = read_properties(reader, PacketType.UNSUBACK)
    reason_codes = _read_reasons(reader, PacketType.UNSUBACK)
    return Unsuback(packet_id=packet_id, reason_codes=reason_codes, properties=properties)


def _read_reasons(reader: ByteReader, packet_type: PacketType) -> tuple[ReasonCode, ...]:
    """The reason codes, one for each topic filter, that fill the rest of the packet."""
    reason_codes: list[ReasonCode] = []
    while reader.left_bytes:
        _check_count(len(reason_codes))
        reason_codes.append(_read_reason(reader, packet_type))
    if not reason_codes:
        raise _protocol_error(f"{packet_type.name} holds no reason code")
    return tuple(reason_codes)


def _read_unsubscribe(reader: ByteReader, level: int) -> Unsubscribe:
    packet_id = read_packet_id(reader)
    properties = read_properties(reader, PacketType.UNSUBSCRIBE) if level == LEVEL_5 else NO_PROPERTIES
    topic_filters: list[str] = []
    while reader.left_bytes:
        _check_count(len(topic_filters))
        topic_filters.append(_read_filter(reader, level)[0])
    if not topic_filters:
        raise _protocol_error("UNSUBSCRIBE names no topic filter")
    return Unsubscribe(packet_id=packet_id, topic_filters=tuple(topic_filters), properties=properties)


def _read_pingreq(_reader: ByteReader, _level: int) -> Pingreq:
    return Pingreq()


def _read_pingresp(_reader: ByteReader, _level: int) -> Pingresp:
    return Pingresp()


def _read_disconnect(reader: ByteReader, level: int) -> Disconnect:
    return Disconnect(*_read_ending(reader, level, PacketType.DISCONNECT))


def _read_auth(reader: ByteReader, level: int) -> Auth:
    if level == LEVEL_311:
        raise _malformed("MQTT 3.1.1 has no AUTH packet")
    is_short = not reader.left_bytes
    auth = Auth(*_read_ending(reader, level, PacketType.AUTH))
    if auth.properties.authentication_method is None and not is_short:
        raise _protocol_error("AUTH names no authentication method")
    return auth


PARSERS: dict[PacketType, _Parser] = {
    PacketType.CONNACK: _read_connack,
    PacketType.PUBACK: _ack_parser(Puback, PacketType.PUBACK),
    PacketType.PUBREC: _ack_parser(Pubrec, PacketType.PUBREC),
    PacketType.PUBREL: _ack_parser(Pubrel, PacketType.PUBREL),
    PacketType.PUBCOMP: _ack_parser(Pubcomp, PacketType.PUBCOMP),
    PacketType.SUBSCRIBE: _read_subscribe,
    PacketType.SUBACK: _read_suback,
    PacketType.UNSUBSCRIBE: _read_unsubscribe,
    PacketType.UNSUBACK: _read_unsuback,
    PacketType.PINGREQ: _read_pingreq,
    PacketType.PINGRESP: _read_pingresp,
    PacketType.DISCONNECT: _read_disconnect,
    PacketType.AUTH: _read_auth,
}
"""The parser of each packet but CONNECT (whose level comes first) and PUBLISH."""
