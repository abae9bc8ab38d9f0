"""Courses: what a device measured, written as a few points; between two of them a number goes in a straight line.

Words and yes-or-no hold until the next point. The scatter beside the line is the same at every run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Annotated

from pydantic import Field

from ioc.replay.mapping import Value

POINTS_MAX = 100
Scalar = bool | int | float | str
Point = tuple[float, Scalar]
"""A minute, and the value at it."""
Points = Annotated[list[Annotated[Point, Field(strict=False)]], Field(min_length=1, max_length=POINTS_MAX)]


def course_minutes(values: Mapping[str, Sequence[Point]], every_minutes: float) -> list[float]:
    """Return when a device speaks: every so often, and at each point, so that a switch is where it was written."""
    points = {float(minute) for course in values.values() for minute, _ in course}
    first, last = min(points), max(points)
    points.update(first + number * every_minutes for number in range(int((last - first) / every_minutes)))
    return sorted(points)


def readings_of(
    values: Mapping[str, Sequence[Point]], *, every_minutes: float, scatter: Mapping[str, float], seed: str
) -> Iterator[tuple[float, dict[str, Value]]]:
    """Yield each reading with its minute, in order."""
    random = Random(seed)  # noqa: S311 - the same at every run
    for minute in course_minutes(values, every_minutes):
        said: dict[str, Value] = {}
        for name, course in values.items():
            value = value_at(course, minute)
            if isinstance(value, float) and (spread := scatter.get(name)):
                value = round(value + random.uniform(-spread, spread), 2)
            said[name] = value
        yield minute, said


def value_at(course: Sequence[Point], minute: float) -> Value:
    """Return the value at a minute: on the line between two numbers, else that of the point before."""
    before = max((point for point in course if point[0] <= minute), default=course[0], key=lambda point: point[0])
    after = min((point for point in course if point[0] > minute), default=before, key=lambda point: point[0])
    if before[1] == after[1] or not (_is_number(before[1]) and _is_number(after[1])):
        return before[1]
    share = (minute - before[0]) / (after[0] - before[0])
    value = before[1] + share * (after[1] - before[1])  # type: ignore[operator]
    whole = isinstance(before[1], int) and isinstance(after[1], int)
    return round(value) if whole else round(float(value), 2)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
