"""A measured amount that cannot be negative: a concentration, a depth of rain."""

from __future__ import annotations

import math


def non_negative(amount: float) -> float:
    """Return ``amount`` as it is.

    Raises:
        ValueError: it is negative, infinite or no number. A feed's `possible` range refuses such readings at the
            door, so this is our own mistake, never a station's.
    """
    if not (amount >= 0 and math.isfinite(amount)):
        raise ValueError(f"{amount} is no measured amount")
    return amount
