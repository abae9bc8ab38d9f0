"""The formulas of decrees and the percentile, for the independent evaluator, worked out again from their texts.

NowCast and VN_AQI from QĐ 1459/QĐ-TCMT, Nesterov's P and the percentile from docs/rules.md. Concentrations in µg/m³.
The engine has formulas of its own: where one of the two reads a text wrongly, the comparison of histories tells.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

INDEX = (0, 50, 100, 150, 200, 300, 400, 500)
CONCENTRATIONS: Mapping[str, Sequence[int]] = {
    "pm2_5": (0, 25, 50, 80, 150, 250, 350, 500),
    "pm10": (0, 50, 150, 250, 350, 420, 500, 600),
    "no2": (0, 100, 200, 700, 1_200, 2_350, 3_100, 3_850),
    "so2": (0, 125, 350, 550, 800, 1_600, 2_100, 2_630),
    "o3": (0, 160, 200, 300, 400, 800, 1_000, 1_200),
    "co": (0, 10_000, 30_000, 45_000, 60_000, 90_000, 120_000, 150_000),
}
"""Bảng 2: which concentration has which index."""
DUSTS = ("pm2_5", "pm10")
DECIMALS = 9
"""A concentration is taken to be what people would write down, and not the last bits of a quotient."""
GROWTH = 1.02 / 0.98
"""Each bucket of a percentile reaches so many times as far as the one before it: within 2 % of its middle."""
SMALLEST = 1e-9
SOAKING_MM = 5.0


def nowcast(hours: Sequence[float | None]) -> float | None:
    """Return the NowCast of hourly means, the newest first: None where two of the newest three are missing."""
    if sum(mean is None for mean in hours[:3]) > 1:
        return None
    present = {age: mean for age, mean in enumerate(hours) if mean is not None}
    worst = max(present.values())
    ratio = min(present.values()) / worst if worst else 1.0
    if ratio <= 1 / 2:
        return sum(mean * 0.5 ** (age + 1) for age, mean in present.items())
    return sum(ratio**age * mean for age, mean in present.items()) / sum(ratio**age for age in present)


def hourly_index(figures: Mapping[str, float | None]) -> int | None:
    """Return a station's VN_AQI of an hour, the highest of its pollutants: None where no dust is measured."""
    if not any(figures.get(dust) is not None for dust in DUSTS):
        return None
    return max(index_of(name, figure) for name in CONCENTRATIONS if (figure := figures.get(name)) is not None)


def index_of(pollutant: str, figure: float) -> int:
    """Return the index of one concentration, exact fractions rounded by hand: a half goes up."""
    exact = Fraction(str(round(figure, DECIMALS)))
    points = list(zip(CONCENTRATIONS[pollutant], INDEX, strict=True))
    for (low, index_low), (high, index_high) in pairwise(points):
        if exact <= high:
            index = Fraction(index_high - index_low, high - low) * (exact - low) + index_low
            return math.floor(index + Fraction(1, 2) + Fraction(1, 10**DECIMALS))
    return INDEX[-1]


def nesterov_p(days: Iterable[tuple[float | None, float | None, float | None]]) -> float | None:
    """Return P after days of (rain mm, temperature °C, humidity %), which begin at 0: None where one has a hole."""
    p: float | None = 0.0
    for rain_mm, temperature_c, humidity_pct in days:
        if rain_mm is not None and rain_mm >= SOAKING_MM:
            p = 0.0
        elif p is None or rain_mm is None or temperature_c is None or humidity_pct is None:
            p = None
        elif temperature_c > 0:
            saturated_mb = 6.112 * math.exp(17.62 * temperature_c / (243.12 + temperature_c))
            p += temperature_c * saturated_mb * max(100 - humidity_pct, 0) / 100
    return p


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Return the value of rank ceil(percent/100 n), as its bucket has it."""
    if not values:
        return None
    rank = -(-percent * len(values) // 100)
    value = sorted(values)[rank - 1]
    if abs(value) < SMALLEST:
        return 0.0
    bucket = math.ceil(math.log(abs(value)) / math.log(GROWTH))
    return math.copysign(2 * GROWTH**bucket / (GROWTH + 1), value)
