"""A device of a drill as the MQTT door sees it: MQTT 5, QoS 1, one reading at a time, each kept until its PUBACK.

Its few packets are written here and not with the door's own codec: a client that shares the codec shares its faults.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from ioc.errors import InvalidInputError, ServiceUnreachableError, UnauthenticatedError

CONNACK, PUBACK, DISCONNECT = 2, 4, 14
KEEP_ALIVE_SECONDS = 60
PING_SECONDS = 20.0
ANSWER_SECONDS = 30.0
RETRY_SECONDS = 0.3
FAILURE = 0x80
BAD_CREDENTIALS = frozenset({0x86, 0x87, 0x8C})
PINGREQ = b"\xc0\x00"
PACKET_BYTES_MAX = 1 << 16
LENGTH_SHIFT_MAX = 21


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A registered device and its key."""

    device: str
    feed: str
    key: str = field(repr=False)


@dataclass(slots=True)
class Publisher:
    """One device's connection, opened at its first reading and again whenever it is lost."""

    host: str
    port: int
    identity: DeviceKey
    give_up_seconds: float = 60.0
    waiting: Callable[[str], None] = lambda _why: None
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None
    _packet_id: int = 0
    _pinged: float = 0.0

    async def publish(self, payload: bytes) -> int:
        """Send one reading and return the reason code of its PUBACK (0: it is in the log, committed).

        Raises:
            ServiceUnreachableError: the door acknowledged nothing for ``give_up_seconds``.
            UnauthenticatedError: it does not know the device or its key.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.give_up_seconds
        self._packet_id = self._packet_id % 65_535 + 1
        again = False
        while True:
            try:
                return await asyncio.wait_for(self._once(payload, again=again), ANSWER_SECONDS)
            except (OSError, EOFError, TimeoutError) as error:
                await self.close()
                if loop.time() > deadline:
                    raise ServiceUnreachableError(
                        f"the MQTT door acknowledged nothing for {self.give_up_seconds:.0f} s: {error!r}"
                    ) from error
                self.waiting(f"{self.identity.device}: {error!r}")
            again = True
            await asyncio.sleep(RETRY_SECONDS)

    async def ping(self) -> None:
        """Keep the connection, if one is open: called while there is nothing to send."""
        now = asyncio.get_running_loop().time()
        if self._writer is not None and now - self._pinged > PING_SECONDS:
            self._pinged = now
            self._writer.write(PINGREQ)

    async def close(self) -> None:
        """Leave the door."""
        writer, self._writer, self._reader = self._writer, None, None
        if writer is not None:
            with contextlib.suppress(OSError):
                writer.write(b"\xe0\x00")
                writer.close()
                await writer.wait_closed()

    async def _once(self, payload: bytes, *, again: bool) -> int:
        if self._writer is None:
            await self._connect()
        assert self._writer is not None
        assert self._reader is not None
        topic = f"ioc/v1/{self.identity.feed}/{self.identity.device}".encode()
        body = _text(topic) + self._packet_id.to_bytes(2, "big") + b"\x00" + payload
        self._writer.write(_packet(0x3A if again else 0x32, body))
        while True:
            kind, found = await _read_packet(self._reader)
            if kind == PUBACK and int.from_bytes(found[:2], "big") == self._packet_id:
                return found[2] if len(found) > 2 else 0  # noqa: PLR2004 - the short form means success
            if kind == DISCONNECT:
                raise ConnectionResetError(f"the door ended the connection: {found.hex()}")

    async def _connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self.host, self.port)
        device, key = self.identity.device.encode(), self.identity.key.encode()
        head = _text(b"MQTT") + bytes([5, 0xC2]) + KEEP_ALIVE_SECONDS.to_bytes(2, "big") + b"\x00"
        self._writer.write(_packet(0x10, head + _text(device) + _text(device) + _text(key)))
        self._pinged = asyncio.get_running_loop().time()
        kind, found = await _read_packet(self._reader)
        if kind != CONNACK or found[1] in BAD_CREDENTIALS:
            raise UnauthenticatedError(f"the door refuses {self.identity.device}: reason {found[1]:#04x}")
        if found[1] >= FAILURE:
            raise ConnectionRefusedError(f"the door refuses {self.identity.device} now: reason {found[1]:#04x}")


def _text(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def _packet(first: int, body: bytes) -> bytes:
    size, digits = len(body), bytearray()
    while True:
        size, digit = divmod(size, 128)
        digits.append(digit | (0x80 if size else 0))
        if not size:
            return bytes([first]) + bytes(digits) + body


async def _read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return (type, body) of the next packet.

    Raises:
        InvalidInputError: it is longer than any that a door has for us.
    """
    first = (await reader.readexactly(1))[0]
    size, shift = 0, 0
    while True:
        digit = (await reader.readexactly(1))[0]
        size |= (digit & 0x7F) << shift
        if not digit & 0x80:
            break
        shift += 7
        if shift > LENGTH_SHIFT_MAX:
            raise InvalidInputError("what answers on the MQTT port is no MQTT door")
    if size > PACKET_BYTES_MAX:
        raise InvalidInputError("what answers on the MQTT port is no MQTT door")
    return first >> 4, await reader.readexactly(size)
