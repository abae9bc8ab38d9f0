"""How a device itself is: a battery that the sun charges, a modem that hears its network, a program's version."""

from __future__ import annotations

from simulators.roster import Device
from simulators.wander import Wander, bell, clamp
from simulators.world import Moment, World

VERSIONS = ("1.4.2", "1.4.2", "1.5.0")
"""Most of a fleet has the older one."""
DAY_SWING_PCT = 14.0
FULL_PCT = 84.0
LEAST_PCT = 55.0
"""A calm day has no low battery: that is for scenarios to tell."""


class DeviceHealth:
    """What one station says of itself beside its reading; its randomness is its own, the readings' stays as it was."""

    def __init__(self, device: Device, world: World) -> None:
        random = world.random_for(f"{device.id} health")
        self._full_pct = FULL_PCT - random.uniform(0.0, 12.0)
        self._rssi_dbm = random.uniform(-97.0, -67.0)
        self._fading = Wander(random, spread=2.5, memory=0.8)
        self._version = random.choice(VERSIONS)

    def values(self, moment: Moment) -> dict[str, object]:
        """Return battery_pct, rssi_dbm and firmware: fullest in the afternoon, weakest before sunrise."""
        charged = bell(moment.hour, peak=15.0, width=4.5)
        return {
            "battery_pct": round(clamp(self._full_pct + DAY_SWING_PCT * charged, LEAST_PCT, 100.0)),
            "rssi_dbm": round(clamp(self._rssi_dbm + self._fading.next(), -113.0, -51.0)),
            "firmware": self._version,
        }
