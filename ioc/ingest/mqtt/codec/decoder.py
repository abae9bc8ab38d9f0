"""Bytes in, packets out, for one connection, without any I/O.

What it promises: the same packets however the bytes were cut; a `ProtocolViolation` and never another error on any
bytes; and memory below about twice `max_packet_bytes` plus what was fed last. A PUBLISH above the bound does not close
the connection: its body streams past and it comes out as `Oversize`, so that it can be kept as a dead letter and
acknowledged (a 3.1.1 client that is cut off sends the same packet again for ever).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from ioc.ingest.mqtt.codec.packets import (
    FLAGS_OF,
    LEVEL_5,
    LEVEL_311,
    NO_PROPERTIES,
    TYPES_FROM,
    Oversize,
    Packet,
    PacketType,
    Properties,
    Publish,
    Sender,
)
from ioc.ingest.mqtt.codec.parser import PARSERS, QOS_RESERVED, read_connect, read_protocol_level
from ioc.ingest.mqtt.codec.properties import read_properties
from ioc.ingest.mqtt.codec.reasons import ProtocolViolation, ReasonCode, Truncated
from ioc.ingest.mqtt.codec.topics import check_topic_name
from ioc.ingest.mqtt.codec.wire import LOW_BITS, VARINT_BYTES_MAX, ByteReader, text_of

HEAD_BYTES_MAX = 4_096
"""How much of an oversize payload is kept."""

TOPICS_REMEMBERED_MAX = 64
TOPIC_REMEMBERED_BYTES_MAX = 256
"""A device publishes under the same few topics for ever, so each connection remembers some as checked text."""
PROPERTIES_REMEMBERED_MAX = 16
"""And with the same few properties: those of up to 127 bytes are remembered by their bytes."""

TYPE_SHIFT = 4
TYPE_BITS = 0xF0
FLAG_BITS = 0x0F
PUBLISH_BITS = PacketType.PUBLISH << TYPE_SHIFT
QOS_BITS = 0x06
RETAIN_BIT = 0x01
DUP_BIT = 0x08

# tuple's own __new__: the one that NamedTuple generates costs half as much again.
_made = cast("Callable[[type[Publish], tuple[object, ...]], Publish]", tuple.__new__)

HEADER_BYTES_MIN = 2
"""The shortest packet: its first byte and a remaining length of 0."""


class Decoder:
    """Cuts what one peer sends into packets.

    Feed it every chunk, and after each iterate over it until it has no more::

        decoder.feed(chunk)
        for packet in decoder: ...

    `protocol_level` becomes known with the CONNECT; given beforehand (to read a server, or in tests) no CONNECT is
    awaited. `max_connect_bytes` bounds what a peer that has not introduced itself can make us hold. A topic alias
    above `topic_alias_maximum`, the number that our CONNACK offers, is refused; aliases are resolved by the caller.
    After a `ProtocolViolation` the decoder gives nothing but that.
    """

    __slots__ = (
        "_alias_max",
        "_awaits_connect",
        "_buffer",
        "_failure",
        "_max_bytes",
        "_max_connect_bytes",
        "_oversize",
        "_partial",
        "_position",
        "_properties",
        "_sender",
        "_skip_bytes",
        "_topics",
        "_wanted_bytes",
        "protocol_level",
    )

    def __init__(
        self,
        max_packet_bytes: int,
        *,
        max_connect_bytes: int | None = None,
        sender: Sender = Sender.CLIENT,
        protocol_level: int | None = None,
        topic_alias_maximum: int = 0,
    ) -> None:
        self.protocol_level = protocol_level
        self._max_bytes = max_packet_bytes
        self._max_connect_bytes = min(max_packet_bytes, max_connect_bytes or max_packet_bytes)
        self._sender = sender
        self._alias_max = topic_alias_maximum
        self._awaits_connect = protocol_level is None
        self._buffer = b""  # what is being cut, from _position on
        self._position = 0
        self._partial = bytearray()  # what came after it: at rest, the beginning of one packet
        self._wanted_bytes = HEADER_BYTES_MIN  # with fewer in _partial there cannot be another packet
        self._skip_bytes = 0  # what is still to come of the oversize body
        self._oversize: Oversize | None = None
        self._failure: ProtocolViolation | None = None
        self._topics: dict[bytes, str] = {}
        self._properties: dict[bytes, Properties] = {}

    @property
    def held_bytes(self) -> int:
        """How many bytes of unfinished packets are held now."""
        return len(self._buffer) - self._position + len(self._partial)

    @property
    def is_amid_packet(self) -> bool:
        """Whether a packet has begun whose end has not come."""
        return self._oversize is not None or len(self._partial) > 0 or self._position < len(self._buffer)

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take what the peer sent next; after a violation, only to forget it."""
        if self._failure is not None:
            return
        chunk = data if type(data) is bytes else bytes(data)
        if self._skip_bytes:
            skipped = min(self._skip_bytes, len(chunk))
            self._skip_bytes -= skipped
            chunk = chunk[skipped:]
        if self._partial or self._oversize is not None or self._position < len(self._buffer):
            self._partial += chunk
        else:
            self._buffer, self._position = chunk, 0

    def __iter__(self) -> Iterator[Packet | Oversize]:
        """Every packet that is complete by now. Raises ProtocolViolation at the first one that is wrong."""
        if self._failure is not None:
            raise self._failure
        try:
            while True:
                # A PUBLISH of less than 16 kB that is all here takes this short way; everything else, and every
                # doubt, takes _next. State is kept in self before each yield: the caller may feed or leave there.
                buffer, position = self._buffer, self._position
                start = position + 2
                if start < len(buffer) and (first := buffer[position]) & TYPE_BITS == PUBLISH_BITS:
                    length = buffer[position + 1]
                    if length > LOW_BITS:
                        high = buffer[start]
                        start += 1
                        length = (length & LOW_BITS) | high << 7 if 0 < high <= LOW_BITS else self._max_bytes
                    stop = start + length
                    if stop <= len(buffer) and stop - position <= self._max_bytes and not self._awaits_connect:
                        packet = self._publish(first, start, stop)
                        self._position = stop
                        yield packet
                        continue
                other = self._next()
                if other is None:
                    return
                yield other
        except ProtocolViolation as violation:
            self._failure = violation
            self._buffer, self._position = b"", 0
            self._partial.clear()
            raise

    def _next(self) -> Packet | Oversize | None:
        """The next packet of any kind, or None until more is fed."""
        if self._oversize is not None:
            return self._finish_oversize()
        wanted_bytes = self._wanted_bytes
        while self._has(wanted_bytes):
            first, position = self._buffer[self._position], self._position
            self._check_first(first)
            header = self._read_length(position + 1)
            if header is None:
                wanted_bytes = self.held_bytes + 1
                continue
            length, start = header
            total_bytes = start - position + length
            bound = self._bound(first >> TYPE_SHIFT, total_bytes)
            wanted_bytes = min(total_bytes, bound)
            if len(self._buffer) - position < wanted_bytes:
                continue
            self._wanted_bytes = HEADER_BYTES_MIN
            if total_bytes > self._max_bytes:
                return self._begin_oversize(first, start, kept_bytes=wanted_bytes, total_bytes=total_bytes)
            packet = self._packet(first, start, start + length)
            self._position = start + length
            return packet
        self._wanted_bytes = wanted_bytes
        return None

    def _has(self, wanted_bytes: int) -> bool:
        """Whether so many unread bytes lie together in _buffer, after bringing there what was fed since."""
        if len(self._buffer) - self._position >= wanted_bytes:
            return True
        self._partial[:0] = self._buffer[self._position :]
        self._buffer, self._position = b"", 0  # an idle connection must not hold its last chunk
        if len(self._partial) < wanted_bytes:
            return False
        self._buffer = bytes(self._partial)
        self._partial.clear()
        return True

    def _check_first(self, first: int) -> None:
        """Refuse by its first byte a packet that may not come now, before its body is waited for."""
        number = first >> TYPE_SHIFT
        is_auth_311 = number == PacketType.AUTH and self.protocol_level == LEVEL_311
        if number == PacketType.WILL or is_auth_311:
            raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a packet has a reserved type")
        packet_type = PacketType(number)
        if packet_type not in TYPES_FROM[self._sender]:
            raise ProtocolViolation(ReasonCode.PROTOCOL_ERROR, f"{packet_type.name} came from the wrong side")
        flags = FLAGS_OF.get(packet_type)
        if flags is not None and flags != first & FLAG_BITS:
            raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, f"{packet_type.name} has reserved flags")
        if self._awaits_connect != (packet_type is PacketType.CONNECT):
            raise ProtocolViolation(ReasonCode.PROTOCOL_ERROR, "CONNECT is not the first packet, or not the only one")
        if packet_type is PacketType.DISCONNECT and self.protocol_level == LEVEL_311 and self._sender is Sender.SERVER:
            raise ProtocolViolation(ReasonCode.PROTOCOL_ERROR, "a 3.1.1 server sent DISCONNECT")

    def _read_length(self, position: int) -> tuple[int, int] | None:
        """The remaining length that stands at `position` and where the body starts; None until all of it is there."""
        length = 0
        for index, byte in enumerate(self._buffer[position : position + VARINT_BYTES_MAX]):
            length |= (byte & LOW_BITS) << (7 * index)
            if byte <= LOW_BITS:
                # MQTT 5 asks for the fewest bytes; 3.1.1 does not, nor do we of a CONNECT, whose level comes later.
                if byte == 0 and index and self.protocol_level == LEVEL_5:
                    raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a length is written in too many bytes")
                return length, position + index + 1
        if len(self._buffer) - position >= VARINT_BYTES_MAX:
            raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a remaining length is longer than four bytes")
        return None

    def _bound(self, number: int, total_bytes: int) -> int:
        """How many bytes of such a packet may be held at most."""
        if number == PacketType.PUBLISH:
            return self._max_bytes if total_bytes <= self._max_bytes else self._max_bytes + HEAD_BYTES_MAX
        bound = self._max_connect_bytes if self._awaits_connect else self._max_bytes
        if total_bytes > bound:
            raise ProtocolViolation(ReasonCode.PACKET_TOO_LARGE, "a packet is longer than is allowed here")
        return bound

    def _begin_oversize(self, first: int, start: int, *, kept_bytes: int, total_bytes: int) -> Oversize | None:
        """Read the fields of an oversize PUBLISH from its first `kept_bytes`, then let the rest stream past."""
        try:
            begun = self._publish(first, start, self._position + kept_bytes)
        except Truncated:
            raise ProtocolViolation(ReasonCode.PACKET_TOO_LARGE, "a PUBLISH is too long without its payload") from None
        self._oversize = Oversize(
            topic=begun.topic,
            head=begun.payload[:HEAD_BYTES_MAX],
            payload_bytes=len(begun.payload) + total_bytes - kept_bytes,
            qos=begun.qos,
            packet_id=begun.packet_id,
            retain=begun.retain,
            dup=begun.dup,
            properties=begun.properties,
        )
        here = min(total_bytes, len(self._buffer) - self._position)
        self._position += here
        later = min(total_bytes - here, len(self._partial))
        del self._partial[:later]
        self._skip_bytes = total_bytes - here - later
        return self._finish_oversize()

    def _finish_oversize(self) -> Oversize | None:
        """The oversize packet once its last byte has gone past."""
        if self._skip_bytes:
            self._has(HEADER_BYTES_MIN)  # lets go of the chunk that held its beginning
            return None
        oversize, self._oversize = self._oversize, None
        return oversize

    def _packet(self, first: int, start: int, stop: int) -> Packet:
        """The packet whose body is `_buffer[start:stop]`."""
        packet_type = PacketType(first >> TYPE_SHIFT)
        if packet_type is PacketType.PUBLISH:
            return self._publish(first, start, stop)
        reader = ByteReader(self._buffer, start, stop)
        packet: Packet
        if packet_type is PacketType.CONNECT:
            # Known even if the rest is wrong, so that the refusal can be written in the peer's version.
            self.protocol_level = read_protocol_level(reader)
            packet = read_connect(reader, self.protocol_level)
            self._awaits_connect = False
        else:
            packet = PARSERS[packet_type](reader, self.protocol_level or LEVEL_311)
        reader.finish()
        return packet

    def _publish(self, first: int, start: int, stop: int) -> Publish:
        """The PUBLISH whose body is `_buffer[start:stop]`: written out, because nearly every packet is one."""
        buffer = self._buffer
        topic_start = topic_stop = start + 2
        if topic_start <= stop:
            topic_stop += buffer[start] << 8 | buffer[start + 1]
        qos = (first & QOS_BITS) >> 1
        payload_start = topic_stop + 2 if qos else topic_stop
        if payload_start > stop:
            raise Truncated("a PUBLISH ends before its payload")
        raw_topic = buffer[topic_start:topic_stop]
        topic = self._topics.get(raw_topic)
        if topic is None:
            topic = self._topic_of(raw_topic)
        packet_id = 0
        if qos:
            packet_id = buffer[topic_stop] << 8 | buffer[topic_stop + 1]
            if packet_id == 0 or qos == QOS_RESERVED:
                raise _wrong_delivery(qos)
        elif first & DUP_BIT:
            raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a PUBLISH at QoS 0 is marked as repeated")
        properties = NO_PROPERTIES
        if self.protocol_level == LEVEL_5:
            if payload_start < stop and buffer[payload_start] == 0 and topic:
                payload_start += 1
            else:
                properties, payload_start = self._publish_properties(topic, payload_start, stop)
        # By position: the order is that of Publish.
        return _made(Publish, (
            topic, buffer[payload_start:stop], qos, packet_id,
            first & RETAIN_BIT != 0, first & DUP_BIT != 0, properties,
        ))  # fmt: skip

    def _publish_properties(self, topic: str, start: int, stop: int) -> tuple[Properties, int]:
        """The properties that stand at `start`, and where the payload begins."""
        short = self._buffer[start : start + 1 + self._buffer[start]] if start < stop else b""
        known = self._properties.get(short)
        if known is not None and topic and start + len(short) <= stop:
            return known, start + len(short)
        reader = ByteReader(self._buffer, start, stop)
        properties = read_properties(reader, PacketType.PUBLISH)
        alias = properties.topic_alias
        if alias is not None and alias > self._alias_max:
            raise ProtocolViolation(ReasonCode.TOPIC_ALIAS_INVALID, "a topic alias is above what was offered")
        if alias is None and not topic:
            raise ProtocolViolation(ReasonCode.PROTOCOL_ERROR, "a PUBLISH has neither topic nor alias")
        if properties.subscription_identifiers and self._sender is Sender.CLIENT:
            raise ProtocolViolation(ReasonCode.PROTOCOL_ERROR, "a client's PUBLISH has a subscription identifier")
        if reader.position - start == len(short):  # false for a length of two bytes or more
            if len(self._properties) >= PROPERTIES_REMEMBERED_MAX:
                self._properties.clear()
            self._properties[short] = properties
        return properties, reader.position

    def _topic_of(self, raw_topic: bytes) -> str:
        """The topic that `raw_topic` encodes, checked, and remembered where that is cheap."""
        if not raw_topic and self.protocol_level == LEVEL_5:
            return ""  # an alias may stand for it
        topic = check_topic_name(text_of(raw_topic))
        if len(raw_topic) <= TOPIC_REMEMBERED_BYTES_MAX:
            if len(self._topics) >= TOPICS_REMEMBERED_MAX:
                self._topics.clear()
            self._topics[raw_topic] = topic
        return topic


def _wrong_delivery(qos: int) -> ProtocolViolation:
    if qos == QOS_RESERVED:
        return ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a PUBLISH has QoS 3")
    return ProtocolViolation(ReasonCode.PROTOCOL_ERROR, "a packet identifier is 0")
