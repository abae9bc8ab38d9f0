"""The whole city's fleet: as many devices of each kind as the centre is sized for, near those that it knows.

The few devices of a pack stand for their kind: each further one stands near one of them, in the same unit, and speaks
as often as its kind does. The same seed makes the same fleet. A reading that carries several measures counts once for
each: their period is that much shorter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from simulators.roster import Device

SPREAD_DEGREES = 0.006
"""About 600 m: as far from its model as a neighbour stands."""
MOVING_SHARE, MOVING_SECONDS, PARKED_SECONDS = 0.4, 15.0, 300.0
"""Of vehicles with a tracker: who drives, and how often each speaks."""
VEHICLES = "vehicle_tracking"


@dataclass(frozen=True, slots=True)
class FleetKind:
    """A kind of device: how many the city has, and every how many seconds one of them speaks."""

    devices: int
    every_seconds: float


KINDS = {
    "camera_detection": FleetKind(222, 27.0),
    VEHICLES: FleetKind(1_200, MOVING_SECONDS),
    "air_quality": FleetKind(7, 300.0),
    "wastewater": FleetKind(8, 300.0),
    "stack_emission": FleetKind(4, 300.0),
    "rainfall": FleetKind(30, 600.0),
    "river_level": FleetKind(6, 600.0),
    "public_wifi": FleetKind(60, 60.0),
    "loudspeaker": FleetKind(300, 60.0),
    "street_light": FleetKind(120, 20.0),
    "tap_water": FleetKind(40, 12.0),
    "traffic_flow": FleetKind(9, 30.0),
    "parking": FleetKind(9, 60.0),
    "server_health": FleetKind(100, 12.0),
    "network_link": FleetKind(20, 12.0),
}
"""What the centre of the city and Lương Sơn is sized for; of other kinds the pack's own devices are all."""


@dataclass(frozen=True, slots=True)
class FleetDevice:
    """One device of the fleet: whose kind and unit it has, and how often it speaks; None: as its feed expects."""

    device: Device
    model: str
    every_seconds: float | None


def city_fleet(models: Sequence[Device], *, seed: int) -> list[FleetDevice]:
    """Return the fleet: the models first, then their neighbours, kind by kind."""
    random = Random(f"{seed}/fleet")
    fleet = [FleetDevice(model, model.id, pace(model.feed, random)) for model in models]
    for feed, kind in KINDS.items():
        known = [model for model in models if model.feed == feed]
        if not known:
            continue
        for number in range(len(known), kind.devices):
            model = known[number % len(known)]
            device = Device(
                id=f"{model.id}-{number:04}", feed=feed, key=model.key,
                lat=round(model.lat + random.uniform(-SPREAD_DEGREES, SPREAD_DEGREES), 5),
                lon=round(model.lon + random.uniform(-SPREAD_DEGREES, SPREAD_DEGREES), 5),
            )  # fmt: skip
            fleet.append(FleetDevice(device, model.id, pace(feed, random)))
    return fleet


def pace(feed: str, random: Random) -> float | None:
    """Return every how many seconds a device of a kind speaks."""
    if feed == VEHICLES and random.random() >= MOVING_SHARE:
        return PARKED_SECONDS
    kind = KINDS.get(feed)
    return None if kind is None else kind.every_seconds
