"""Rounding as people do it by hand: a half goes away from zero."""

from __future__ import annotations

import math

TIE_SLACK = 1e-9
"""Nearer to a half than this is a half that binary arithmetic has missed: 109.49999999999999 stands for 109.5. A true
figure so near to a half is not met: inputs have a few decimals, and the tables' slopes are ratios of small integers."""


def round_half_away(value: float) -> int:
    """Return the nearest integer, 0.5 -> 1, 2.5 -> 3, -0.5 -> -1; of any unit.

    Python's ``round`` goes to the even neighbour, which would print another VN_AQI than the decision's own examples
    (PM2.5 55.7 µg/m³ is exactly 109.5, printed 110).

    Raises:
        ValueError, OverflowError: the value is no finite number.
    """
    size = math.floor(abs(value) + 0.5 + TIE_SLACK)
    return -size if value < 0 else size
