"""A steady load: stations that publish calm readings at QoS 1 at a given rate and count their PUBACKs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from proof.mqtt_device import CONNACK, PUBACK, Station, connect, publish, read_packet

CALM = {"pm2_5": 18.0, "pm10": 30.0, "no2": 11.0}


@dataclass(slots=True)
class Load:
    """What was sent and acknowledged, and how long each acknowledgement took (seconds)."""

    sent: int = 0
    acknowledged: int = 0
    waits: list[float] = field(default_factory=list)


class Sender:
    """One station's connection: publish, and know when the PUBACK came."""

    def __init__(self, station: Station, feed: str, load: Load) -> None:
        self._station = station
        self._topic = f"ioc/v1/{feed}/{station.device}"
        self._load = load
        self._sent_at: dict[int, float] = {}
        self._number = 0

    async def open(self) -> None:
        """Connect.

        Raises:
            ConnectionError: the door refused it.
        """
        self._reader, self._writer = await asyncio.open_connection(self._station.host, self._station.port)
        self._writer.write(connect(self._station))
        kind, body = await read_packet(self._reader)
        if kind != CONNACK or body[1] != 0:
            raise ConnectionError(f"{self._station.device} was refused: {body!r}")
        self._listener = asyncio.create_task(self._listen())

    def send(self, values: dict[str, float]) -> float:
        """Publish one reading measured now; return the wall time of the send in milliseconds."""
        self._number = self._number % 65_535 + 1
        wall = time.time()
        payload = json.dumps({"id": f"{wall:.6f}", **values}).encode()
        self._sent_at[self._number] = time.perf_counter()
        self._writer.write(publish(self._topic, self._number, payload))
        self._load.sent += 1
        return wall * 1_000

    async def _listen(self) -> None:
        while True:
            kind, body = await read_packet(self._reader)
            if kind == PUBACK:
                sent_at = self._sent_at.pop(int.from_bytes(body[:2], "big"), None)
                if sent_at is not None:
                    self._load.acknowledged += 1
                    self._load.waits.append(time.perf_counter() - sent_at)

    async def close(self) -> None:
        """Hang up."""
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)
        self._writer.close()


async def steady(senders: Sequence[Sender], *, per_second: float) -> None:
    """Send calm readings in turn at a rate until cancelled; a late turn is caught up, so the rate holds."""
    started = time.perf_counter()
    sent = 0
    while True:
        due = int((time.perf_counter() - started) * per_second)
        while sent < due:
            senders[sent % len(senders)].send(CALM)
            sent += 1
        await asyncio.sleep(0.004)
