"""A publisher that keeps each reading until its PUBACK: after any cut it connects again and sends the rest once more.

Readings wait in a bounded memory; past the bound the oldest that was never sent goes, as in a station's ring memory.
What becomes of them is told by methods that a subclass overrides: `on_connected`, `on_cut`, `on_denied`,
`on_acknowledged`, `on_dropped`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from mqtt_client.connection import Connection, RefusedError
from mqtt_client.packets import MQTT_311, PACKET_IDS, Station

DOUBLINGS_MAX = 10


class PendingReading(NamedTuple):
    """A reading that is not acknowledged yet, under the name by which the device knows it."""

    name: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class PublisherOptions:
    """How much is kept, how it is sent, when the connection is given up."""

    level: int = MQTT_311
    clean_start: bool = False
    keep_alive_seconds: int = 60
    kept_max: int = 300
    """Readings without an acknowledgement."""
    in_flight_max: int = 20
    """Of those, how many are sent."""
    connect_seconds: float = 3.0
    silent_seconds: float | None = None
    """What was sent waits so long for any acknowledgement before the device connects anew; None: keep-alive decides."""
    pause_seconds: tuple[float, float] = (0.5, 15.0)
    """The pause before a connection doubles from the first to the last, jittered so that a fleet spreads out."""


class ReliablePublisher:
    """One device that publishes on one topic."""

    def __init__(self, station: Station, topic: str, *, options: PublisherOptions, random: Random) -> None:
        self.station = station
        self._topic = topic
        self._options = options
        self._random = random
        self._queued: deque[PendingReading] = deque()
        self._in_flight: dict[int, PendingReading] = {}
        self._packet_id = 0
        self._connection: _PublisherConnection | None = None
        self._failures = 0
        self._heard_at = 0.0

    @property
    def waiting(self) -> int:
        """Return how many readings are not acknowledged."""
        return len(self._queued) + len(self._in_flight)

    @property
    def is_connected(self) -> bool:
        """Tell whether a connection stands."""
        return self._connection is not None and self._connection.is_open

    @property
    def unacknowledged(self) -> list[str]:
        """Return the names of the readings that were sent and not acknowledged, the oldest first."""
        return [kept.name for kept in self._in_flight.values()]

    def send(self, payload: bytes, name: str = "") -> None:
        """Send one reading, or keep it until the connection can take it."""
        if self.waiting >= self._options.kept_max and self._queued:
            self.on_dropped(self._queued.popleft().name)
        self._queued.append(PendingReading(name, payload))
        self._flush()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                await self._stay()
            except RefusedError as error:
                self._failures += 1
                self.on_denied(error.code)
            except (OSError, TimeoutError):
                self._failures += 1
            await asyncio.sleep(self._pause_seconds())

    async def close(self) -> None:
        """Say goodbye; `run` is to be cancelled first."""
        if self._connection is not None:
            await self._connection.close()

    # -- what a subclass may override

    def on_connected(self) -> None:
        """Take note that a connection stands."""

    def on_cut(self) -> None:
        """Take note that a connection that stood has ended."""

    def on_denied(self, code: int) -> None:
        """Take note that the door refused the connection, and why."""

    def on_acknowledged(self, name: str, reason: int) -> None:
        """Take note of a PUBACK: the reading is kept no longer."""

    def on_dropped(self, name: str) -> None:
        """Take note that a reading went past the bound."""

    # -- inside

    def _pause_seconds(self) -> float:
        first, last = self._options.pause_seconds
        return min(last, first * 2.0 ** min(self._failures, DOUBLINGS_MAX)) * self._random.uniform(0.5, 1.0)

    async def _stay(self) -> None:
        options = self._options
        connection = _PublisherConnection(self)
        await connection.open(timeout_seconds=options.connect_seconds)
        self._connection = connection
        self._failures = 0
        self._heard_at = asyncio.get_running_loop().time()
        self.on_connected()
        try:
            for packet_id, kept in self._in_flight.items():
                connection.publish(self._topic, kept.payload, packet_id=packet_id, again=True)
            self._flush()
            await self._until_it_ends(connection)
        finally:
            connection.abort()
            self._connection = None
            self.on_cut()

    async def _until_it_ends(self, connection: Connection) -> None:
        silent_seconds = self._options.silent_seconds
        if silent_seconds is None:
            await connection.ended
            return
        loop = asyncio.get_running_loop()
        while not connection.ended.done():
            await asyncio.wait([connection.ended], timeout=silent_seconds / 4)
            if self._in_flight and loop.time() - self._heard_at > silent_seconds:
                return

    def _flush(self) -> None:
        """Send what is queued while the connection stands and few are unacknowledged."""
        connection = self._connection
        while connection is not None and self._queued and len(self._in_flight) < self._options.in_flight_max:
            kept = self._queued.popleft()
            if not self._in_flight:
                self._heard_at = asyncio.get_running_loop().time()
            # Counted here, not by the connection: a reading keeps its packet id over reconnections.
            self._packet_id = self._packet_id % PACKET_IDS + 1
            self._in_flight[self._packet_id] = kept
            connection.publish(self._topic, kept.payload, packet_id=self._packet_id)

    def answered(self, packet_id: int, reason: int) -> None:
        """Forget what was acknowledged and send more."""
        kept = self._in_flight.pop(packet_id, None)
        self._heard_at = asyncio.get_running_loop().time()
        if kept is not None:
            self.on_acknowledged(kept.name, reason)
            self._flush()


class _PublisherConnection(Connection):
    def __init__(self, publisher: ReliablePublisher) -> None:
        options = publisher._options  # noqa: SLF001 - of this module
        super().__init__(
            publisher.station, level=options.level, clean_start=options.clean_start,
            keep_alive_seconds=options.keep_alive_seconds, silence_ends=True,
        )  # fmt: skip
        self._publisher = publisher

    def on_acknowledged(self, packet_id: int, reason: int) -> None:
        self._publisher.answered(packet_id, reason)
