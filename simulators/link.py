"""One device's MQTT connection as its run counts it: every reading is acknowledged, refused or dropped."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from mqtt_client.packets import REFUSED_FROM, Station
from mqtt_client.reliable_publisher import PublisherOptions, ReliablePublisher
from simulators.roster import Device

BACKLOG_MAX = 300
KEEP_ALIVE_SECONDS = 30


@dataclass(slots=True)
class Tally:
    """What became of the readings of a run."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    dropped: int = 0
    connections: int = 0
    cuts: int = 0
    denied: int = 0
    connected: int = 0


@dataclass(frozen=True, slots=True)
class Address:
    """Where the MQTT door listens."""

    host: str
    port: int


class Link(ReliablePublisher):
    """A device of the roster, connected to the door; ``tally`` is shared with the whole fleet."""

    def __init__(self, device: Device, *, address: Address, level: int, tally: Tally, random: Random) -> None:
        super().__init__(
            Station(device.id, device.key, address.port, address.host),
            f"ioc/v1/{device.feed}/{device.id}",
            options=PublisherOptions(level=level, keep_alive_seconds=KEEP_ALIVE_SECONDS, kept_max=BACKLOG_MAX),
            random=random,
        )
        self._tally = tally
        self._closing = False

    def send(self, payload: bytes, name: str = "") -> None:
        """Send one reading, or keep it until the connection can take it."""
        self._tally.sent += 1
        super().send(payload, name)

    async def close(self) -> None:
        """Say goodbye and close."""
        self._closing = True
        await super().close()

    def on_connected(self) -> None:
        """Count it."""
        self._tally.connections += 1
        self._tally.connected += 1

    def on_cut(self) -> None:
        """Count it, unless we hung up ourselves."""
        self._tally.cuts += not self._closing
        self._tally.connected -= 1

    def on_denied(self, code: int) -> None:
        """Count it."""
        del code
        self._tally.denied += 1

    def on_acknowledged(self, name: str, reason: int) -> None:
        """Count it by what the door made of the reading."""
        del name
        if reason >= REFUSED_FROM:
            self._tally.refused += 1
        else:
            self._tally.acknowledged += 1

    def on_dropped(self, name: str) -> None:
        """Count it."""
        del name
        self._tally.dropped += 1
