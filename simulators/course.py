"""A course: a value's way through time as keyframes, joined smoothly and never past what was recorded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


class CourseError(Exception):
    """A course has no points, or its times do not increase."""


def _slopes(times: Sequence[float], values: Sequence[float]) -> list[float]:
    """Return Fritsch and Carlson's slopes: the curve never overshoots, so a recorded peak stays the peak."""
    secants = [(b - a) / (t - s) for (s, t), (a, b) in zip(pairwise(times), pairwise(values), strict=True)]
    inner = [0.0 if left * right <= 0 else 2 * left * right / (left + right) for left, right in pairwise(secants)]
    return [secants[0], *inner, secants[-1]]


@dataclass(frozen=True, slots=True)
class Course:
    """Keyframes (seconds, value) joined by a monotone cubic, or by steps for counts such as open gates."""

    times: tuple[float, ...]
    values: tuple[float, ...]
    slopes: tuple[float, ...]
    stepped: bool = False

    @classmethod
    def through(cls, points: Sequence[Sequence[float]], *, stepped: bool = False) -> Course:
        """Make a course through ``points`` of (seconds, value).

        Raises:
            CourseError: there are no points, or their times do not increase.
        """
        if not points:
            raise CourseError("a course needs at least one point")
        times = tuple(float(point[0]) for point in points)
        values = tuple(float(point[1]) for point in points)
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise CourseError(f"times must increase: {times}")
        slopes = tuple(_slopes(times, values)) if len(times) > 1 else (0.0,)
        return cls(times=times, values=values, slopes=slopes, stepped=stepped)

    @property
    def ends_seconds(self) -> float:
        """Return the time of the last keyframe."""
        return self.times[-1]

    def at(self, seconds: float) -> float:
        """Return the value at ``seconds``; before the first and after the last keyframe it stands still."""
        if seconds <= self.times[0]:
            return self.values[0]
        if seconds >= self.times[-1]:
            return self.values[-1]
        left = bisect_right(self.times, seconds) - 1
        if self.stepped:
            return self.values[left]
        width = self.times[left + 1] - self.times[left]
        u = (seconds - self.times[left]) / width
        start, end = self.values[left], self.values[left + 1]
        rise, fall = self.slopes[left] * width, self.slopes[left + 1] * width
        return (
            (1 + 2 * u) * (1 - u) ** 2 * start
            + u * (1 - u) ** 2 * rise
            + u * u * (3 - 2 * u) * end
            + u * u * (u - 1) * fall
        )
