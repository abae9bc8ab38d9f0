"""Any feed on an ordinary day, as its file of the pack describes it: hours, weekends, the season, choices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from simulators.roster import Device
from simulators.wander import Wander, bell, clamp
from simulators.world import LOCAL_OFFSET, Moment, World

EVERY_SECONDS = 20.0
WIDTH_HOURS = 2.5
JITTER = 0.15
"""A device is up to this much early or late."""
SPREAD = 0.05
"""How far a value wanders, as a part of its range."""
MIDDLE = 0.5
MIDSUMMER = 0.54
SATURDAY = 5
DEFAULT_DIGITS = 1
WAY_SECONDS = 2_400.0
"""How long a vehicle takes for its way, there and back."""


class Everyday:
    """One device, or one source, of a feed that the pack describes."""

    def __init__(self, device: Device, world: World, play: Mapping[str, Any]) -> None:
        self._random = world.random_for(f"{device.feed}/{device.id}")
        self._play = play
        self._number = self._random.randrange(1_000)
        """Where it stands in its turns, so that not all say the same."""
        self._every = float(play.get("every_seconds", EVERY_SECONDS))
        self._wander = {name: Wander(self._random, spread=SPREAD, memory=0.9) for name in play["fields"]}
        self._own = {
            name: self._random.choice(field["each"]) for name, field in play["fields"].items() if "each" in field
        }
        self._start = self._random.random()

    def reading(self, moment: Moment) -> dict[str, object]:
        """Return every field at ``moment``; what moves says where it is."""
        said: dict[str, object] = {}
        for name, field in self._play["fields"].items():
            said[name] = self._own[name] if name in self._own else self._say(name, field, moment, said)
        self._number += 1
        return {**self._place(moment), **said}

    def pause_seconds(self) -> float:
        """Return about what the feed says."""
        return self._every * self._random.uniform(1 - JITTER, 1 + JITTER)

    def _say(self, name: str, field: Mapping[str, Any], moment: Moment, said: Mapping[str, object]) -> object:
        """Return a field that is new in each reading."""
        if "value" in field:
            return field["value"]
        if "turn" in field:
            return field["turn"][self._number % len(field["turn"])]
        digits = field.get("digits", DEFAULT_DIGITS)
        value = self._number_of(name, field, moment, said)
        return round(value) if digits == 0 else round(value, digits)

    def _number_of(self, name: str, field: Mapping[str, Any], moment: Moment, said: Mapping[str, object]) -> float:
        if "range" in field:
            low, high = field["range"]
            part = shape(field, moment) * factor(field, moment) + self._wander[name].next()
            return float(low + (high - low) * clamp(part, 0.0, 1.0))
        if "ramp" in field:
            low, high = field["ramp"]
            return float(low + (high - low) * moment.year_part)
        form = next(form for form in ("percent", "share", "minus") if form in field)
        first, second = (float(str(said[part])) for part in field[form])
        if form == "minus":
            return first - second
        return first * second / 100 if form == "share" else 100 * first / second if second else 0.0

    def _place(self, moment: Moment) -> dict[str, object]:
        """Return where something that moves is: along its way and back again."""
        way = self._play.get("path", ())
        if not way:
            return {}
        part = (moment.seconds / WAY_SECONDS + self._start) % 1.0
        along = (1 - abs(2 * part - 1)) * (len(way) - 1)
        first, second = list(pairwise(way))[min(int(along), len(way) - 2)] if len(way) > 1 else (way[0], way[0])
        rest = along - min(int(along), max(len(way) - 2, 0))
        lat, lon = (round(a + (b - a) * rest, 5) for a, b in zip(first, second, strict=True))
        return {"lat": lat, "lon": lon}


def shape(field: Mapping[str, Any], moment: Moment) -> float:
    """Return 0 to 1: how near its peaks the hour is; in the middle where it has none."""
    peaks = field.get("peaks", ())
    if not peaks:
        return MIDDLE
    return max(bell(moment.hour, peak=peak, width=field.get("width", WIDTH_HOURS)) for peak in peaks)


def factor(field: Mapping[str, Any], moment: Moment) -> float:
    """Return what the day of the week and the season make of it."""
    weekend = field.get("weekend", 1.0) if moment.now.astimezone(LOCAL_OFFSET).weekday() >= SATURDAY else 1.0
    summer = (1 + math.cos(2 * math.pi * (moment.year_part - MIDSUMMER))) / 2
    return float(weekend * (1 + (field.get("summer", 1.0) - 1) * summer))
