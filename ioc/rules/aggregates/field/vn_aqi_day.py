"""The figures of a day that its VN_AQI is made of: means of 24 hours, highest means of 1 and of 8 hours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ioc.rules.aggregates.field.amount import non_negative
from ioc.rules.aggregates.field.vn_aqi import HOURLY, PARTICLES, Pollutant

DAY_HOURS = 24
OZONE_HOURS = 8
SHARE_MIN = 0.75
"""Unverified: QĐ 1459/QĐ-TCMT does not say how many hours a mean of 8 or 24 hours needs. Three quarters is our own
default; a mean of fewer hours is none."""


def day_figures(
    hours: Mapping[str, Sequence[float | None]],
    *,
    ozone_before: Sequence[float | None] = (),
    share_min: float = SHARE_MIN,
) -> dict[str, float | None]:
    """Return the day's figures in µg/m³ by `Pollutant`, for `vn_aqi.daily`; None where there are too few hours.

    ``hours`` has the 24 hourly means of each pollutant measured, oldest first, 01:00 to 00:00 of the next day; None is
    an hour without a mean. ``ozone_before`` are ozone's up to 7 means before 01:00, oldest first: each of the day's 24
    means of 8 hours looks back that far, and an hour not given counts as without a mean.
    ``share_min`` of the hours must be there for a mean of 8 or 24 hours; the highest of 1 hour is that of any.

    Source: QĐ 1459/QĐ-TCMT, 2.2.2 a; ``share_min`` is ours (`SHARE_MIN`).

    Raises:
        ValueError: a day of other than 24 hours, more than 7 hours before, or a mean that is negative or not finite.
    """
    if len(ozone_before) >= OZONE_HOURS:
        raise ValueError(f"{len(ozone_before)} hours before: a mean of {OZONE_HOURS} hours reaches back 7 from 01:00")
    figures: dict[str, float | None] = {}
    for pollutant in HOURLY:
        day = hours.get(pollutant)
        if day is None:
            continue
        if len(day) != DAY_HOURS:
            raise ValueError(f"{len(day)} hours of {pollutant}: a day has {DAY_HOURS}")
        if pollutant in PARTICLES:
            figures[pollutant] = mean_of(day, share_min=share_min)
        else:
            figures[pollutant] = max((non_negative(mean) for mean in day if mean is not None), default=None)
        if pollutant is Pollutant.O3:
            figures[Pollutant.O3_8H] = max(
                (mean for mean in means_of_8_hours(day, before=ozone_before, share_min=share_min) if mean is not None),
                default=None,
            )
    return figures


def means_of_8_hours(
    day: Sequence[float | None], *, before: Sequence[float | None] = (), share_min: float = SHARE_MIN
) -> list[float | None]:
    """Return a mean of 8 hours for each hour of ``day``, of that hour and the 7 before it, in the unit of the means.

    ``day`` and ``before`` as in `day_figures`. Source: QĐ 1459/QĐ-TCMT, 2.2.2 a, with its example of ozone.

    Raises:
        ValueError: a mean that is negative or not finite.
    """
    unknown = [None] * (OZONE_HOURS - 1 - len(before))
    series = [*unknown, *before, *day]
    return [mean_of(series[first : first + OZONE_HOURS], share_min=share_min) for first in range(len(day))]


def mean_of(hours: Sequence[float | None], *, share_min: float = SHARE_MIN) -> float | None:
    """Return the mean of the hours that have a value, or None where fewer than ``share_min`` of them, or none, do.

    Raises:
        ValueError: a value that is negative or not finite.
    """
    values = [non_negative(value) for value in hours if value is not None]
    if not values or len(values) < share_min * len(hours):
        return None
    return math.fsum(values) / len(values)
