"""Forest fire: Nesterov's cumulative index P and the five levels of a province's table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ioc.domain.feed import Label
from ioc.rules.aggregates.field.amount import non_negative
from ioc.rules.aggregates.field.rounding import round_half_away
from ioc.rules.aggregates.field.source import Source

MAGNUS_HPA, MAGNUS_FACTOR, MAGNUS_C = 6.112, 17.62, 243.12
RESET_MM = 5.0
"""Rain of a day from which P starts anew: 5 mm in Vietnamese studies of the index (K = 0 from 5 mm). Unverified for
Hòa Bình: a province may set its own, as Thừa Thiên Huế does by month and region (5 to 10 mm)."""
BOUNDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FireDay:
    """One day of a station: None is what was not measured."""

    temperature_c: float | None
    """Air temperature at 13:00 local, °C."""
    humidity_pct: float | None
    """Relative humidity at 13:00 local, %."""
    rain_mm: float | None
    """Rain of the day, mm."""


@dataclass(frozen=True, slots=True)
class FireLevel:
    """A level of NĐ 156/2018/NĐ-CP art. 46; English is our translation."""

    number: int
    roman: str
    label: Label


LEVELS_SOURCE = Source(
    text="NĐ 156/2018/NĐ-CP, Điều 46",
    verified=False,
    valid_from=date(2019, 1, 1),
    note="Tên cấp chép lại từ nguồn thứ cấp, chưa đối chiếu văn bản gốc",
)
LEVELS = (
    FireLevel(1, "I", Label(vi="Khó xảy ra cháy rừng", en="Fire is unlikely")),
    FireLevel(2, "II", Label(vi="Có khả năng xảy ra cháy rừng", en="Fire is possible")),
    FireLevel(3, "III", Label(vi="Nguy cơ xảy ra cháy rừng cao", en="High risk of fire")),
    FireLevel(4, "IV", Label(vi="Rất dễ xảy ra cháy rừng", en="Fire starts very easily")),
    FireLevel(5, "V", Label(vi="Cực kỳ nguy hiểm", en="Extreme danger")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FireTable:
    """Which P is which level: issued by each province, so configuration.

    Raises:
        ValueError: the bounds are not four that rise.
    """

    bounds: tuple[int, ...]
    """The highest P of the levels I to IV."""
    province: str
    source: Source

    def __post_init__(self) -> None:
        if len(self.bounds) != BOUNDS or list(self.bounds) != sorted(set(self.bounds)):
            raise ValueError(f"{self.bounds}: the levels I to IV need four bounds that rise")


HUE_2022 = FireTable(
    bounds=(5_000, 10_000, 15_000, 20_000),
    province="Thừa Thiên Huế",
    source=Source(
        text="QĐ 33/2022/QĐ-UBND tỉnh Thừa Thiên Huế",
        verified=False,
        valid_from=None,
        note="Bảng của tỉnh khác: chưa tìm thấy bảng tra của Hòa Bình (nay là Phú Thọ), chỉ dùng tạm, chưa kiểm chứng",
    ),
)
"""Another province's: none of Hòa Bình's own was found. Issued 01/8/2022; its first day in force was not retrieved."""


def saturation_pressure_hpa(temperature_c: float) -> float:
    """Return the vapour pressure in hPa (= mb) at which air of ``temperature_c`` °C is saturated over water.

    Magnus formula 6.112 exp(17.62 t / (243.12 + t)), good from -45 to 60 °C. Source: Sonntag 1990, recommended in WMO
    No. 8 (2008), as the documentation of R's `bigleaf` cites both.

    Raises:
        ValueError: at or below -243.12 °C, where the formula has no value, or not finite.
    """
    if not (math.isfinite(temperature_c) and temperature_c > -MAGNUS_C):
        raise ValueError(f"{temperature_c} °C is no air temperature")
    return MAGNUS_HPA * math.exp(MAGNUS_FACTOR * temperature_c / (MAGNUS_C + temperature_c))


def saturation_deficit_hpa(temperature_c: float, humidity_pct: float) -> float:
    """Return how much vapour pressure in hPa (= mb) the air lacks to be saturated; 0 at 100 % and in fog above it.

    ``temperature_c`` in °C, ``humidity_pct`` in %. Source: definition, with `saturation_pressure_hpa`.

    Raises:
        ValueError: a temperature as there, or a humidity that is negative or not finite.
    """
    return saturation_pressure_hpa(temperature_c) * max(1 - non_negative(humidity_pct) / 100, 0.0)


def next_p(previous: float | None, day: FireDay, *, reset_mm: float = RESET_MM) -> float | None:
    """Return Nesterov's P at the end of ``day`` from that of the day before; °C times mb.

    P = K (P before + t13 d13), K = 0 from ``reset_mm`` of rain on, else 1: the sum of t13 d13 over the days since the
    last such rain. A day at or below 0 °C adds nothing (ours: cold never lowers P).
    None, unknown, where the day before is, or where rain, temperature or humidity are missing; the next rain of
    ``reset_mm`` makes P known again. A sum with a hole would read as less danger than there is.

    Source: V. G. Nesterov's P as Vietnamese studies give it (123docz.net 309061, 474053); not a legal text.

    Raises:
        ValueError: rain or humidity that is negative or not finite, or a temperature that air cannot have.
    """
    if day.rain_mm is not None and non_negative(day.rain_mm) >= reset_mm:
        return 0.0
    if previous is None or day.rain_mm is None or day.temperature_c is None or day.humidity_pct is None:
        return None
    deficit = saturation_deficit_hpa(day.temperature_c, day.humidity_pct)
    return previous + max(day.temperature_c, 0.0) * deficit


def cumulative_p(
    days: Iterable[FireDay], *, start: float | None = None, reset_mm: float = RESET_MM
) -> list[float | None]:
    """Return P at the end of each of consecutive ``days``, oldest first, from ``start``, the P of the day before them.

    ``start`` None: unknown until the first rain of ``reset_mm``. Otherwise as `next_p`.
    """
    found: list[float | None] = []
    for day in days:
        start = next_p(start, day, reset_mm=reset_mm)
        found.append(start)
    return found


def fire_level(p: float | None, table: FireTable = HUE_2022) -> FireLevel | None:
    """Return the level of P (°C mb) in a province's table; None where P is unknown.

    P is rounded first, a half away from zero, since tables are in whole numbers (5 000 is I, 5 001 is II).
    Source: the table's own, to be shown with the level. Levels IV and V are for the forest rangers to publish, daily.

    Raises:
        ValueError: P is negative or not finite.
    """
    if p is None:
        return None
    whole = round_half_away(non_negative(p))
    return LEVELS[sum(whole > bound for bound in table.bounds)]
