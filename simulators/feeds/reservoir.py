"""The Hòa Bình reservoir: level, inflow, what goes through turbines, bottom outlets and spillway, gates open."""

from __future__ import annotations

import math

from simulators.roster import Device
from simulators.wander import Wander, bell, clamp
from simulators.world import Moment, World

LEVEL_MID_M = 105.0
LEVEL_SWING_M = 11.0
LEVEL_PEAK_YEAR_PART = 0.87
"""The lake is full in November, after the rains, and lowest in May, before them."""
INFLOW_DRY_M3S = 550.0
INFLOW_WET_M3S = 2_400.0
INFLOW_PEAK_YEAR_PART = 0.6
TURBINE_BASE_M3S = 600.0
TURBINE_PEAK_M3S = 1_300.0
TURBINE_MAX_M3S = 2_400.0
DOWNSTREAM_CALM_CM = 1_180.0


class Reservoir:
    """One reservoir station."""

    def __init__(self, device: Device, world: World) -> None:
        self._world = world
        self._random = world.random_for(device.id)
        self._inflow = Wander(self._random, spread=45.0)
        self._turbine = Wander(self._random, spread=25.0)

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return the level (m), the flows (m³/s, whole) and the number of bottom gates open."""
        seconds, blend = moment.seconds, self._world.blend
        season = math.cos(2 * math.pi * (moment.year_part - INFLOW_PEAK_YEAR_PART))
        full = math.cos(2 * math.pi * (moment.year_part - LEVEL_PEAK_YEAR_PART))
        calm_inflow = INFLOW_DRY_M3S + INFLOW_WET_M3S * max(0.0, season)
        demand = max(bell(moment.hour, peak=10, width=2.2), bell(moment.hour, peak=18.5, width=2.2))
        calm_turbine = TURBINE_BASE_M3S + TURBINE_PEAK_M3S * demand
        inflow = blend("inflow_m3s", calm_inflow, seconds) + self._inflow.next()
        turbine = clamp(blend("turbine_m3s", calm_turbine, seconds) + self._turbine.next(), 0.0, TURBINE_MAX_M3S)
        bottom = round(blend("bottom_outlet_m3s", 0.0, seconds))
        return {
            "level_m": round(blend("reservoir_level_m", LEVEL_MID_M + LEVEL_SWING_M * full, seconds), 2),
            "inflow_m3s": round(max(0.0, inflow)),
            "turbine_m3s": round(turbine),
            "bottom_outlet_m3s": bottom,
            "spillway_m3s": 0,
            "outflow_m3s": round(turbine) + bottom,
            "gates_open": math.floor(blend("gates_open", 0.0, seconds)),
            "downstream_m": round(blend("da_level_cm", DOWNSTREAM_CALM_CM, seconds) / 100, 2),
        }

    def pause_seconds(self) -> float:
        """Return about three seconds."""
        return self._random.uniform(2.6, 3.4)
