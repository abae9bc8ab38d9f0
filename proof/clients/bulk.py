"""Many readings at once, as a site sends them that was cut off: QoS 1 or 2, a window, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mqtt_client.connection import Connection
from mqtt_client.packets import Station
from proof.harness.readings import FEED, SentReading
from proof.harness.recorder import Recorder

WINDOW = 500
ANSWER_SECONDS = 30.0


async def publish_all(station: Station, readings: Sequence[SentReading], recorder: Recorder, *, qos: int = 1) -> None:
    """Publish all of them and return when the broker has acknowledged each.

    Raises:
        ConnectionError: the broker refuses the station, or hangs up.
        TimeoutError: it acknowledges nothing for long.
    """
    bulk = _Bulk(station, recorder)
    await bulk.open()
    try:
        for made in readings:
            await bulk.until_fewer_wait(WINDOW)
            recorder.note("invoke", station.device, made.id, values=made.values)
            bulk.waiting[bulk.publish(f"ioc/v1/{FEED}/{station.device}", made.payload, qos=qos)] = made
        await bulk.until_fewer_wait(1)
    finally:
        await bulk.close()


class _Bulk(Connection):
    def __init__(self, station: Station, recorder: Recorder) -> None:
        super().__init__(station, clean_start=False)
        self._recorder = recorder
        self._answered = asyncio.Event()
        self.waiting: dict[int, SentReading] = {}

    async def until_fewer_wait(self, count: int) -> None:
        """Wait until fewer than so many are without their acknowledgement.

        Raises:
            ConnectionError: the connection ended first.
            TimeoutError: nothing is acknowledged for long.
        """
        while len(self.waiting) >= count:
            self._answered.clear()
            await asyncio.wait_for(self._answered.wait(), ANSWER_SECONDS)
            if self.waiting and not self.is_open:
                raise ConnectionResetError(f"{self.station.device}: {len(self.waiting)} without an acknowledgement")

    def on_acknowledged(self, packet_id: int, reason: int) -> None:
        del reason
        made = self.waiting.pop(packet_id, None)
        if made is not None:
            self._recorder.note("ok", self.station.device, made.id)
        self._answered.set()

    def on_lost(self, error: Exception | None) -> None:
        del error
        self._answered.set()
