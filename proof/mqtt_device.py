"""A device that speaks MQTT 3.1.1 at QoS 1 as its own few bytes: it keeps a reading until the PUBACK of it.

After any cut it connects again and sends what was not acknowledged once more (DUP), like a field station. It shares
no code with the door.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass

from proof.readings import FEED, Reading
from proof.recorder import Recorder

UNACKNOWLEDGED_MAX = 200
"""The station's memory: past it nothing new is measured until something is acknowledged."""
CONNECT_SECONDS = 3.0
SILENT_SECONDS = 8.0
"""An unacknowledged reading waits this long for any packet before the station dials again."""
CONNACK, PUBACK = 2, 4


@dataclass(frozen=True, slots=True)
class Station:
    """Who connects where."""

    device: str
    key: str
    port: int
    host: str = "127.0.0.1"


def text(value: str | bytes) -> bytes:
    """Return a length-prefixed string."""
    raw = value.encode() if isinstance(value, str) else value
    return len(raw).to_bytes(2, "big") + raw


def packet(first: int, body: bytes) -> bytes:
    """Return a control packet with its variable-length size."""
    size, digits = len(body), bytearray()
    while True:
        size, digit = divmod(size, 128)
        digits.append(digit | (0x80 if size else 0))
        if not size:
            return bytes([first]) + bytes(digits) + body


def connect(station: Station, *, keep_alive_seconds: int | None = None) -> bytes:
    """Return a CONNECT with credentials; a kept session and a keep-alive of a minute, or a clean one and that."""
    kept = keep_alive_seconds is None
    flags, seconds = (0xC0, 60) if kept else (0xC2, keep_alive_seconds or 0)
    body = (
        text("MQTT") + bytes([4, flags, 0, seconds]) + text(station.device) + text(station.device) + text(station.key)
    )
    return packet(0x10, body)


def publish(topic: str, packet_id: int, payload: bytes, *, again: bool = False) -> bytes:
    """Return a PUBLISH at QoS 1."""
    return packet(0x3A if again else 0x32, text(topic) + packet_id.to_bytes(2, "big") + payload)


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return (type, body) of the next packet."""
    first = (await reader.readexactly(1))[0]
    size, shift = 0, 0
    while True:
        digit = (await reader.readexactly(1))[0]
        size |= (digit & 0x7F) << shift
        if not digit & 0x80:
            return first >> 4, await reader.readexactly(size)
        shift += 7


class MQTTDevice:
    """One station: measures at its rate, sends, and forgets only what was acknowledged."""

    def __init__(
        self, station: Station, *, make: Callable[[int], Reading], per_second: float, recorder: Recorder, seed: int
    ) -> None:
        self._station = station
        self._make = make
        self._pause_seconds = 1 / per_second
        self._recorder = recorder
        self._random = random.Random(f"{seed}/{station.device}")
        self._unacknowledged: dict[int, Reading] = {}
        self._number = 0
        self._packet_id = 0
        self._writer: asyncio.StreamWriter | None = None
        self._measuring = True
        self.connections = 0
        self.denied = 0

    @property
    def waiting(self) -> int:
        """Return how many readings are not acknowledged."""
        return len(self._unacknowledged)

    def stop_measuring(self) -> None:
        """Measure nothing more; what is unacknowledged is still sent."""
        self._measuring = False

    async def run(self) -> None:
        """Measure and send until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._measure())
            group.create_task(self._keep_connected())

    async def _measure(self) -> None:
        while self._measuring:
            # Jitter and bursts: what is in flight at a kill should differ from kill to kill.
            await asyncio.sleep(self._pause_seconds * self._random.uniform(0.2, 1.8))
            if self._writer is None or self.waiting >= UNACKNOWLEDGED_MAX:
                continue
            self._number += 1
            self._packet_id = self._packet_id % 65_535 + 1
            made = self._make(self._number)
            self._unacknowledged[self._packet_id] = made
            self._recorder.note("invoke", self._station.device, made.id, values=made.values)
            self._send(self._packet_id, made, again=False)

    def _send(self, packet_id: int, made: Reading, *, again: bool) -> None:
        if self._writer is not None:
            topic = f"ioc/v1/{FEED}/{self._station.device}"
            self._writer.write(publish(topic, packet_id, made.payload, again=again))

    async def _keep_connected(self) -> None:
        while True:
            try:
                await self._connection()
            except (OSError, EOFError, TimeoutError):
                for made in self._unacknowledged.values():
                    self._recorder.note("info", self._station.device, made.id)
            await asyncio.sleep(self._random.uniform(0.05, 0.4))

    async def _connection(self) -> None:
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(self._station.host, self._station.port), CONNECT_SECONDS
        )
        try:
            writer.write(connect(self._station))
            kind, body = await asyncio.wait_for(read_packet(reader), CONNECT_SECONDS)
            if kind != CONNACK or body[1] != 0:
                self.denied += 1
                raise ConnectionRefusedError(f"CONNACK {body!r}")
            self.connections += 1
            self._writer = writer
            for packet_id, made in self._unacknowledged.items():
                self._send(packet_id, made, again=True)
            while True:
                kind, body = await asyncio.wait_for(read_packet(reader), SILENT_SECONDS if self.waiting else None)
                if kind == PUBACK:
                    made_ = self._unacknowledged.pop(int.from_bytes(body[:2], "big"), None)
                    if made_ is not None:
                        self._recorder.note("ok", self._station.device, made_.id)
        finally:
            self._writer = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
