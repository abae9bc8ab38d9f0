"""Transformer stations: load with the day's two peaks; a power cut of the scenario takes the nearest ones away."""

from __future__ import annotations

from simulators.roster import Device
from simulators.wander import Wander, bell, clamp
from simulators.world import Moment, World

DOWN_ABOVE = 0.5
LOAD_MAX_PCT = 92.0
"""A calm day overloads nothing."""


class PowerGrid:
    """One station."""

    def __init__(self, device: Device, world: World) -> None:
        self._world = world
        self._random = world.random_for(device.id)
        self._size = self._random.uniform(0.8, 1.1)
        self._customers = self._random.randint(180, 420)
        self._nearness = world.nearness("power_cut", device)
        self._load = Wander(self._random, spread=2.5, memory=0.9)
        self._grid = Wander(self._random, spread=1.2, memory=0.9)

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return whether it is energised, its voltage (V), load (%) and the customers without power."""
        if self._nearness * self._world.blend("power_cut", 0.0, moment.seconds) > DOWN_ABOVE:
            return {"up": False, "voltage_v": 0, "load_pct": 0, "customers_out": self._customers}
        demand = max(bell(moment.hour, peak=11, width=2.5), bell(moment.hour, peak=19, width=2.2), 0.15)
        load = clamp((30 + 45 * demand) * self._size + self._load.next(), 5.0, LOAD_MAX_PCT)
        return {
            "up": True,
            "voltage_v": round(231 - 8 * demand + self._grid.next()),
            "load_pct": round(load),
            "customers_out": 0,
        }

    def pause_seconds(self) -> float:
        """Return about eight seconds."""
        return self._random.uniform(6.5, 9.5)
