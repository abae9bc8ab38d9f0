"""Which connections one MQTT door has: as many as its bound allows, and one for each device."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.connection import MQTTConnection
from ioc.ingest.mqtt.limits import Addresses
from ioc.ingest.mqtt.read_scheduler import ReadScheduler
from ioc.runtime.clock import IOClock
from ioc.runtime.metrics import Metrics

RETIRE_SECONDS_MAX = 1.0
"""So long an older connection of a device may still be read, for what lies in its socket."""
RETIRE_STEP_SECONDS = 0.01


class ConnectionTable:
    """Every connection of one door, from its socket's first moment to its last."""

    def __init__(
        self, *, connections_max: int, addresses: Addresses, scheduler: ReadScheduler, io_clock: IOClock,
        metrics: Metrics,
    ) -> None:  # fmt: skip
        self._connections_max = connections_max
        self._addresses = addresses
        self._scheduler = scheduler
        self._io_clock = io_clock
        self._metrics = metrics
        self._connections: set[MQTTConnection] = set()
        self._by_device: dict[str, MQTTConnection] = {}
        self.is_open = True
        """Whether new connections are taken."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self._connections)

    def __iter__(self) -> Iterator[MQTTConnection]:
        """Return those that there are now; what is done to one may remove it."""
        return iter(tuple(self._connections))

    @property
    def is_busy(self) -> bool:
        """Whether a message of any of them waits for its commit."""
        return any(connection.waiting_count for connection in self._connections)

    def opened(self, connection: MQTTConnection) -> bool:
        """Tell whether there is place for one more connection, and take it in."""
        if not self.is_open or len(self._connections) >= self._connections_max:
            return False
        self._connections.add(connection)
        self._metrics.mqtt_connections.set(len(self._connections))
        return True

    def admitted(self, connection: MQTTConnection) -> None:
        """Take note of whose it is, and end an older connection of the same device."""
        self._addresses.admitted(connection.host)
        older = self._by_device.get(connection.device)
        self._by_device[connection.device] = connection
        if older is not None:
            self.retire(older)

    def retire(self, older: MQTTConnection, until: float | None = None) -> None:
        """End a connection whose device has a newer one, once what lies in its socket is read."""
        seconds = self._io_clock.seconds()
        until = seconds + RETIRE_SECONDS_MAX if until is None else until
        if older.has_unread and seconds < until:
            asyncio.get_running_loop().call_later(RETIRE_STEP_SECONDS, self.retire, older, until)
        else:
            older.end(ReasonCode.SESSION_TAKEN_OVER, "session_taken_over")

    def closed(self, connection: MQTTConnection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        self._addresses.closed(connection.host, was_admitted=bool(connection.device))
        self._scheduler.forget(connection)
        if self._by_device.get(connection.device) is connection:
            del self._by_device[connection.device]
        self._metrics.mqtt_connections.set(len(self._connections))
