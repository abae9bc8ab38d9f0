"""River gauges: the Đà below the dam, the Bùi at Lâm Sơn, the Bôi at Hưng Thi, and streams elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.device_health import DeviceHealth
from simulators.roster import Device
from simulators.wander import Wander
from simulators.world import Moment, World

STATION_REACH_KM = 12.0
AT_STATION_KM = 1.5
FALL_CM_PER_KM = 12.0
LAG_SECONDS_PER_KM = 6.0
"""A gauge further along the same river stands lower, and the wave reaches it later."""
STREAM_CALM_CM = 1_150.0
STREAM_RISE_CM = 140.0
STREAM_CALM_M3S = 4.0
DISCHARGE_POWER = 1.2
"""How a river's flow grows with each metre that it rises: ours, so that 19.33 m of the Đà are some 12,000 m³/s."""


@dataclass(frozen=True, slots=True)
class GaugeStation:
    """A known station: where it is, its level on a calm day (cm) and the signal that moves it."""

    lat: float
    lon: float
    calm_cm: float
    signal: str
    calm_m3s: float


STATIONS = (
    GaugeStation(lat=20.8190, lon=105.3370, calm_cm=1180.0, signal="da_level_cm", calm_m3s=950.0),
    GaugeStation(lat=20.8790, lon=105.4870, calm_cm=2105.0, signal="bui_level_cm", calm_m3s=24.0),
    GaugeStation(lat=20.5100, lon=105.6700, calm_cm=760.0, signal="boi_level_cm", calm_m3s=31.0),
)


class RiverLevel:
    """One gauge; the nearest known station within reach says which river it stands in."""

    def __init__(self, device: Device, world: World) -> None:
        self._world = world
        self._random = world.random_for(device.id)
        self._health = DeviceHealth(device, world)
        nearest = min(STATIONS, key=lambda station: device.distance_km(station.lat, station.lon))
        away_km = device.distance_km(nearest.lat, nearest.lon)
        self._station = nearest if away_km <= STATION_REACH_KM else None
        self._along_km = 0.0 if away_km <= AT_STATION_KM else away_km
        self._share = 0.3 + 0.7 * world.nearness("storm", device)
        self._ripple = Wander(self._random, spread=1.2, memory=0.8)

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return level_cm above the station's zero, in whole centimetres, and the discharge in m³/s."""
        if self._station is None:
            rise = self._share * self._world.blend("stream_rise", 0.0, moment.seconds)
            level_cm = STREAM_CALM_CM + STREAM_RISE_CM * rise + self._ripple.next()
            risen_m, calm_m3s = STREAM_RISE_CM * rise / 100, STREAM_CALM_M3S
        else:
            calm_cm = self._station.calm_cm + self._ripple.next()
            seconds = moment.seconds - self._along_km * LAG_SECONDS_PER_KM
            level_cm = self._world.blend(self._station.signal, calm_cm, seconds) - self._along_km * FALL_CM_PER_KM
            risen_m = (level_cm + self._along_km * FALL_CM_PER_KM - self._station.calm_cm) / 100
            calm_m3s = self._station.calm_m3s
        return {
            "level_cm": round(level_cm),
            "discharge_m3s": round(calm_m3s * (1 + max(0.0, risen_m)) ** DISCHARGE_POWER),
            **self._health.values(moment),
        }

    def pause_seconds(self) -> float:
        """Return about four seconds."""
        return self._random.uniform(3.4, 4.6)
