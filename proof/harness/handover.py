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

from mqtt_client.packets import MQTT_311, PacketType, incoming, packet_id_of, split
from proof.harness.instance import free_port
from proof.harness.recorder import Identity, Recorder

CHUNK = 65_536
POLL_SECONDS = 0.05


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

    level: int = MQTT_311
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
        held = bytearray()
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                held += chunk
                for first, body in split(held):
                    look(first, body)
                writer.write(chunk)
                await writer.drain()

    def _from_broker(self, wire: _Wire, first: int, body: bytes) -> None:
        if first >> 4 != PacketType.PUBLISH:
            return
        message = incoming(first, body, level=wire.level)
        if not message.qos:
            return
        reading = identity_of(message.topic, message.payload)
        if reading is None:
            return
        self.outstanding += message.packet_id not in wire.readings
        wire.readings[message.packet_id] = reading
        self.handed += 1
        self.moved_at = time.monotonic()
        self.recorder.note("invoke", *reading, values=json.loads(message.payload))

    def _from_bridge(self, wire: _Wire, first: int, body: bytes) -> None:
        if first >> 4 == PacketType.CONNECT:
            wire.level = body[6]
        if first >> 4 not in {PacketType.PUBACK, PacketType.PUBREC}:
            return
        reading = wire.readings.pop(packet_id_of(body), None)
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
