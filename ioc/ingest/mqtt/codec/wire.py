"""The data types of MQTT (section 1.5 of version 5): integers, strings and binary data, read and written.

Reading never goes past the end it was given: every shortfall is a `ProtocolViolation`. Writing refuses what does not
fit with `Unencodable`.
"""

from __future__ import annotations

from ioc.ingest.mqtt.codec.reasons import ProtocolViolation, ReasonCode, Truncated, Unencodable

U16_MAX = 0xFFFF
U32_MAX = 0xFFFF_FFFF
VARINT_MAX = 268_435_455
"""The greatest variable byte integer: four bytes of seven bits."""

MORE = 0x80
"""The bit of a variable byte integer's byte that says another byte follows."""
LOW_BITS = 0x7F
VARINT_BYTES_MAX = 4


def text_of(raw: bytes) -> str:
    """The text that `raw` encodes: strict UTF-8, so no surrogates and no overlong forms, and no U+0000."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a string is not well-formed UTF-8") from None
    if "\0" in text:
        raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a string holds U+0000")
    return text


class ByteReader:
    """Reads the fields of one packet from `buffer[position:stop]`, in order."""

    __slots__ = ("buffer", "position", "stop")

    def __init__(self, buffer: bytes, position: int, stop: int) -> None:
        self.buffer = buffer
        self.position = position
        self.stop = stop

    @property
    def left_bytes(self) -> int:
        """How many bytes of the packet are still unread."""
        return self.stop - self.position

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        start, end = self.position, self.position + length
        if end > self.stop:
            raise Truncated("a field runs past the end of its packet")
        self.position = end
        return self.buffer[start:end]

    def uint8(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def uint16(self) -> int:
        """A two byte integer."""
        return int.from_bytes(self.take(2), "big")

    def uint32(self) -> int:
        """A four byte integer."""
        return int.from_bytes(self.take(4), "big")

    def varint(self) -> int:
        """A variable byte integer, in no more bytes than its value needs."""
        value = 0
        for index in range(VARINT_BYTES_MAX):
            byte = self.uint8()
            value |= (byte & LOW_BITS) << (7 * index)
            if byte < MORE:
                if byte == 0 and index:
                    raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a length is written in too many bytes")
                return value
        raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "a length is longer than four bytes")

    def binary(self) -> bytes:
        """Binary data with its two byte length."""
        return self.take(self.uint16())

    def text(self) -> str:
        """A UTF-8 string with its two byte length."""
        return text_of(self.take(self.uint16()))

    def part(self, length: int) -> ByteReader:
        """A reader of the next `length` bytes, which this reader steps over."""
        start = self.position
        if length > self.left_bytes:
            raise Truncated("a field runs past the end of its packet")
        self.position = start + length
        return ByteReader(self.buffer, start, self.position)

    def finish(self) -> None:
        """Say that the packet should end here."""
        if self.position != self.stop:
            raise ProtocolViolation(ReasonCode.MALFORMED_PACKET, "the packet holds more bytes than it has fields")


def uint8(value: int) -> bytes:
    """One byte."""
    return _fixed(value, 1)


def uint16(value: int) -> bytes:
    """A two byte integer."""
    return _fixed(value, 2)


def uint32(value: int) -> bytes:
    """A four byte integer."""
    return _fixed(value, 4)


def _fixed(value: int, length: int) -> bytes:
    try:
        return value.to_bytes(length, "big")
    except OverflowError:
        raise Unencodable(f"{value} does not fit in {length} byte(s)") from None


def varint(value: int) -> bytes:
    """A variable byte integer, in as few bytes as it needs."""
    if not 0 <= value <= VARINT_MAX:
        raise Unencodable(f"{value} does not fit in a variable byte integer")
    written = bytearray()
    while value >= MORE:
        written.append((value & LOW_BITS) | MORE)
        value >>= 7
    written.append(value)
    return bytes(written)


def binary(data: bytes) -> bytes:
    """Binary data with its two byte length."""
    if len(data) > U16_MAX:
        raise Unencodable(f"{len(data)} bytes do not fit in a field of 65,535")
    return uint16(len(data)) + data


def text(value: str) -> bytes:
    """A UTF-8 string with its two byte length."""
    if "\0" in value:
        raise Unencodable("a string holds U+0000")
    try:
        return binary(value.encode())
    except UnicodeEncodeError:
        raise Unencodable("a string holds a lone surrogate") from None
