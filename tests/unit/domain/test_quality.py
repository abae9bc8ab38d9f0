"""The grade is that of the worst share."""

from __future__ import annotations

import pytest

from ioc.domain.quality import Grade, completeness, grade, share


@pytest.mark.parametrize(
    ("complete", "refused", "late", "expected"),
    [
        (1.0, 0.0, 0.0, Grade.GOOD),
        (0.95, 0.01, 0.05, Grade.GOOD),
        (0.949, 0.0, 0.0, Grade.FAIR),
        (1.0, 0.011, 0.0, Grade.FAIR),
        (1.0, 0.0, 0.06, Grade.FAIR),
        (0.69, 0.0, 0.0, Grade.POOR),
        (1.0, 0.11, 0.0, Grade.POOR),
        (1.0, 0.0, 0.31, Grade.POOR),
        (0.9, 0.11, None, Grade.POOR),
        (None, None, None, Grade.UNKNOWN),
        (None, 1.0, None, Grade.POOR),
    ],
)
def test_the_worst_share_grades(complete: float | None, refused: float | None, late: float | None, expected: Grade):
    assert grade(complete, refused, late) is expected


def test_nothing_is_said_where_nothing_is_expected():
    assert completeness(0.0, 0.9) is None
    assert completeness(0.0, 1.0) == 0.0
    assert completeness(7.0, 6.0) == 1.0
    assert share(1, 0) is None
    assert share(1, 4) == 0.25
