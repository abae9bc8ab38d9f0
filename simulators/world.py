"""The world that all devices see: the time, the scenario's courses, and how near a device is to what happens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from random import Random

from simulators.roster import Device
from simulators.scenario import Place, Scenario

LOCAL_OFFSET = timezone(timedelta(hours=7))
FADE_SECONDS = 300.0
"""After a course's last keyframe its value fades into the calm one over this time, so that no chart has a cliff."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant: seconds since the scenario began, and the local time (+07:00) that readings carry."""

    seconds: float
    now: datetime

    @property
    def hour(self) -> float:
        """Return the local hour of the day as a number, 0 to 24."""
        local = self.now.astimezone(LOCAL_OFFSET)
        return local.hour + local.minute / 60 + local.second / 3600

    @property
    def year_part(self) -> float:
        """Return how much of the year has passed, 0 to 1."""
        return (self.now.astimezone(LOCAL_OFFSET).timetuple().tm_yday - 1) / 365.25


class World:
    """What is true at a moment, for every device of the run."""

    def __init__(self, *, scenario: Scenario, devices: Sequence[Device], seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        self._rank: dict[tuple[str, str], int] = {}
        for name, place in scenario.places.items():
            self._rank_devices(name, place, devices)

    def _rank_devices(self, name: str, place: Place, devices: Sequence[Device]) -> None:
        """Number each feed's devices by their distance to the place, so that `nearest` has an answer."""
        counts: dict[str, int] = {}
        for device in sorted(devices, key=lambda device: (device.distance_km(place.lat, place.lon), device.id)):
            rank = counts.get(device.feed, 0)
            self._rank[(name, device.id)] = rank
            counts[device.feed] = rank + 1

    def random_for(self, name: str) -> Random:
        """Return the random source of one device: the same for the same seed, whatever the others do."""
        return Random(f"{self.seed}/{name}")

    def blend(self, signal: str, calm: float, seconds: float) -> float:
        """Return the scenario's value of ``signal``, or ``calm`` where it has none or has faded out."""
        course = self.scenario.signals.get(signal)
        if course is None:
            return calm
        over = min(1.0, max(0.0, (seconds - course.ends_seconds) / FADE_SECONDS))
        return course.at(seconds) * (1 - over) + calm * over

    def nearness(self, name: str, device: Device) -> float:
        """Return 0 to 1: how much what happens at the place ``name`` reaches this device."""
        place = self.scenario.places.get(name)
        if place is None:
            return 0.0
        if self._rank.get((name, device.id), place.nearest) < place.nearest:
            return 1.0
        return math.exp(-((device.distance_km(place.lat, place.lon) / place.radius_km) ** 2))
