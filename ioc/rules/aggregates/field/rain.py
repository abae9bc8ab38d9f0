"""Rain: days as the weather service counts them, the rain that fell before, and the bands of QĐ 18/2021 as hints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import NamedTuple

from ioc.domain.feed import Label
from ioc.rules.aggregates.field.amount import non_negative
from ioc.rules.aggregates.field.source import Source

VIETNAM = timezone(timedelta(hours=7), "+07")
"""UTC+7 without summer time."""
ENDS_AT = (7, 19)
"""Local hours at which a rain day may end: bulletins give rain of 24 hours to 07:00 or to 19:00."""
DAY = timedelta(days=1)
DECAY = 0.9
"""Unverified for Hòa Bình: the part of a day's rain that still counts a day later. 0.9 is a common default (R's
`hydroBE`, after Kohler and Linsley 1951); 0.8 to 0.95 is usual, and a basin's own has to be fitted."""


@dataclass(frozen=True, slots=True)
class RainDay:
    """Rain of one rain day, from its readings."""

    ends_at: datetime
    total_mm: float
    readings: int
    """How many there are: the total is a lower bound while some are missing."""


class Antecedent(NamedTuple):
    """Rain of the days before."""

    mm: float
    days_missing: int
    """Days without a value: where there are any, `mm` is a lower bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RainHint:
    """A band of QĐ 18/2021 art. 44 that rain has reached: a hint, never the official level of disaster risk.

    The level also needs the days that it lasts, the terrain and how many communes it falls on, and is declared by the
    weather service. One gauge never makes it.
    """

    over_hours: int
    from_mm: float
    from_included: bool
    """"Từ" 50 and 100 mm, but "trên" 200 and 400."""
    to_mm: float
    """Itself included; infinity in the highest band."""
    label: Label


SOURCE = Source(
    text="QĐ 18/2021/QĐ-TTg, Điều 44",
    verified=False,
    valid_from=date(2021, 7, 1),
    note="Khoảng lượng mưa chép lại từ nguồn thứ cấp; chỉ là gợi ý, không phải cấp độ rủi ro thiên tai",
)
HINTS = (
    RainHint(
        over_hours=12,
        from_mm=50,
        from_included=True,
        to_mm=100,
        label=Label(vi="50–100 mm/12 giờ", en="50–100 mm in 12 h"),
    ),
    RainHint(
        over_hours=24,
        from_mm=100,
        from_included=True,
        to_mm=200,
        label=Label(vi="100–200 mm/24 giờ", en="100–200 mm in 24 h"),
    ),
    RainHint(
        over_hours=24,
        from_mm=200,
        from_included=False,
        to_mm=400,
        label=Label(vi="trên 200–400 mm/24 giờ", en="over 200–400 mm in 24 h"),
    ),
    RainHint(
        over_hours=24,
        from_mm=400,
        from_included=False,
        to_mm=math.inf,
        label=Label(vi="trên 400 mm/24 giờ", en="over 400 mm in 24 h"),
    ),
)
"""Lowest first."""


def rain_day_end(at: datetime, *, ends_at_hour: int, zone: tzinfo = VIETNAM) -> datetime:
    """Return the end of the rain day that rain measured at ``at`` belongs to, in ``zone``.

    A rain day is the 24 hours up to and with ``ends_at_hour`` (7 or 19) local, since a gauge's reading speaks of the
    time before it: rain read at 19:00:00 belongs to the day that ends then.

    Source: bulletins of the national centre ("từ 19 giờ ngày … đến 19 giờ ngày …"); no legal text was read.

    Raises:
        ValueError: ``at`` has no time zone, or the hour is neither 7 nor 19.
    """
    if at.tzinfo is None:
        raise ValueError("a moment without its time zone")
    if ends_at_hour not in ENDS_AT:
        raise ValueError(f"a rain day ends at 7 or at 19, not at {ends_at_hour}")
    local = at.astimezone(zone)
    end = datetime.combine(local.date(), time(ends_at_hour), tzinfo=zone)
    return end if local <= end else end + DAY


def rain_days(
    readings: Iterable[tuple[datetime, float]], *, ends_at_hour: int, zone: tzinfo = VIETNAM
) -> list[RainDay]:
    """Return the rain days that have readings, oldest first, from (moment, mm since the reading before) in any order.

    Days as `rain_day_end`; a day without a reading is not listed, since a silent gauge has measured no dryness.

    Raises:
        ValueError: as `rain_day_end`, or rain that is negative or not finite.
    """
    by_end: dict[datetime, list[float]] = {}
    for at, mm in readings:
        by_end.setdefault(rain_day_end(at, ends_at_hour=ends_at_hour, zone=zone), []).append(non_negative(mm))
    return [RainDay(end, math.fsum(amounts), len(amounts)) for end, amounts in sorted(by_end.items())]


def accumulated(days: Sequence[float | None], *, days_back: int) -> Antecedent | None:
    """Return the rain in mm of the last ``days_back`` rain days, without decay; None where none of them has a value.

    ``days`` are daily rain in mm, newest first; None, and a day beyond the end, is one without a value.
    Source: definition; QĐ 18/2021 art. 46 asks for the rain of the one to two days before.

    Raises:
        ValueError: ``days_back`` below 1, or rain that is negative or not finite.
    """
    return antecedent_index(days, days_back=days_back, decay=1.0)


def antecedent_index(days: Sequence[float | None], *, days_back: int, decay: float = DECAY) -> Antecedent | None:
    """Return the antecedent precipitation index in mm, sum(k^i rain_i) for i from 1, the newest day, to ``days_back``.

    ``days`` as in `accumulated`, the newest being the last whole rain day before the one that is judged; ``decay`` is
    k, 0 < k <= 1. A weighted sum that stands for the wetness of the ground. The default k is unverified for Hòa Bình
    (`DECAY`), and no legal limit is known for the index: it ranks days, it declares nothing.

    Source: AMS Glossary of Meteorology, "antecedent precipitation index"; Kohler and Linsley 1951 for the form.

    Raises:
        ValueError: ``days_back`` below 1, ``decay`` outside 0 < k <= 1, or rain that is negative or not finite.
    """
    if days_back < 1 or not 0 < decay <= 1:
        raise ValueError(f"{days_back} days back with k = {decay}")
    known = [(age, non_negative(mm)) for age, mm in enumerate(days[:days_back], start=1) if mm is not None]
    if not known:
        return None
    return Antecedent(math.fsum(decay**age * mm for age, mm in known), days_back - len(known))


def rain_hint(*, rain_12h_mm: float | None, rain_24h_mm: float | None) -> RainHint | None:
    """Return the highest band of QĐ 18/2021 art. 44 that the rain of 12 or of 24 hours has reached, or None.

    Rain in mm; None is not measured, and 24 hours have at least the rain of their last 12. A hint for the operator:
    see `RainHint` for why it is never the official level, which goes by forecast rain.

    Source: QĐ 18/2021/QĐ-TTg art. 44, second-hand: `SOURCE` must be shown with it.

    Raises:
        ValueError: rain that is negative or not finite.
    """
    half = non_negative(rain_12h_mm or 0.0)
    day = max(half, non_negative(rain_24h_mm or 0.0))
    reached = None
    for hint in HINTS:
        mm = half if hint.over_hours == HINTS[0].over_hours else day
        if mm > hint.from_mm or (mm == hint.from_mm and hint.from_included):
            reached = hint
    return reached
