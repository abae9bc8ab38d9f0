"""A landfill: leachate that follows the rain, gases that follow the heat."""

from __future__ import annotations

from simulators.roster import Device
from simulators.wander import Wander, bell, clamp
from simulators.world import Moment, World

LEACHATE_CM = 210.0
LEACHATE_FLOOD_CM = 90.0


class Landfill:
    """One site."""

    def __init__(self, device: Device, world: World) -> None:
        self._world = world
        self._random = world.random_for(device.id)
        self._nearness = world.nearness("storm", device)
        self._smell = Wander(self._random, spread=0.15, memory=0.95)
        self._pond = Wander(self._random, spread=3.0, memory=0.98)

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return the leachate (cm), hydrogen sulphide and ammonia at the fence (µg/m³), methane (%)."""
        warm = bell(moment.hour, peak=14, width=4)
        rain = self._nearness * clamp(self._world.blend("rain_24h_mm", 0.0, moment.seconds) / 200, 0.0, 1.0)
        smell = clamp(1 + self._smell.next(), 0.5, 1.5)
        return {
            "leachate_cm": round(LEACHATE_CM + LEACHATE_FLOOD_CM * rain + self._pond.next()),
            "h2s_ug_m3": round((6 + 9 * warm) * smell, 1),
            "nh3_ug_m3": round((28 + 40 * warm) * smell, 1),
            "ch4_pct": round(0.15 * smell, 2),
        }

    def pause_seconds(self) -> float:
        """Return about twelve seconds."""
        return self._random.uniform(10.0, 14.0)
