"""Rain gauges: each says its own 10-minute, 1-hour and 24-hour totals, as real stations do."""

from __future__ import annotations

from datetime import date, timedelta

from simulators.device_health import DeviceHealth
from simulators.roster import Device
from simulators.world import LOCAL_OFFSET, Moment, World

STATION_PERIOD_S = 600
"""A gauge totals ten minutes; in a compressed scenario it only speaks more often."""
DAY_HOURS = (19, 7)
"""The hours at which observers begin their rain day."""
DELAY_SECONDS_MAX = 25.0
"""The storm reaches the far gauges this much later than its core."""


class Rainfall:
    """One gauge. The one at the storm's core shows the recorded course exactly; the others less, and later."""

    def __init__(self, device: Device, world: World) -> None:
        self._world = world
        self._random = world.random_for(device.id)
        self._health = DeviceHealth(device, world)
        self._nearness = world.nearness("storm", device)
        at_core = self._nearness >= 1.0
        self._share = 1.0 if at_core else self._nearness * self._random.uniform(0.85, 1.0)
        self._delay_seconds = 0.0 if at_core else DELAY_SECONDS_MAX * (1 - self._nearness)
        self._drizzle_mm = max(0.0, self._random.gauss(0.6, 0.8))
        self._fallen_mm: float | None = None
        self._since: dict[int, tuple[date | None, float]] = dict.fromkeys(DAY_HOURS, (None, 0.0))
        """By the hour at which a rain day begins: which one runs, and what fell in it."""

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return rain_mm over period_s, rain_1h_mm and rain_24h_mm, to the gauge's 0.1 mm."""
        seconds = moment.seconds - self._delay_seconds
        day_mm = self._share * self._world.blend("rain_24h_mm", 0.0, seconds) + self._drizzle_mm
        if self._share == 1.0:
            day_mm = self._world.blend("rain_24h_mm", self._drizzle_mm, seconds)
        hour_mm = self._share * self._world.blend("rain_1h_mm", 0.0, seconds)
        # The rain since the reading before, so that all periods together are what the day's sum has risen by.
        now_mm = 0.0 if self._fallen_mm is None else max(0.0, day_mm - self._fallen_mm)
        self._fallen_mm = day_mm
        return {
            "rain_mm": round(now_mm, 1),
            "period_s": STATION_PERIOD_S,
            "rain_1h_mm": round(hour_mm, 1),
            "rain_24h_mm": round(day_mm, 1),
            **{f"rain_since_{hour}h_mm": self._sum_since(hour, moment, now_mm) for hour in DAY_HOURS},
            **self._health.values(moment),
        }

    def _sum_since(self, hour: int, moment: Moment, now_mm: float) -> float:
        """Return what fell since ``hour`` o'clock."""
        day = (moment.now.astimezone(LOCAL_OFFSET) - timedelta(hours=hour)).date()
        running, fallen = self._since[hour]
        fallen = now_mm if running != day else fallen + now_mm
        self._since[hour] = (day, fallen)
        return round(fallen, 1)

    def pause_seconds(self) -> float:
        """Return about three and a half seconds."""
        return self._random.uniform(3.0, 4.0)
