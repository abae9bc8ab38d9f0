"""Public bins: they fill over the day and are emptied before dawn and in the evening."""

from __future__ import annotations

from simulators.roster import Device
from simulators.wander import Wander, bell, clamp
from simulators.world import Moment, World

EMPTIED_AT_HOURS = (4.5, 20.5)
FILL_MAX_PCT = 80.0
"""A calm day's truck comes in time."""


class WasteBin:
    """One bin."""

    def __init__(self, device: Device, world: World) -> None:
        self._random = world.random_for(device.id)
        self._rate_pct_h = self._random.uniform(2.5, 4.2)
        self._jitter = Wander(self._random, spread=0.8, memory=0.6)

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return the fill (%), the temperature inside (°C) and whether it lies on its side."""
        since = min((moment.hour - emptied) % 24 for emptied in EMPTIED_AT_HOURS)
        fill = clamp(4 + self._rate_pct_h * since + self._jitter.next(), 0.0, FILL_MAX_PCT)
        return {
            "fill_pct": round(fill),
            "temperature_c": round(21 + 9 * bell(moment.hour, peak=14, width=3.5) + self._jitter.next() / 4, 1),
            "tilted": False,
        }

    def pause_seconds(self) -> float:
        """Return about twelve seconds."""
        return self._random.uniform(10.0, 14.0)
