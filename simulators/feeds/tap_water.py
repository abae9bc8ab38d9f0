"""Meters in the drinking-water network: pressure falls when everybody washes, and never far on a calm day."""

from __future__ import annotations

from simulators.roster import Device
from simulators.wander import Wander, bell, clamp
from simulators.world import Moment, World

PRESSURE_MIN_BAR = 1.4
"""A calm day reaches every second floor."""


class TapWater:
    """One meter."""

    def __init__(self, device: Device, world: World) -> None:
        self._random = world.random_for(device.id)
        self._rest_bar = self._random.uniform(2.8, 3.4)
        self._size_m3h = self._random.uniform(40, 110)
        self._pulse = Wander(self._random, spread=0.05, memory=0.7)
        self._dose = Wander(self._random, spread=0.02, memory=0.95)

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return pressure (bar), flow (m³/h), turbidity (NTU) and free chlorine (mg/l)."""
        use = max(bell(moment.hour, peak=6.5, width=1.2), bell(moment.hour, peak=18.5, width=1.8), 0.12)
        pressure = clamp(self._rest_bar - 0.9 * use + clamp(self._pulse.next(), -0.15, 0.15), PRESSURE_MIN_BAR, 4.0)
        return {
            "pressure_bar": round(pressure, 2),
            "flow_m3h": round(self._size_m3h * (0.25 + use), 1),
            "turbidity_ntu": round(0.35 + 0.1 * use, 2),
            "chlorine_mg_l": round(clamp(0.45 + self._dose.next(), 0.32, 0.6), 2),
        }

    def pause_seconds(self) -> float:
        """Return about nine seconds."""
        return self._random.uniform(7.5, 10.5)
