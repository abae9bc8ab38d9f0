"""Public Wi-Fi access points: clients over the day, bytes since the last word, and silence of the power in a storm."""

from __future__ import annotations

from simulators.roster import Device
from simulators.wander import Wander, bell, clamp
from simulators.world import Moment, World

BYTES_PER_CLIENT = 180_000
DOWN_ABOVE = 0.5
CALM_AUTH_FAILURES_MAX = 2
CALM_BUSY_MAX_PCT = 65.0
"""A calm day has room on the air."""


class PublicWiFi:
    """One access point as its controller reports it."""

    def __init__(self, device: Device, world: World) -> None:
        self._world = world
        self._random = world.random_for(device.id)
        self._size = self._random.uniform(8, 40)
        self._nearness = world.nearness("power_cut", device)
        self._crowd = Wander(self._random, spread=0.12, memory=0.95)

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return whether it is up, its clients, the bytes it moved and the sign-ins it refused."""
        cut = self._nearness * self._world.blend("power_cut", 0.0, moment.seconds)
        if cut > DOWN_ABOVE:
            return {"up": False, "clients": 0, "rx_bytes": 0, "tx_bytes": 0, "auth_failures": 0, "rogue_ssids": 0}
        visit = max(bell(moment.hour, peak=11, width=3.0), bell(moment.hour, peak=19.5, width=2.2), 0.06)
        clients = round(self._size * visit * clamp(1 + self._crowd.next(), 0.4, 1.6))
        sent = clients * BYTES_PER_CLIENT * self._random.uniform(0.6, 1.4)
        return {
            "up": True,
            "clients": clients,
            "rx_bytes": round(sent * 0.18),
            "tx_bytes": round(sent),
            "auth_failures": self._random.choices(range(CALM_AUTH_FAILURES_MAX + 1), weights=(90, 8, 2))[0],
            "channel_busy_pct": round(clamp(8 + 1.1 * clients, 0.0, CALM_BUSY_MAX_PCT)),
            "rogue_ssids": 0,
        }

    def pause_seconds(self) -> float:
        """Return about five seconds."""
        return self._random.uniform(4.2, 5.8)
