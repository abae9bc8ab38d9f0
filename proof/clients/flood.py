"""A sender that pushes as fast as it is let: QoS 1 publishes at a rate or as fast as the socket takes them.

It is lean, so that on a shared machine the load costs less than what is loaded. It keeps counts, not payloads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from mqtt_client.connection import Connection
from mqtt_client.packets import Station, publish

CHUNK = 32


class Flood(Connection):
    """One connection with a supply of payloads; at most ``window`` of them are unacknowledged."""

    write_bytes_max = 64 << 10

    def __init__(self, station: Station, *, feed: str, supply: Iterator[bytes], window: int) -> None:
        super().__init__(station, clean_start=False)
        self._topic = f"ioc/v1/{feed}/{station.device}"
        self._supply = supply
        self._window = window
        self._budget: float | None = 0.0
        self._hung_up = False
        self.finished = asyncio.Event()
        self.sent = 0
        self.acknowledged = 0
        self.dropped_out = False
        """The connection ended before :meth:`abort`."""

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

    def abort(self) -> None:
        """Hang up."""
        self._hung_up = True
        super().abort()

    def on_lost(self, error: Exception | None) -> None:
        """Note who ended it."""
        del error
        self.dropped_out = not self._hung_up

    def on_writable(self) -> None:
        """Go on."""
        self._push()

    def on_acknowledged(self, packet_id: int, reason: int) -> None:
        """Count it, and send more."""
        del packet_id, reason
        self.acknowledged += 1
        self._push()

    def on_plain_pubacks(self, data: bytes) -> None:
        """Count them all at once, and send more."""
        self.acknowledged += len(data) // 4
        self._push()

    def _push(self) -> None:
        while self.is_open and self.is_writable:
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
                packets += publish(self._topic, self.next_packet_id(), payload)
                self.sent += 1
                if self._budget is not None:
                    self._budget -= 1
            if not packets:
                if self.acknowledged == self.sent:
                    self.finished.set()
                break
            self.write(bytes(packets))


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
