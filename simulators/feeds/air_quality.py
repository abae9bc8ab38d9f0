"""Air stations: dust and gases with the two traffic peaks, ozone in the afternoon, and rain that washes it all out."""

from __future__ import annotations

import math

from simulators.device_health import DeviceHealth
from simulators.roster import Device
from simulators.wander import Wander, bell, clamp
from simulators.world import Moment, World

TEMPERATURE_MEAN_C = 23.5
TEMPERATURE_SWING_C = 6.0
HOTTEST_YEAR_PART = 0.53
PM2_5_MAX = 70.0
"""A calm day stays below Xấu (80 µg/m³): hours above it are for scenarios to tell."""


class AirQuality:
    """One station; gases in µg/m³ averaged as the station does, temperature in °C, humidity in %."""

    def __init__(self, device: Device, world: World) -> None:
        self._world = world
        self._random = world.random_for(device.id)
        self._health = DeviceHealth(device, world)
        self._dirt = self._random.uniform(0.85, 1.15)
        self._dust = Wander(self._random, spread=0.08, memory=0.95)
        self._gas = Wander(self._random, spread=0.10, memory=0.95)
        self._warmth = Wander(self._random, spread=0.4, memory=0.97)
        self._wind = Wander(world.random_for(f"{device.id} wind"), spread=0.3, memory=0.95)

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return every measure of the station."""
        hour = moment.hour
        traffic = max(bell(hour, peak=7.5, width=1.6), bell(hour, peak=18, width=2.0))
        sun = bell(hour, peak=13.5, width=3.2)
        washed = 1 - 0.6 * clamp(self._world.blend("rain_1h_mm", 0.0, moment.seconds) / 20, 0.0, 1.0)
        winter = 0.5 * (1 - math.cos(2 * math.pi * (moment.year_part - HOTTEST_YEAR_PART)))
        dust = (20 + 12 * winter + 14 * traffic) * self._dirt * washed * (1 + self._dust.next())
        gas = self._dirt * washed * max(0.3, 1 + self._gas.next())
        pm2_5 = clamp(dust, 3.0, PM2_5_MAX)
        season = math.cos(2 * math.pi * (moment.year_part - HOTTEST_YEAR_PART))
        temperature = TEMPERATURE_MEAN_C + TEMPERATURE_SWING_C * season + 4.0 * (sun - 0.4) + self._warmth.next()
        humidity = 88 - 22 * sun + 10 * (1 - washed)
        return {
            "pm2_5": round(pm2_5, 1),
            "pm10": round(pm2_5 * 1.65 + 4, 1),
            "no2": round((14 + 24 * traffic) * gas, 1),
            "so2": round((6 + 4 * traffic) * gas, 1),
            "o3": round((22 + 62 * sun) * (0.6 + 0.4 * washed), 1),
            "co": round((420 + 520 * traffic) * gas),
            "temperature_c": round(temperature - 2.5 * (1 - washed), 1),
            "humidity_pct": round(clamp(humidity, 35.0, 99.0)),
            "tsp": round(pm2_5 * 2.1 + 12),
            "wind_ms": round(clamp(1.2 + 1.1 * sun + self._wind.next(), 0.1, 9.0), 1),
            **self._health.values(moment),
        }

    def pause_seconds(self) -> float:
        """Return about four seconds."""
        return self._random.uniform(3.4, 4.6)
