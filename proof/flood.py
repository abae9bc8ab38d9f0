"""A sender that pushes as fast as it is let: QoS 1 publishes at a rate or as fast as the socket takes them.

It is lean, so that on a shared machine the load costs less than what is loaded. It keeps counts, not payloads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import cast

from proof.mqtt_device import CONNACK, PUBACK, Station, connect, publish

PACKET_IDS = 65_535
WRITE_BYTES_MAX = 64 << 10
CHUNK = 32


class Flood(asyncio.Protocol):
    """One connection with a supply of payloads; at most ``window`` of them are unacknowledged."""

    def __init__(self, station: Station, *, feed: str, supply: Iterator[bytes], window: int) -> None:
        self._station = station
        self._topic = f"ioc/v1/{feed}/{station.device}"
        self._supply = supply
        self._window = window
        self._budget: float | None = 0.0
        self._packet_id = 0
        self._held = bytearray()
        self._writable = True
        self._transport: asyncio.Transport | None = None
        self.welcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.finished = asyncio.Event()
        self.sent = 0
        self.acknowledged = 0
        self.dropped_out = False
        """The connection ended before :meth:`close`."""

    @classmethod
    async def open(cls, station: Station, *, feed: str, supply: Iterator[bytes], window: int) -> Flood:
        """Connect and be welcomed.

        Raises:
            ConnectionError: the door refused it.
        """
        loop = asyncio.get_running_loop()
        _, flood = await loop.create_connection(
            lambda: cls(station, feed=feed, supply=supply, window=window), station.host, station.port
        )
        await asyncio.wait_for(flood.welcome, 10.0)
        return flood

    def allow(self, events: float) -> None:
        """Let so many more be sent."""
        self._budget = (self._budget or 0.0) + events
        self._push()

    def rest(self) -> int:
        """Send nothing more; return how many readings it was allowed to send and has kept: the door did not read."""
        kept, self._budget = int(self._budget or 0.0), 0.0
        return kept

    def start(self) -> None:
        """Send without a rate: there is no bound but the window."""
        self._budget = None
        self._push()

    def close(self) -> None:
        """Hang up."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    # -- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say who it is."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_BYTES_MAX)
        self._transport.write(connect(self._station))

    def connection_lost(self, exc: Exception | None) -> None:
        """Note it."""
        self.dropped_out = self._transport is not None
        self._transport = None
        if not self.welcome.done():
            self.welcome.set_exception(ConnectionError(f"{self._station.device} was refused: {exc}"))

    def pause_writing(self) -> None:
        """Wait for the door to read."""
        self._writable = False

    def resume_writing(self) -> None:
        """Go on."""
        self._writable = True
        self._push()

    def data_received(self, data: bytes) -> None:
        """Count acknowledgements: all packets that come are CONNACK or PUBACK, four bytes each."""
        held = self._held
        held += data
        whole = len(held) // 4 * 4
        for at in range(0, whole, 4):
            kind = held[at] >> 4
            if kind == PUBACK:
                self.acknowledged += 1
            elif kind == CONNACK:
                if self.welcome.done():
                    continue  # nobody waited so long
                if held[at + 3]:
                    self.welcome.set_exception(ConnectionError(f"CONNACK {held[at + 3]}"))
                    self.close()
                else:
                    self.welcome.set_result(None)
        del held[:whole]
        self._push()

    def _push(self) -> None:
        transport = self._transport
        while transport is not None and self._writable and self.welcome.done():
            room = min(self._window - (self.sent - self.acknowledged), CHUNK)
            if self._budget is not None:
                room = min(room, int(self._budget))
            if room <= 0:
                break
            packets = bytearray()
            for _ in range(room):
                payload = next(self._supply, None)
                if payload is None:
                    break
                self._packet_id = self._packet_id % PACKET_IDS + 1
                packets += publish(self._topic, self._packet_id, payload)
                self.sent += 1
                if self._budget is not None:
                    self._budget -= 1
            if not packets:
                if self.acknowledged == self.sent:
                    self.finished.set()
                break
            transport.write(bytes(packets))


async def at_rate(floods: list[Flood], per_second: float, is_over: Callable[[], bool]) -> None:
    """Offer ``per_second`` events in all, evenly over the senders, until it is over."""
    loop = asyncio.get_running_loop()
    last = loop.time()
    while not is_over():
        await asyncio.sleep(0.02)
        now = loop.time()
        share, last = (now - last) * per_second / len(floods), now
        for flood in floods:
            flood.allow(share)
