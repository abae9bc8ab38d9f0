"""NowCast of PM2.5 and PM10: what the air of the last 12 hours is worth now (QĐ 1459/QĐ-TCMT, 2.2.1 a)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ioc.rules.aggregates.field.amount import non_negative

HOURS = 12
RECENT_HOURS = 3
RECENT_HOURS_MIN = 2
WEIGHT_MIN = 0.5


def nowcast(hours: Sequence[float | None]) -> float | None:
    """Return the NowCast of hourly means in their own unit (µg/m³), or None: "không có dữ liệu".

    ``hours`` runs from the newest, c1, to the oldest, c12; None is an hour without a mean, and a shorter sequence ends
    in such hours. With w* = Cmin/Cmax over the hours that have a value and w = max(w*, 1/2):

    - w > 1/2: sum(w^(i-1) ci) / sum(w^(i-1)), a missing hour with weight 0 in both sums;
    - w = 1/2: sum((1/2)^i ci), a missing hour with weight 0;
    - fewer than two of c1, c2, c3: None;
    - all hours at zero: 0, where w* has no value.

    Decided: gaps at w = 1/2 follow the text to the letter. Its second formula does not divide by the weights, so with
    gaps it reads low (with c1 missing, by half); dividing would be kinder, but no longer the figure that the authority
    publishes and an inspector recomputes. A rule must not take such a fall for clean air: its c1 is the last hour that
    is over and has a mean (docs/rules.md, Whole hours); `data_weight` says how much of the weight a value stands on.

    Example: 96 90 84 78 72 66 60 54 48 42 40 40, the newest first: w* = 40/96, so w = 1/2 and the NowCast is
    96/2 + 90/4 + 84/8 + ... = 90.0. The same air one hour later without a reading, c1 missing, would be 45.0.

    Source: QĐ 1459/QĐ-TCMT of 12/11/2019, 2.2.1 a, with its notes.

    Raises:
        ValueError: more than 12 hours, or a mean that is negative or not finite.
    """
    weight = _weight(hours)
    if weight is None:
        return None
    if weight > WEIGHT_MIN:
        terms = [(weight**age, mean) for age, mean in enumerate(hours) if mean is not None]
        return math.fsum(share * mean for share, mean in terms) / math.fsum(share for share, _ in terms)
    return math.fsum(WEIGHT_MIN**number * mean for number, mean in enumerate(hours, start=1) if mean is not None)


def data_weight(hours: Sequence[float | None]) -> float | None:
    """Return which part of the NowCast's weight has data, of the same ``hours``; None where there is no NowCast.

    Above 0, and 1 with all 12 hours. At w = 1/2 a gap takes about as much from the NowCast as it takes from this part,
    so a rule that wants no alert cleared by a gap treats a low part as *no data*. Our own measure: the text has none.

    Raises:
        ValueError: as `nowcast`.
    """
    weight = _weight(hours)
    if weight is None:
        return None
    with_data = math.fsum(weight**age for age, mean in enumerate(hours) if mean is not None)
    return with_data / math.fsum(weight**age for age in range(HOURS))


def _weight(hours: Sequence[float | None]) -> float | None:
    """Return w, or None where the newest hours do not allow a NowCast."""
    if len(hours) > HOURS:
        raise ValueError(f"{len(hours)} hours: a NowCast has at most {HOURS}, the newest first")
    means = [non_negative(mean) for mean in hours if mean is not None]
    if sum(mean is not None for mean in hours[:RECENT_HOURS]) < RECENT_HOURS_MIN:
        return None
    highest = max(means)
    return max(min(means) / highest, WEIGHT_MIN) if highest > 0 else 1.0
