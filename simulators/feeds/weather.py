"""Weather stations: the day's warmth and dryness, wind, pressure, and the rain since the station's last word."""

from __future__ import annotations

import math

from simulators.roster import Device
from simulators.wander import Wander, bell, clamp
from simulators.world import Moment, World

TEMPERATURE_MEAN_C = 23.5
TEMPERATURE_SWING_C = 5.5
HOTTEST_YEAR_PART = 0.53
GUST_CALM_MAX_MS = 11.0
"""A calm day stays below Beaufort 7: gales are for scenarios to tell."""
STORM_WIND_MS = 5.0


class Weather:
    """One station; its rain is that of the nearest gauge's course, told as it falls."""

    def __init__(self, device: Device, world: World) -> None:
        self._world = world
        self._random = world.random_for(device.id)
        self._nearness = world.nearness("storm", device)
        self._warmth = Wander(self._random, spread=0.5, memory=0.97)
        self._air = Wander(self._random, spread=1.2, memory=0.98)
        self._wind = Wander(self._random, spread=0.5, memory=0.9)
        self._fallen_mm: float | None = None

    def _rain_mm(self, seconds: float) -> float:
        """Return what fell since the last word: the rise of the day's sum, which never falls back into the sky."""
        day_mm = self._nearness * self._world.blend("rain_24h_mm", 0.0, seconds)
        before, self._fallen_mm = self._fallen_mm, day_mm
        return 0.0 if before is None else max(0.0, day_mm - before)

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return temperature (°C), humidity (%), rain (mm), wind and gust (m/s), pressure (hPa)."""
        sun = bell(moment.hour, peak=13.5, width=3.2)
        season = math.cos(2 * math.pi * (moment.year_part - HOTTEST_YEAR_PART))
        wet = self._nearness * clamp(self._world.blend("rain_1h_mm", 0.0, moment.seconds) / 20, 0.0, 1.0)
        temperature = TEMPERATURE_MEAN_C + TEMPERATURE_SWING_C * season + 4.5 * (sun - 0.4) + self._warmth.next()
        wind = max(0.2, 1.4 + 1.2 * sun + STORM_WIND_MS * wet + self._wind.next())
        gust = min(wind * self._random.uniform(1.4, 1.9), GUST_CALM_MAX_MS + 4 * wet)
        return {
            "temperature_c": round(temperature - 2.5 * wet, 1),
            "humidity_pct": round(clamp(87 - 24 * sun + 12 * wet, 35.0, 99.0)),
            "rain_mm": round(self._rain_mm(moment.seconds), 1),
            "wind_ms": round(wind, 1),
            "gust_ms": round(max(gust, wind), 1),
            "pressure_hpa": round(1_008 - 7 * season - 4 * wet + self._air.next(), 1),
        }

    def pause_seconds(self) -> float:
        """Return about ten seconds."""
        return self._random.uniform(8.5, 11.5)
