"""One module per feed: each turns a moment of the world into what its device would say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from simulators.feeds.air_quality import AirQuality
from simulators.feeds.camera_detection import CameraDetection
from simulators.feeds.everyday import Everyday
from simulators.feeds.landfill import Landfill
from simulators.feeds.noise import Noise
from simulators.feeds.power_grid import PowerGrid
from simulators.feeds.public_wifi import PublicWiFi
from simulators.feeds.rainfall import Rainfall
from simulators.feeds.reservoir import Reservoir
from simulators.feeds.river_level import RiverLevel
from simulators.feeds.street_light import StreetLight
from simulators.feeds.surface_water import SurfaceWater
from simulators.feeds.tap_water import TapWater
from simulators.feeds.traffic_flow import TrafficFlow
from simulators.feeds.waste_bin import WasteBin
from simulators.feeds.weather import Weather
from simulators.roster import Device
from simulators.world import Moment, World

Reading = dict[str, object]


class Generator(Protocol):
    """Plays one device."""

    def reading(self, moment: Moment) -> Reading | None:
        """Return the feed's own fields at ``moment``, or None when the device has nothing to say."""
        ...

    def pause_seconds(self) -> float:
        """Return the scenario seconds until the next reading."""
        ...


GENERATORS: dict[str, Callable[[Device, World], Generator]] = {
    "air_quality": AirQuality,
    "camera_detection": CameraDetection,
    "public_wifi": PublicWiFi,
    "rainfall": Rainfall,
    "reservoir": Reservoir,
    "river_level": RiverLevel,
    "traffic_flow": TrafficFlow,
    "landfill": Landfill,
    "noise": Noise,
    "power_grid": PowerGrid,
    "street_light": StreetLight,
    "surface_water": SurfaceWater,
    "tap_water": TapWater,
    "waste_bin": WasteBin,
    "weather": Weather,
}
"""The feeds with a module of their own; citizen reports come over HTTP (`citizen_report.py`)."""


def make_generator(device: Device, world: World, plays: Mapping[str, Mapping[str, Any]]) -> Generator | None:
    """Return who plays a device: the feed's own module, else what ``plays`` says of it, else nobody."""
    own = GENERATORS.get(device.feed)
    if own is not None:
        return own(device, world)
    play = plays.get(device.feed)
    return Everyday(device, world, play) if play is not None else None
