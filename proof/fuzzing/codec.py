"""The MQTT codec under any bytes: packets or a violation, the same however they are cut, in bounded memory."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ioc.ingest.mqtt.codec.decoder import HEAD_BYTES_MAX, Decoder
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import (
    Auth,
    Connect,
    Disconnect,
    Oversize,
    Packet,
    Pingreq,
    Properties,
    Puback,
    Publish,
    Pubrel,
    Sender,
    Subscribe,
    Subscription,
    Unsubscribe,
    Will,
)
from ioc.ingest.mqtt.codec.properties import PROPERTIES
from ioc.ingest.mqtt.codec.reasons import ProtocolViolation, ReasonCode

PACKET_BYTES_MAX = 200
SENDERS = (Sender.CLIENT, Sender.SERVER)
LEVELS = (None, 4, 5)
WORDS = (
    b"\x00\x04MQTT", b"\x00\x06MQIsdp", b"\x04", b"\x05", b"\x00\x01a", b"\x00\x00", b"\x00\x03a/b", b"+/#", b"$share/",
    b"\x10", b"\x32", b"\x34\x35", b"\x82", b"\xa2", b"\xe0\x00", b"\xc0\x00", b"\xf0\x00", b"\x30\xff\xff\xff\x7f",
    b"\x80\x80\x80\x80", b"\xff\xff\xff\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbb\xbf",
    *(bytes([number]) for number in PROPERTIES),
)  # fmt: skip
"""Protocol names, topics, first bytes, lengths, bad UTF-8 and the numbers of properties."""


def sample_packets(level: int) -> list[Packet]:
    """Return one packet of each kind that a client sends, with what it may hold."""
    rich = level == 5
    properties = Properties(content_type="json", user_properties=(("a", "b"),)) if rich else Properties()
    will = Will(topic="w", payload=b"gone", qos=1, properties=Properties(will_delay_s=5) if rich else Properties())
    asked = Properties(session_expiry_s=60, receive_maximum=10, maximum_packet_bytes=900) if rich else Properties()
    packets: list[Packet] = [
        Connect(protocol_level=level, client_id="c", username="u", password=b"p", will=will, properties=asked),
        Publish(topic="ioc/v1/rainfall/rain-1", payload=b'{"rain_mm":1}', qos=1, packet_id=7, properties=properties),
        Publish(topic="t", payload=b"", qos=2, packet_id=8, dup=True),
        Publish(topic="t", payload=b"x" * 130, retain=True),
        Publish(topic="big", payload=b"y" * 250, qos=1, packet_id=9),
        Puback(3), Pubrel(8),
        Subscribe(packet_id=5, subscriptions=tuple(Subscription(topic_filter=name, qos=1) for name in ("a/+", "b/#"))),
        Unsubscribe(packet_id=6, topic_filters=("a/+",)),
        Pingreq(),
    ]  # fmt: skip
    if rich:
        packets += [Auth(), Puback(4, ReasonCode.QUOTA_EXCEEDED)]
    return [*packets, Disconnect()]


def split_packets(data: bytes) -> list[bytes]:
    """Return the first byte, then each packet without its length, as far as the lengths make sense."""
    parts, at = [data[:1]], 1
    while at < len(data):
        length, shift, begin = 0, 0, at + 1
        while begin < len(data) and shift < 28:
            length |= (data[begin] & 0x7F) << shift
            shift, begin = shift + 7, begin + 1
            if not data[begin - 1] & 0x80:
                break
        parts.append(data[at : at + 1] + data[begin : begin + length])
        at = begin + length
    return parts


def join_packets(parts: Sequence[bytes]) -> bytes:
    """Return the stream of these parts, each with its length."""
    made = bytearray(parts[0])
    for part in parts[1:]:
        length, digits = max(0, len(part) - 1), bytearray()
        while True:
            length, digit = length >> 7, length & 0x7F
            digits.append(digit | (0x80 if length else 0))
            if not length:
                break
        made += part[:1] + digits + part[1:]
    return bytes(made)


class CodecTarget:
    """The first byte chooses level, side and into how many pieces the rest is cut."""

    name = "codec"
    words: Sequence[bytes] = WORDS
    files: Sequence[str] = (
        "ioc/ingest/mqtt/codec/decoder.py", "ioc/ingest/mqtt/codec/parser.py", "ioc/ingest/mqtt/codec/properties.py",
        "ioc/ingest/mqtt/codec/wire.py", "ioc/ingest/mqtt/codec/topics.py", "ioc/ingest/mqtt/codec/encoder.py",
    )  # fmt: skip

    def decoder(self, *, sender: Sender, level: int | None) -> Decoder:
        """Return a fresh decoder; a mutant returns a broken one."""
        return Decoder(
            PACKET_BYTES_MAX, max_connect_bytes=150, sender=sender, protocol_level=level, topic_alias_maximum=10
        )

    def close(self) -> None:
        """Hold nothing."""

    def seeds(self) -> list[bytes]:
        """Return whole conversations, and each packet alone."""
        made = []
        for level in (4, 5):
            written = [encode(packet, level) for packet in sample_packets(level)]
            made.append(b"\x00" + b"".join(written))
            made += [bytes([level - 3]) + packet for packet in written[1:]]
        return made

    def split(self, data: bytes) -> list[bytes]:
        """Return the packets."""
        return split_packets(data)

    def join(self, parts: Sequence[bytes]) -> bytes:
        """Return the stream."""
        return join_packets(parts)

    def run(self, data: bytes) -> Hashable:
        """Decode whole and in pieces; write what came again."""
        first = data[0] if data else 0
        stream = data[1:]
        level, sender = LEVELS[first & 3 if first & 3 < 3 else 0], SENDERS[first >> 2 & 1]
        if sender is Sender.SERVER and level is None:
            level = 5
        whole = self._read(stream, sender=sender, level=level, cut=len(stream) or 1)
        pieces = self._read(stream, sender=sender, level=level, cut=len(stream) // ((first >> 3) + 1) + 1)
        assert whole == pieces, "the cuts between chunks change what is read"
        packets, why, known = whole
        for packet in packets:
            self._again(packet, sender=sender, level=known)
        return (sender, known, why, tuple(type(packet).__name__ for packet in packets[:6]))

    def _read(
        self, stream: bytes, *, sender: Sender, level: int | None, cut: int
    ) -> tuple[list[Packet | Oversize], str | None, int | None]:
        decoder = self.decoder(sender=sender, level=level)
        packets: list[Packet | Oversize] = []
        why = None
        try:
            for at in range(0, len(stream), cut):
                decoder.feed(stream[at : at + cut])
                packets.extend(decoder)
                assert decoder.held_bytes <= PACKET_BYTES_MAX + HEAD_BYTES_MAX + cut, "it holds more than it may"
        except ProtocolViolation as violation:
            why = f"{violation.reason_code:x} {violation.message}"
        return packets, why, decoder.protocol_level

    def _again(self, packet: Packet | Oversize, *, sender: Sender, level: int | None) -> None:
        """Write a packet and read it back: what was let in can be said again, the same."""
        assert level is not None, "a packet came before its version"
        if isinstance(packet, Oversize):
            return
        reader = Decoder(
            1 << 20, sender=sender, protocol_level=None if isinstance(packet, Connect) else level,
            topic_alias_maximum=10,
        )  # fmt: skip
        reader.feed(encode(packet, level))
        assert list(reader) == [packet], "it reads differently when it is written again"


class BrokenDecoder(Decoder):
    """The planted fault of the control: a SUBSCRIBE of several with a packet id above 255 is too much for it."""

    __slots__ = ()

    def _packet(self, first: int, start: int, stop: int) -> Packet:
        packet = super()._packet(first, start, stop)
        if isinstance(packet, Subscribe) and packet.packet_id > 255 and len(packet.subscriptions) > 1:
            raise IndexError("planted")
        return packet


class BrokenCodec(CodecTarget):
    """The control: a fuzzer that does not find this is no evidence."""

    name = "codec with a planted fault"

    def decoder(self, *, sender: Sender, level: int | None) -> Decoder:
        """Return the mutant."""
        return BrokenDecoder(
            PACKET_BYTES_MAX, max_connect_bytes=256, sender=sender, protocol_level=level, topic_alias_maximum=10
        )
