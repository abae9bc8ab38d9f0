"""The fleet: one event loop drives all devices, their readings and their connections.

Scenario time runs `speed` times as fast as the clock on the wall and starts at the first connection, so that no
visitor misses the beginning because a door was still opening.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mqtt_client.packets import MQTT_5, MQTT_311
from simulators.feeds import Generator, make_generator
from simulators.link import Address, Link, Tally
from simulators.reading_id import ReadingIds
from simulators.roster import Device
from simulators.world import LOCAL_OFFSET, Moment, World

WAIT_SECONDS_MAX = 0.25
FIRST_WORDS_SECONDS = 3.0
"""Every device speaks once within this time, so that the screen fills at once."""
FAREWELL_SECONDS = 3.0
FAREWELL_POLL_SECONDS = 0.05


@dataclass(slots=True)
class Player:
    """One device: what it says and the connection it says it on."""

    link: Link
    generator: Generator


class Fleet:
    """All MQTT devices of a run."""

    def __init__(
        self, devices: Sequence[Device], *, world: World, address: Address, ids: ReadingIds, speed: float,
        plays: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        self.tally = Tally()
        self._world = world
        self._ids = ids
        self._speed = speed
        self._origin: float | None = None
        self._due: list[tuple[float, int]] = []
        self._players = [
            Player(link=self._link(device, index, address), generator=generator)
            for index, device in enumerate(devices)
            if (generator := make_generator(device, world, plays or {})) is not None
        ]
        spread = world.random_for("first words")
        for index in range(len(self._players)):
            heapq.heappush(self._due, (spread.uniform(0.0, FIRST_WORDS_SECONDS), index))

    def _link(self, device: Device, index: int, address: Address) -> Link:
        """Return a device's link; every other device speaks MQTT 5, the rest 3.1.1."""
        return Link(
            device,
            address=address,
            level=MQTT_5 if index % 2 else MQTT_311,
            tally=self.tally,
            random=self._world.random_for(f"link {device.id}"),
        )

    @property
    def size(self) -> int:
        """Return how many devices are played."""
        return len(self._players)

    def seconds(self) -> float | None:
        """Return the scenario's time, or None before the first connection."""
        return None if self._origin is None else (time.monotonic() - self._origin) * self._speed

    def run(self, stopped: Callable[[], bool]) -> None:
        """Play until ``stopped`` says so, then wait a little for the last acknowledgements and close."""
        asyncio.run(self._play(stopped))

    async def _play(self, stopped: Callable[[], bool]) -> None:
        connecting = [asyncio.create_task(player.link.run()) for player in self._players]
        try:
            while not stopped():
                if self._origin is None and (self.tally.connected or not self._players):
                    # The first connection starts the scenario's time.
                    self._origin = time.monotonic()
                self._speak()
                await asyncio.sleep(self._wait_seconds())
            await self._farewell()
        finally:
            for task in connecting:
                task.cancel()
            await asyncio.gather(*connecting, return_exceptions=True)

    def _wait_seconds(self) -> float:
        """Return how long to sleep before the next reading is due."""
        seconds = self.seconds()
        if seconds is None or not self._due:
            return WAIT_SECONDS_MAX
        return min(WAIT_SECONDS_MAX, max(0.0, (self._due[0][0] - seconds) / self._speed))

    def _speak(self) -> None:
        """Send every reading that is due."""
        seconds = self.seconds()
        while seconds is not None and self._due and self._due[0][0] <= seconds:
            due, index = heapq.heappop(self._due)
            player = self._players[index]
            now = datetime.now(LOCAL_OFFSET)
            reading = player.generator.reading(Moment(seconds=seconds, now=now))
            if reading is not None:
                message = {"id": self._ids.next(), "time": now.isoformat(timespec="milliseconds"), **reading}
                player.link.send(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())
            # After a pause of the machine (a laptop that slept) go on from now: missed readings are not sent late.
            heapq.heappush(self._due, (max(due, seconds - 1.0) + player.generator.pause_seconds(), index))

    async def _farewell(self) -> None:
        """Wait for acknowledgements still under way, then disconnect everybody."""
        polls = int(FAREWELL_SECONDS / FAREWELL_POLL_SECONDS)
        for _ in range(polls):
            if not any(player.link.is_connected and player.link.waiting for player in self._players):
                break
            await asyncio.sleep(FAREWELL_POLL_SECONDS)
        await asyncio.gather(*(player.link.close() for player in self._players))
