"""Traffic counters: vehicles, speed, occupancy and queue over a minute; water on the road brings them to a crawl."""

from __future__ import annotations

from simulators.roster import Device
from simulators.wander import Wander, bell, clamp
from simulators.world import Moment, World

NIGHT_VEHICLES = 3.0
PEAK_VEHICLES = 34.0
JAM_SPEED_KMH = 6.0
JAM_QUEUE_M = 460.0


class TrafficFlow:
    """One counter of one approach."""

    def __init__(self, device: Device, world: World) -> None:
        self._world = world
        self._random = world.random_for(device.id)
        self._size = self._random.uniform(0.6, 1.25)
        self._free_kmh = self._random.uniform(42, 58)
        self._nearness = world.nearness("flooded_road", device)
        self._flow = Wander(self._random, spread=0.10, memory=0.85)
        self._pace = Wander(self._random, spread=1.6, memory=0.85)

    def _demand(self, hour: float) -> float:
        """Return 0 to 1: how full the day's traffic is at this hour."""
        rush = max(bell(hour, peak=7.2, width=1.1), bell(hour, peak=17.3, width=1.4))
        return clamp(0.75 * rush + 0.55 * bell(hour, peak=12.5, width=4.5), 0.04, 1.0)

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return vehicles in the last minute, their mean speed (km/h), occupancy (%) and the queue (m)."""
        demand = self._demand(moment.hour)
        jam = self._nearness * self._world.blend("road_flooding", 0.0, moment.seconds)
        wanted = (NIGHT_VEHICLES + PEAK_VEHICLES * demand) * self._size * (1 + self._flow.next())
        vehicles = max(0.0, wanted * (1 - 0.75 * jam))
        free_kmh = self._free_kmh * (1 - 0.35 * demand) + self._pace.next()
        speed = free_kmh * (1 - jam) + JAM_SPEED_KMH * jam
        occupancy = clamp(3 + 18 * demand * self._size + 68 * jam, 0.0, 98.0)
        queue = 22 * max(0.0, demand - 0.55) * self._size + JAM_QUEUE_M * jam
        return {
            "vehicles": round(vehicles),
            "speed_kmh": round(clamp(speed, 2.0, 90.0), 1),
            "occupancy_pct": round(occupancy, 1),
            "queue_m": round(queue),
        }

    def pause_seconds(self) -> float:
        """Return about two and a half seconds."""
        return self._random.uniform(2.0, 3.0)
