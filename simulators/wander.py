"""Shapes that calm days are made of: slow wandering around a mean, and bells over the hours of the day."""

from __future__ import annotations

import math
from random import Random


class Wander:
    """A value that wanders around zero and comes back (an AR(1) process), for noise that looks like weather.

    ``spread`` is its standard deviation, ``memory`` how much of the last step stays (0 to 1).
    """

    def __init__(self, random: Random, *, spread: float, memory: float = 0.9) -> None:
        self._random = random
        self._memory = memory
        self._step = spread * math.sqrt(1 - memory * memory)
        self._value = random.gauss(0.0, spread)

    def next(self) -> float:
        """Take one step and return the value."""
        self._value = self._memory * self._value + self._random.gauss(0.0, self._step)
        return self._value


def bell(hour: float, *, peak: float, width: float) -> float:
    """Return 0 to 1 around the ``peak`` hour, over midnight too; ``width`` is the standard deviation in hours."""
    apart = abs(hour - peak) % 24
    apart = min(apart, 24 - apart)
    return math.exp(-0.5 * (apart / width) ** 2)


def clamp(value: float, low: float, high: float) -> float:
    """Return ``value`` held between two bounds."""
    return max(low, min(high, value))
