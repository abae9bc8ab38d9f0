"""The fleet: one thread and one selector drive all devices, their readings and their connections.

Scenario time runs `speed` times as fast as the clock on the wall and starts at the first connection, so that no
visitor misses the beginning because a door was still opening.
"""

from __future__ import annotations

import heapq
import json
import selectors
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from paho.mqtt.enums import MQTTProtocolVersion

from simulators.feeds import GENERATORS, Generator
from simulators.link import Address, Link, Tally
from simulators.reading_id import ReadingIds
from simulators.roster import Device
from simulators.world import LOCAL_OFFSET, Moment, World

TEND_SECONDS = 0.5
SELECT_SECONDS_MAX = 0.25
FIRST_WORDS_SECONDS = 3.0
"""Every device speaks once within this time, so that the screen fills at once."""
FAREWELL_SECONDS = 3.0


@dataclass(slots=True)
class Player:
    """One device: what it says and the connection it says it on."""

    link: Link
    generator: Generator


class Fleet:
    """All MQTT devices of a run."""

    def __init__(
        self, devices: Sequence[Device], *, world: World, address: Address, ids: ReadingIds, speed: float
    ) -> None:
        self.tally = Tally()
        self._world = world
        self._ids = ids
        self._speed = speed
        self._selector = selectors.DefaultSelector()
        self._origin: float | None = None
        self._due: list[tuple[float, int]] = []
        self._players = [
            Player(link=self._link(device, index, address), generator=GENERATORS[device.feed](device, world))
            for index, device in enumerate(devices)
            if device.feed in GENERATORS
        ]
        spread = world.random_for("first words")
        for index in range(len(self._players)):
            heapq.heappush(self._due, (spread.uniform(0.0, FIRST_WORDS_SECONDS), index))

    def _link(self, device: Device, index: int, address: Address) -> Link:
        """Return a device's link; every other device speaks MQTT 5, the rest 3.1.1."""
        return Link(
            device,
            address=address,
            protocol=MQTTProtocolVersion.MQTTv5 if index % 2 else MQTTProtocolVersion.MQTTv311,
            selector=self._selector,
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
        tend_at = 0.0
        while not stopped():
            now = time.monotonic()
            if now >= tend_at:
                self._tend(now)
                tend_at = now + TEND_SECONDS
            self._speak()
            self._work(min(self._wait_seconds(), max(0.0, tend_at - now)))
        self._farewell()

    def _tend(self, now: float) -> None:
        """Keep all connections alive; the first that stands starts the scenario's time."""
        for player in self._players:
            player.link.tend(now)
        if self._origin is None and (self.tally.connected or not self._players):
            self._origin = time.monotonic()

    def _wait_seconds(self) -> float:
        """Return how long the selector may sleep before the next reading is due."""
        seconds = self.seconds()
        if seconds is None or not self._due:
            return SELECT_SECONDS_MAX
        return min(SELECT_SECONDS_MAX, max(0.0, (self._due[0][0] - seconds) / self._speed))

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
            # From now when we are behind (a laptop that slept): a reading missed is not made up for.
            heapq.heappush(self._due, (max(due, seconds - 1.0) + player.generator.pause_seconds(), index))

    def _work(self, timeout_seconds: float) -> None:
        """Let the selector wait, then do the socket work it found."""
        for key, events in self._selector.select(timeout_seconds):
            link: Link = key.data
            link.step(readable=bool(events & selectors.EVENT_READ), writable=bool(events & selectors.EVENT_WRITE))

    def _farewell(self) -> None:
        """Wait for acknowledgements still under way, then disconnect everybody."""
        deadline = time.monotonic() + FAREWELL_SECONDS
        while time.monotonic() < deadline and any(
            player.link.connected and player.link.waiting for player in self._players
        ):
            self._work(SELECT_SECONDS_MAX / 5)
        for player in self._players:
            player.link.close()
        self._work(0.05)
        self._selector.close()
