"""Noise: the equivalent level of a time, and what QCVN 26:2010/BTNMT allows by zone and hour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum

from ioc.rules.aggregates.field.source import Source

SOURCE = Source(
    text="QCVN 26:2010/BTNMT",
    verified=False,
    valid_from=None,
    note=(
        "Chép lại từ nguồn thứ cấp, chưa đối chiếu văn bản gốc. "
        "TT 01/2025/TT-BNNMT (15/5/2025) ban hành QCVN 26:2025/BNNMT: cần đối chiếu giới hạn mới trước khi áp dụng"
    ),
)
DAY_FROM_HOUR = 6
DAY_TO_HOUR = 21
HOURS = 24


class NoiseZone(StrEnum):
    """The two classes of zone of the regulation."""

    SPECIAL = "special"
    """Khu vực đặc biệt: hospitals, schools, libraries, pagodas and the like."""
    ORDINARY = "ordinary"
    """Khu vực thông thường: homes, hotels and the like."""


LIMITS_DBA: Mapping[NoiseZone, tuple[int, int]] = {NoiseZone.SPECIAL: (55, 45), NoiseZone.ORDINARY: (70, 55)}
"""(06:00 to 21:00, 21:00 to 06:00)"""


def laeq(levels: Iterable[float]) -> float | None:
    """Return the equivalent continuous level in dBA of A-weighted levels over equally long times; None without any.

    The mean is one of energy, not of decibels: 10 log10(mean(10^(L/10))), so a minute of 90 among nine of 60 is 80.1.

    Source: the definition of the time-averaged sound level, IEC 60050-801.

    Raises:
        ValueError: a level that is no finite number.
    """
    return laeq_timed((level, 1.0) for level in levels)


def laeq_timed(samples: Iterable[tuple[float, float]]) -> float | None:
    """Return the equivalent continuous level in dBA of (level in dBA, seconds) pairs; None where no second is covered.

    10 log10(sum(t 10^(L/10)) / sum(t)). A reading of 20 s and one of an hour are not comparable until they are weighed
    by their time, and no value says more than the time that it covers. Source: as `laeq`.

    Raises:
        ValueError: a level that is no finite number, or seconds that are negative or not finite.
    """
    pairs = list(samples)
    for level, seconds in pairs:
        if not (math.isfinite(level) and math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"{level} dBA over {seconds} s is no measurement")
    covered = [(level, seconds) for level, seconds in pairs if seconds > 0]
    if not covered:
        return None
    # The loudest is taken out first: 10 ** (L / 10) alone overflows on nonsense that a feed may have let through.
    loudest = max(level for level, _ in covered)
    energy = math.fsum(seconds * 10 ** ((level - loudest) / 10) for level, seconds in covered)
    return loudest + 10 * math.log10(energy / math.fsum(seconds for _, seconds in covered))


def limit_dba(zone: NoiseZone, hour: int) -> int:
    """Return the highest LAeq in dBA that is allowed in ``zone`` during the local hour that begins at ``hour``.

    Day is 6 to 21 (hours 6 to 20), night 21 to 6. The figure is for LAeq of a class 1 or 2 instrument; a single short
    reading does not prove that it is passed.

    Source: QCVN 26:2010/BTNMT, second-hand and since succeeded: see `SOURCE`, which must be shown with it.

    Raises:
        ValueError: ``hour`` is not 0 to 23.
    """
    if not 0 <= hour < HOURS:
        raise ValueError(f"{hour} is no hour of the day")
    day, night = LIMITS_DBA[zone]
    return day if DAY_FROM_HOUR <= hour < DAY_TO_HOUR else night
