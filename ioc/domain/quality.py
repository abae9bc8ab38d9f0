"""How good the data of a source or feed is: three shares, and the grade that they make. Pure."""

from __future__ import annotations

from enum import StrEnum

COMPLETE_GOOD, COMPLETE_FAIR = 0.95, 0.7
REFUSED_FAIR, REFUSED_POOR = 0.01, 0.1
LATE_FAIR, LATE_POOR = 0.05, 0.3
EXPECTED_MIN = 1.0
"""Of a source of which less than one reading is expected yet nobody can say how complete it is."""


class Grade(StrEnum):
    """What people are told first. Operating values of this house, from no regulation."""

    GOOD = "good"
    """Nearly all that was expected came, in time, and was taken."""
    FAIR = "fair"
    """Something is missing, late or refused: look at it in this shift."""
    POOR = "poor"
    """What the screens show of it cannot be relied on: act now."""
    UNKNOWN = "unknown"
    """Nothing is expected of it, and nothing came."""


WORST_FIRST = (Grade.POOR, Grade.FAIR, Grade.GOOD, Grade.UNKNOWN)


def completeness(covered: float, expected: float) -> float | None:
    """Return which part of the expected readings came, 0 to 1; None: there is nothing to expect yet."""
    return None if expected < EXPECTED_MIN else min(1.0, covered / expected)


def share(part: int, whole: int) -> float | None:
    """Return a part of a whole, 0 to 1; None: there is no whole."""
    return part / whole if whole else None


def grade(complete: float | None, refused: float | None, late: float | None) -> Grade:
    """Return the grade: that of the worst of the three shares."""
    found = [
        None if complete is None else _grade(1 - complete, 1 - COMPLETE_GOOD, 1 - COMPLETE_FAIR),
        None if refused is None else _grade(refused, REFUSED_FAIR, REFUSED_POOR),
        None if late is None else _grade(late, LATE_FAIR, LATE_POOR),
    ]
    known = [one for one in found if one is not None]
    return min(known, key=WORST_FIRST.index) if known else Grade.UNKNOWN


def _grade(bad: float, fair: float, poor: float) -> Grade:
    if bad > poor:
        return Grade.POOR
    return Grade.FAIR if bad > fair + 1e-9 else Grade.GOOD
