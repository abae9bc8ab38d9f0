"""VN_AQI: Vietnam's air quality index of an hour and of a day (QĐ 1459/QĐ-TCMT, 2.2)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from ioc.rules.aggregates.field.amount import non_negative
from ioc.rules.aggregates.field.rounding import round_half_away
from ioc.rules.aggregates.field.source import Source

SOURCE = Source(
    text="QĐ 1459/QĐ-TCMT",
    verified=False,
    valid_from=date(2019, 11, 12),
    note=(
        "Bảng 1, 2 và 4; đọc toàn văn trong bản chép có đối chiếu với PDF của Cục Môi trường, chưa đối chiếu lại PDF; "
        "chưa thấy văn bản thay thế (kiểm tra 10/2026)"
    ),
)


class Pollutant(StrEnum):
    """A column of Bảng 2; the values are the fields of the feed `air_quality`, `o3_8h` aside."""

    PM2_5 = "pm2_5"
    """PM2.5: NowCast for the hour, mean of 24 hours for the day."""
    PM10 = "pm10"
    """PM10: as PM2.5."""
    O3 = "o3"
    """Ozone, means of 1 hour."""
    O3_8H = "o3_8h"
    """Ozone, means of 8 hours: of the day only. A station's value names it `o3`."""
    NO2 = "no2"
    """Nitrogen dioxide, means of 1 hour."""
    SO2 = "so2"
    """Sulphur dioxide, means of 1 hour."""
    CO = "co"
    """Carbon monoxide, means of 1 hour, in µg/m³ like all others."""


INDEX_POINTS = (0, 50, 100, 150, 200, 300, 400, 500)
INDEX_MAX = 500
BREAKPOINTS: Mapping[Pollutant, tuple[int, ...]] = {
    Pollutant.O3: (0, 160, 200, 300, 400, 800, 1_000, 1_200),
    Pollutant.O3_8H: (0, 100, 120, 170, 210, 400),
    Pollutant.CO: (0, 10_000, 30_000, 45_000, 60_000, 90_000, 120_000, 150_000),
    Pollutant.SO2: (0, 125, 350, 550, 800, 1_600, 2_100, 2_630),
    Pollutant.NO2: (0, 100, 200, 700, 1_200, 2_350, 3_100, 3_850),
    Pollutant.PM10: (0, 50, 150, 250, 350, 420, 500, 600),
    Pollutant.PM2_5: (0, 25, 50, 80, 150, 250, 350, 500),
}
"""Bảng 2, µg/m³: the concentrations at the points of the index. Columns are continuous: 25 belongs to both ranges."""
PARTICLES = (Pollutant.PM2_5, Pollutant.PM10)
"""At least one of them is mandatory."""
HOURLY = (*PARTICLES, Pollutant.O3, Pollutant.NO2, Pollutant.SO2, Pollutant.CO)
"""What the hour is made of; where two are equal the first is named."""
DAILY = (*PARTICLES, Pollutant.O3, Pollutant.O3_8H, Pollutant.NO2, Pollutant.SO2, Pollutant.CO)


class StationIndex(NamedTuple):
    """A station's VN_AQI and the pollutant with the highest index, which must be published with it (Bảng 3)."""

    value: int
    pollutant: Pollutant


def index_of(pollutant: str, concentration: float | None) -> int | None:
    """Return the index, 0 to 500, of a pollutant at ``concentration`` µg/m³.

    A half is rounded away from zero, as people round by hand: the text says "làm tròn thành số nguyên" and its own
    example makes 110 of 109.5. (It also makes 60 of NO2 118.7, which is 59.35: its mistake, not followed.)
    At and above the last breakpoint the index is 500.

    None where ``concentration`` is, and for ``o3_8h`` above 400 µg/m³: the text gives that column no points above 300.

    Source: QĐ 1459/QĐ-TCMT, formulas 1 and 2 with Bảng 2.

    Raises:
        ValueError: an unknown pollutant, or a concentration that is negative or not finite.
    """
    exact = _exact(Pollutant(pollutant), concentration)
    return None if exact is None else round_half_away(exact)


def hourly(concentrations: Mapping[str, float | None]) -> StationIndex | None:
    """Return a station's VN_AQI of an hour, the highest index of its pollutants, or None without PM2.5 and PM10.

    ``concentrations`` in µg/m³ by `Pollutant`: NowCast for `pm2_5` and `pm10`, the hour's mean for `o3`, `no2`, `so2`,
    `co`. None and absent are alike: not measured. Other keys are not read.

    Source: QĐ 1459/QĐ-TCMT, 2.1 b and 2.2.1 b, c.

    Raises:
        ValueError: a concentration that is negative or not finite.
    """
    return _station(concentrations, HOURLY)


def daily(figures: Mapping[str, float | None]) -> StationIndex | None:
    """Return a station's VN_AQI of a day, the highest index of its pollutants, or None without PM2.5 and PM10.

    ``figures`` in µg/m³ by `Pollutant`, as `vn_aqi_day.day_figures` makes them: mean of 24 hours for `pm2_5` and
    `pm10`, the day's highest mean of 1 hour for the others, of 8 hours for `o3_8h` (left out above 400 µg/m³).
    None and absent are alike.

    Source: QĐ 1459/QĐ-TCMT, 2.1 b and 2.2.2 b, c.

    Raises:
        ValueError: a concentration that is negative or not finite.
    """
    return _station(figures, DAILY)


def _exact(pollutant: Pollutant, concentration: float | None) -> float | None:
    """Return the index before it is rounded."""
    if concentration is None:
        return None
    points = BREAKPOINTS[pollutant]
    above = bisect_right(points, non_negative(concentration))
    if above == len(points):
        if concentration == points[-1]:
            return float(INDEX_POINTS[above - 1])
        return None if pollutant is Pollutant.O3_8H else float(INDEX_MAX)
    low, high = points[above - 1], points[above]
    index_low, index_high = INDEX_POINTS[above - 1], INDEX_POINTS[above]
    return (index_high - index_low) * (concentration - low) / (high - low) + index_low


def _station(figures: Mapping[str, float | None], pollutants: Iterable[Pollutant]) -> StationIndex | None:
    if all(figures.get(particle) is None for particle in PARTICLES):
        return None
    highest, named = -1.0, Pollutant.PM2_5
    for pollutant in pollutants:
        exact = _exact(pollutant, figures.get(pollutant))
        if exact is not None and exact > highest:
            highest, named = exact, pollutant
    return StationIndex(round_half_away(highest), Pollutant.O3 if named is Pollutant.O3_8H else named)
