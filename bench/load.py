"""A steady load: stations that publish calm readings at QoS 1 at a given rate and count their PUBACKs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from mqtt_client.connection import Connection
from mqtt_client.packets import Station

CALM = {"pm2_5": 18.0, "pm10": 30.0, "no2": 11.0}


@dataclass(slots=True)
class Load:
    """What was sent and acknowledged, and how long each acknowledgement took (seconds)."""

    sent: int = 0
    acknowledged: int = 0
    waits: list[float] = field(default_factory=list)


class Sender(Connection):
    """One station's connection: publish, and know when the PUBACK came."""

    def __init__(self, station: Station, feed: str, load: Load) -> None:
        super().__init__(station, clean_start=False)
        self._topic = f"ioc/v1/{feed}/{station.device}"
        self._load = load
        self._sent_at: dict[int, float] = {}

    def send(self, values: dict[str, float]) -> float:
        """Publish one reading measured now; return the wall time of the send in milliseconds."""
        wall = time.time()
        payload = json.dumps({"id": f"{wall:.6f}", **values}).encode()
        number = self.next_packet_id()
        self._sent_at[number] = time.perf_counter()
        self.publish(self._topic, payload, packet_id=number)
        self._load.sent += 1
        return wall * 1_000

    def on_acknowledged(self, packet_id: int, reason: int) -> None:
        """Note how long it took."""
        del reason
        sent_at = self._sent_at.pop(packet_id, None)
        if sent_at is not None:
            self._load.acknowledged += 1
            self._load.waits.append(time.perf_counter() - sent_at)


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
