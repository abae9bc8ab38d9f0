"""Lighting cabinets: on from dusk to dawn, a few lamps always out; without power all are dark."""

from __future__ import annotations

from simulators.roster import Device
from simulators.wander import Wander
from simulators.world import Moment, World

ON_FROM_HOUR, OFF_FROM_HOUR = 18.25, 5.25
DARK_ABOVE = 0.5


class StreetLight:
    """One cabinet."""

    def __init__(self, device: Device, world: World) -> None:
        self._world = world
        self._random = world.random_for(device.id)
        self._lamps_kw = self._random.uniform(6.0, 14.0)
        self._lamps_out = self._random.randint(0, 3)
        self._nearness = world.nearness("power_cut", device)
        self._grid = Wander(self._random, spread=1.5, memory=0.9)

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return whether it is lit, its power (kW), the lamps that are out and the voltage (V)."""
        cut = self._nearness * self._world.blend("power_cut", 0.0, moment.seconds) > DARK_ABOVE
        lit = (moment.hour >= ON_FROM_HOUR or moment.hour < OFF_FROM_HOUR) and not cut
        return {
            "lit": lit,
            "power_kw": round(self._lamps_kw * self._random.uniform(0.97, 1.03), 1) if lit else 0.0,
            "lamps_out": self._lamps_out,
            "voltage_v": 0 if cut else round(226 + self._grid.next()),
        }

    def pause_seconds(self) -> float:
        """Return about eleven seconds."""
        return self._random.uniform(9.0, 13.0)
