"""The packets that a device writes and reads, as bytes: MQTT 3.1.1 and 5, without properties of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import IntEnum

MQTT_311, MQTT_5 = 4, 5
"""Protocol levels."""
PACKET_IDS = 65_535
PACKET_BYTES_MAX = 1 << 20
"""No door has more to say to a device at once."""
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
REFUSED_FROM = 0x80
"""Reason codes of MQTT 5 from here on are refusals."""
USERNAME_PASSWORD, CLEAN_START, WILL_AT_QOS_1 = 0xC0, 0x02, 0x0C
LENGTH_SHIFT_MAX = 21
MORE = 0x80


class PacketType(IntEnum):
    """The high four bits of a packet's first byte."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    PINGRESP = 13
    DISCONNECT = 14


class ProtocolError(ConnectionError):
    """What answers on the port is no MQTT door."""


@dataclass(frozen=True, slots=True)
class Station:
    """Who connects where. The device's id is its client id and its user name."""

    device: str
    key: str = field(repr=False)
    port: int
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Will:
    """What the door publishes, at QoS 1, when the connection ends without a goodbye."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that the door sends us."""

    topic: str
    payload: bytes
    qos: int
    packet_id: int


def text(value: str | bytes) -> bytes:
    """Return a length-prefixed string."""
    raw = value.encode() if isinstance(value, str) else value
    return len(raw).to_bytes(2, "big") + raw


def packet(first: int, body: bytes) -> bytes:
    """Return a control packet with its variable-length size."""
    size, digits = len(body), bytearray()
    while True:
        size, digit = divmod(size, MORE)
        digits.append(digit | (MORE if size else 0))
        if not size:
            return bytes([first]) + bytes(digits) + body


def connect(
    station: Station,
    *,
    clean_start: bool,
    keep_alive_seconds: int = 60,
    level: int = MQTT_311,
    will: Will | None = None,
) -> bytes:
    """Return a CONNECT with credentials."""
    properties = b"\x00" if level == MQTT_5 else b""
    flags = USERNAME_PASSWORD | (CLEAN_START if clean_start else 0) | (WILL_AT_QOS_1 if will else 0)
    body = text("MQTT") + bytes([level, flags]) + keep_alive_seconds.to_bytes(2, "big") + properties
    body += text(station.device)
    if will is not None:
        body += properties + text(will.topic) + text(will.payload)
    return packet(0x10, body + text(station.device) + text(station.key))


def publish(
    topic: str, packet_id: int, payload: bytes, *, qos: int = 1, again: bool = False, level: int = MQTT_311
) -> bytes:
    """Return a PUBLISH; ``again`` marks it as sent before."""
    properties = b"\x00" if level == MQTT_5 else b""
    number = packet_id.to_bytes(2, "big") if qos else b""
    return packet(0x30 | qos << 1 | (0x08 if again else 0), text(topic) + number + properties + payload)


def subscribe(topic_filter: str, packet_id: int, *, level: int = MQTT_311) -> bytes:
    """Return a SUBSCRIBE to one filter at QoS 1."""
    properties = b"\x00" if level == MQTT_5 else b""
    return packet(0x82, packet_id.to_bytes(2, "big") + properties + text(topic_filter) + b"\x01")


def answer(kind: PacketType, packet_id: int) -> bytes:
    """Return a PUBACK, PUBREC, PUBREL or PUBCOMP that says yes."""
    return bytes([kind << 4 | (0x02 if kind is PacketType.PUBREL else 0), 2]) + packet_id.to_bytes(2, "big")


def packet_id_of(body: bytes) -> int:
    """Return the packet id with which the body of an acknowledgement begins."""
    return int.from_bytes(body[:2], "big")


def reason_of(body: bytes) -> int:
    """Return the reason code of an acknowledgement; the short form, all that 3.1.1 has, means success."""
    return body[2] if len(body) > 2 else 0  # noqa: PLR2004 - the packet id is two bytes


def incoming(first: int, body: bytes, *, level: int = MQTT_311) -> Incoming:
    """Return the message of a PUBLISH."""
    at = 2 + packet_id_of(body)
    topic, qos = body[2:at].decode(), first >> 1 & 3
    packet_id = packet_id_of(body[at:]) if qos else 0
    at += 2 if qos else 0
    if level == MQTT_5:
        size, at = length_at(body, at) or (0, at)
        at += size
    return Incoming(topic, body[at:], qos, packet_id)


def length_at(data: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """Return a variable-length size and where it ends; None: more bytes are needed.

    Raises:
        ProtocolError: it is longer than MQTT allows.
    """
    size = shift = 0
    while at < len(data):
        digit = data[at]
        size |= (digit & ~MORE) << shift
        at += 1
        if not digit & MORE:
            return size, at
        shift += 7
        if shift > LENGTH_SHIFT_MAX:
            raise ProtocolError("a packet's size has more than four bytes")
    return None


def split(held: bytearray) -> list[tuple[int, bytes]]:
    """Take whole packets out of what was read, as (first byte, body); the beginning of one more stays.

    Raises:
        ProtocolError: one is larger than any that a door has for us.
    """
    found, at = [], 0
    while at < len(held) and (sized := length_at(held, at + 1)) is not None:
        size, body = sized
        if size > PACKET_BYTES_MAX:
            raise ProtocolError(f"a packet of {size} bytes")
        if len(held) < body + size:
            break
        found.append((held[at], bytes(held[body : body + size])))
        at = body + size
    del held[:at]
    return found


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return (type, body) of the next packet of a stream.

    Raises:
        ProtocolError: as `split`.
    """
    head = bytearray(await reader.readexactly(2))
    while (sized := length_at(head, 1)) is None:
        head += await reader.readexactly(1)
    if sized[0] > PACKET_BYTES_MAX:
        raise ProtocolError(f"a packet of {sized[0]} bytes")
    return head[0] >> 4, await reader.readexactly(sized[0])
