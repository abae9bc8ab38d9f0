"""A device under faults: it measures at its rate, keeps a reading until its PUBACK, and tells the witness of both."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from mqtt_client.packets import Station
from mqtt_client.reliable_publisher import PublisherOptions, ReliablePublisher
from proof.harness.readings import FEED, SentReading
from proof.harness.recorder import Recorder

UNACKNOWLEDGED_MAX = 200
"""The station's memory: past it nothing new is measured until something is acknowledged."""
SILENT_SECONDS = 8.0
PAUSE_SECONDS = (0.4, 0.4)
"""It is back soon after each kill, so that much is in flight at the next."""


class MQTTDevice(ReliablePublisher):
    """One station: measures at its rate, sends, and forgets only what was acknowledged."""

    def __init__(
        self, station: Station, *, make: Callable[[int], SentReading], per_second: float, recorder: Recorder, seed: int
    ) -> None:
        super().__init__(
            station,
            f"ioc/v1/{FEED}/{station.device}",
            options=PublisherOptions(
                kept_max=UNACKNOWLEDGED_MAX, in_flight_max=UNACKNOWLEDGED_MAX, silent_seconds=SILENT_SECONDS,
                pause_seconds=PAUSE_SECONDS,
            ),
            random=random.Random(f"{seed}/{station.device}"),
        )  # fmt: skip
        self._make = make
        self._pause_between = 1 / per_second
        self._recorder = recorder
        self._number = 0
        self._measuring = True
        self.connections = 0
        self.denied = 0

    def stop_measuring(self) -> None:
        """Measure nothing more; what is unacknowledged is still sent."""
        self._measuring = False

    async def run(self) -> None:
        """Measure and send until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._measure())
            group.create_task(super().run())

    async def _measure(self) -> None:
        while self._measuring:
            # The pauses vary widely, so that each kill meets another number of readings in flight.
            await asyncio.sleep(self._pause_between * self._random.uniform(0.2, 1.8))
            if not self.is_connected or self.waiting >= UNACKNOWLEDGED_MAX:
                continue
            self._number += 1
            made = self._make(self._number)
            self._recorder.note("invoke", self.station.device, made.id, values=made.values)
            self.send(made.payload, made.id)

    def on_connected(self) -> None:
        """Count it."""
        self.connections += 1

    def on_cut(self) -> None:
        """Tell the witness what is uncertain now."""
        for name in self.unacknowledged:
            self._recorder.note("info", self.station.device, name)

    def on_denied(self, code: int) -> None:
        """Count it."""
        del code
        self.denied += 1

    def on_acknowledged(self, name: str, reason: int) -> None:
        """Tell the witness."""
        del reason
        self._recorder.note("ok", self.station.device, name)
