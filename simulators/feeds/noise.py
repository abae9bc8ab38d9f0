"""Noise meters: traffic by day, quiet by night, as LAeq of a minute."""

from __future__ import annotations

from simulators.roster import Device
from simulators.wander import Wander, bell, clamp
from simulators.world import Moment, World

NIGHT_DBA = 46.0
DAY_DBA = 14.0
QUIET_DBA = 42.0
QUIET_DAY_DBA = 6.0
PERIOD_S = 60


class Noise:
    """One meter. One at a hospital (its id says so) stands where it is quieter."""

    def __init__(self, device: Device, world: World) -> None:
        self._random = world.random_for(device.id)
        quiet = "benh-vien" in device.id
        self._night, self._day = (QUIET_DBA, QUIET_DAY_DBA) if quiet else (NIGHT_DBA, DAY_DBA)
        self._street = Wander(self._random, spread=0.8, memory=0.8)

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return the equivalent and the highest level of the last minute (dBA)."""
        hour = moment.hour
        busy = max(
            bell(hour, peak=7.5, width=1.1), bell(hour, peak=17.3, width=1.6), 0.7 * bell(hour, peak=12, width=3)
        )
        level = clamp(self._night + self._day * busy + clamp(self._street.next(), -2.0, 2.0), 35.0, 66.0)
        return {
            "laeq_dba": round(level, 1),
            "lmax_dba": round(level + self._random.uniform(6, 14), 1),
            "period_s": PERIOD_S,
        }

    def pause_seconds(self) -> float:
        """Return about nine seconds."""
        return self._random.uniform(7.5, 10.5)
