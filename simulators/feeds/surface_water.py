"""River water stations: clean enough on a calm day; a flood brings silt, and less oxygen."""

from __future__ import annotations

import math

from simulators.roster import Device
from simulators.wander import Wander, bell, clamp
from simulators.world import Moment, World

TEMPERATURE_MEAN_C = 23.0
TEMPERATURE_SWING_C = 4.5
HOTTEST_YEAR_PART = 0.55
SILT_FLOOD_MG_L = 1_100.0
AMMONIUM_MAX_MG_L = 0.22


class SurfaceWater:
    """One station."""

    def __init__(self, device: Device, world: World) -> None:
        self._world = world
        self._random = world.random_for(device.id)
        self._nearness = max(0.3, world.nearness("storm", device))
        self._oxygen = Wander(self._random, spread=0.2, memory=0.96)
        self._sewage = Wander(self._random, spread=0.015, memory=0.97)
        self._silt = Wander(self._random, spread=0.12, memory=0.95)

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return pH, oxygen, ammonium, COD and silt (mg/l), turbidity (NTU), temperature (°C)."""
        sun = bell(moment.hour, peak=15, width=4)
        season = math.cos(2 * math.pi * (moment.year_part - HOTTEST_YEAR_PART))
        flood = self._nearness * clamp(self._world.blend("stream_rise", 0.0, moment.seconds), 0.0, 1.0)
        silt = (28 + SILT_FLOOD_MG_L * flood) * max(0.4, 1 + self._silt.next())
        return {
            "ph": round(7.4 + 0.15 * sun - 0.2 * flood, 2),
            "do_mg_l": round(clamp(6.9 + 0.5 * sun - 0.6 * season - 0.7 * flood + self._oxygen.next(), 5.0, 9.5), 2),
            "nh4_mg_l": round(clamp(0.12 + self._sewage.next(), 0.02, AMMONIUM_MAX_MG_L), 2),
            "cod_mg_l": round(9 + 14 * flood, 1),
            "tss_mg_l": round(silt),
            "turbidity_ntu": round(silt * 0.7),
            "temperature_c": round(TEMPERATURE_MEAN_C + TEMPERATURE_SWING_C * season + 0.8 * sun, 1),
        }

    def pause_seconds(self) -> float:
        """Return about eleven seconds."""
        return self._random.uniform(9.5, 12.5)
