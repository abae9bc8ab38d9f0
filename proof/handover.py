"""The witness of the hand-over: a proxy between the bridge and its broker that reads MQTT as it passes.

It notes each message that the broker handed over (`invoke`) and each that the bridge took off it (`ok`: PUBACK, or
PUBREC at QoS 2, after which the broker forgets the message). It shares no code with the bridge.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from proof.instance import free_port
from proof.recorder import Identity, Recorder

CONNECT, PUBLISH, PUBACK, PUBREC = 1, 3, 4, 5
LEVEL_5 = 5
CHUNK = 65_536
POLL_SECONDS = 0.05


class Frames:
    """Cuts a stream of bytes into (first byte, body) of control packets."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[tuple[int, bytes]]:
        """Return the packets that are whole now."""
        self._buffer += chunk
        found: list[tuple[int, bytes]] = []
        while True:
            size, at, shift = 0, 1, 0
            while at < len(self._buffer):
                digit = self._buffer[at]
                size, at, shift = size | (digit & 0x7F) << shift, at + 1, shift + 7
                if not digit & 0x80:
                    break
            else:
                return found
            if len(self._buffer) < at + size:
                return found
            found.append((self._buffer[0], bytes(self._buffer[at : at + size])))
            del self._buffer[: at + size]


def identity_of(topic: str, payload: bytes) -> Identity | None:
    """Return the (device, id) of a reading under a device's topic, or None."""
    levels = topic.split("/")
    if len(levels) != 4 or levels[:2] != ["ioc", "v1"] or levels[2] == "receipts":
        return None
    try:
        return levels[3], str(json.loads(payload)["id"])
    except (ValueError, KeyError, TypeError):
        return None


@dataclass(slots=True)
class _Wire:
    """One connection of the bridge: which reading each packet id stands for."""

    level: int = 4
    readings: dict[int, Identity] = field(default_factory=dict)


@dataclass(slots=True)
class Witness:
    """The proxy, and what it has seen."""

    upstream: int
    recorder: Recorder
    port: int = field(default_factory=free_port)
    outstanding: int = 0
    """Handed over on connections that stand, and not acknowledged."""
    handed: int = 0
    taken: int = 0
    connections: int = 0
    moved_at: float = field(default_factory=time.monotonic)

    def quiet_for(self, seconds: float) -> bool:
        """Tell whether nothing moved for so long."""
        return time.monotonic() - self.moved_at > seconds

    async def quiet(self, seconds: float, *, timeout_seconds: float) -> bool:
        """Wait until nothing is outstanding and nothing moved for so long; tell whether that came in time."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            if not self.outstanding and self.quiet_for(seconds):
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            writer.close()
            return
        self.connections += 1
        wire = _Wire()
        ways = [
            asyncio.create_task(
                self._pass(reader, up_writer, lambda first, body: self._from_bridge(wire, first, body))
            ),
            asyncio.create_task(
                self._pass(up_reader, writer, lambda first, body: self._from_broker(wire, first, body))
            ),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self.outstanding -= len(wire.readings)
            for end in (writer, up_writer):
                end.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[int, bytes], None]
    ) -> None:
        frames = Frames()
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                for first, body in frames.feed(chunk):
                    look(first, body)
                writer.write(chunk)
                await writer.drain()

    def _from_broker(self, wire: _Wire, first: int, body: bytes) -> None:
        qos = first >> 1 & 3
        if first >> 4 != PUBLISH or not qos:
            return
        end = 2 + int.from_bytes(body[:2], "big")
        topic, packet_id, at = body[2:end].decode(), int.from_bytes(body[end : end + 2], "big"), end + 2
        if wire.level == LEVEL_5:
            size, at = body[at], at + 1
            assert size < 0x80, "the properties of these messages are short"
            at += size
        reading = identity_of(topic, body[at:])
        if reading is None:
            return
        self.outstanding += packet_id not in wire.readings
        wire.readings[packet_id] = reading
        self.handed += 1
        self.moved_at = time.monotonic()
        self.recorder.note("invoke", *reading, values=json.loads(body[at:]))

    def _from_bridge(self, wire: _Wire, first: int, body: bytes) -> None:
        if first >> 4 == CONNECT:
            wire.level = body[6]
        if first >> 4 not in {PUBACK, PUBREC}:
            return
        reading = wire.readings.pop(int.from_bytes(body[:2], "big"), None)
        if reading is None:
            return
        self.outstanding -= 1
        self.taken += 1
        self.moved_at = time.monotonic()
        self.recorder.note("ok", *reading)


@contextlib.asynccontextmanager
async def witnessed(upstream: int, recorder: Recorder) -> AsyncIterator[Witness]:
    """Run a witness in front of a broker's port."""
    witness = Witness(upstream, recorder)
    server = await asyncio.start_server(witness._serve, "127.0.0.1", witness.port)  # noqa: SLF001 - of this module
    try:
        yield witness
    finally:
        server.close()
