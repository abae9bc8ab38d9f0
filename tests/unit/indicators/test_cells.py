"""Periods as people type them, and nothing guessed."""

from __future__ import annotations

from datetime import date

import pytest

from ioc.indicators.cells import read_period


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("2026-10", "2026-10"), ("10/2026", "2026-10"), ("Tháng 10/2026", "2026-10"), ("T10/2026", "2026-10"),
        ("tháng 10 năm 2026", "2026-10"), (date(2026, 10, 1), "2026-10"), ("Quý IV/2026", "2026-Q4"),
        ("quý 4 năm 2026", "2026-Q4"), ("Q4/2026", "2026-Q4"), ("2026-q4", "2026-Q4"), ("Năm 2026", "2026"),
        (2026.0, "2026"), (2026, "2026"), ("13/2026", None), ("Quý V/2026", None), ("hôm nay", None), (2026.5, None),
        (True, None), (None, None), ("1 2 2026", None),
            ("tháng ²/2026", None),
        ("tháng 3/２０２६", None),
],
)  # fmt: skip
def test_a_period_is_read_as_people_write_it(typed: object, code: str | None):
    period = read_period(typed)
    assert (None if period is None else period.code) == code
