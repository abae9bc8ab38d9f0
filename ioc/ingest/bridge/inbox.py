"""Between the broker's thread and the event loop: a queue that is bounded in messages and bytes and never blocks.

The thread only puts. A message that finds the queue full is neither taken nor acknowledged, and nor is what comes after
it on that connection: the broker sends all of it again on the next connection, which the link then begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BridgeMessage:
    """One message as the broker handed it over.

    ``epoch`` numbers the connection: ``packet_id`` means nothing beyond it.
    ``retained``: a copy that the broker kept, sent because we subscribed, of any age.
    """

    epoch: int
    packet_id: int
    qos: int
    topic: str
    payload: bytes
    again: bool = False
    retained: bool = False
    content_type: str | None = None


class Inbox:
    """Put in any thread, taken in the event loop."""

    def __init__(self, *, messages_max: int, bytes_max: int) -> None:
        self._messages_max = messages_max
        self._bytes_max = bytes_max
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._arrivals: deque[BridgeMessage] = deque()
        self._bytes = 0
        self._event = asyncio.Event()
        self._full_epoch: int | None = None
        self.refused = 0
        """How many arrivals found no place."""

    def __len__(self) -> int:
        """How many arrivals wait."""
        return len(self._arrivals)

    @property
    def full_epoch(self) -> int | None:
        """The last connection of which something was not taken."""
        return self._full_epoch

    def put(self, arrival: BridgeMessage) -> bool:
        """Take an arrival, or return False: there is no place for it. Never blocks, never raises."""
        with self._lock:
            crowded = len(self._arrivals) >= self._messages_max or self._bytes >= self._bytes_max
            if crowded or (arrival.epoch == self._full_epoch and arrival.qos):
                self.refused += 1
                # The broker never sends a message at QoS 0 again, so a new connection would not bring it back.
                if arrival.qos:
                    self._full_epoch = arrival.epoch
                return False
            first = not self._arrivals
            self._arrivals.append(arrival)
            self._bytes += len(arrival.payload)
        if first:
            self.wake()
        return True

    def wake(self) -> None:
        """Wake the taker."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody takes anything any more
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self) -> None:
        """Return when there may be something to take."""
        await self._event.wait()
        self._event.clear()

    def take(self, count: int) -> list[BridgeMessage]:
        """Return up to ``count`` arrivals, oldest first."""
        with self._lock:
            taken = [self._arrivals.popleft() for _ in range(min(count, len(self._arrivals)))]
            self._bytes -= sum(len(arrival.payload) for arrival in taken)
            if self._arrivals:
                self._event.set()
        return taken
