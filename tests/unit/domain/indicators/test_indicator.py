"""Periods of indicators: how they are written, what follows what, and when a figure is late."""

from __future__ import annotations

from datetime import date

import pytest

from ioc.domain.feed import Label
from ioc.domain.indicators.indicator import Agency, Indicator, Period, PeriodKind

AGENCY = Agency("so-ct", Label("Sở Công Thương", "Department of Industry and Trade"))


@pytest.mark.parametrize(
    ("code", "first", "last", "after", "before"),
    [
        ("2026-01", "2026-01-01", "2026-01-31", "2026-02", "2025-12"),
        ("2024-02", "2024-02-01", "2024-02-29", "2024-03", "2024-01"),
        ("2026-12", "2026-12-01", "2026-12-31", "2027-01", "2026-11"),
        ("2026-Q4", "2026-10-01", "2026-12-31", "2027-Q1", "2026-Q3"),
        ("2026", "2026-01-01", "2026-12-31", "2027", "2025"),
    ],
)
def test_a_period_has_its_days_and_its_neighbours(code: str, first: str, last: str, after: str, before: str):
    period = Period.of_code(code)
    assert period is not None
    assert period.code == code
    assert (period.first_day.isoformat(), period.last_day.isoformat()) == (first, last)
    assert (period.next.code, period.previous.code) == (after, before)
    assert period.previous < period < period.next


@pytest.mark.parametrize(
    "code", ["2026-13", "2026-Q5", "26-01", "2026-1", "1999", "2026-", "", "x", "२०२६", "２０２６-01"]
)
def test_what_is_no_period_is_none(code: str):
    assert Period.of_code(code) is None


def test_a_figure_is_due_days_after_its_period_and_not_before():
    one = Indicator("exports", Label("x", "x"), "triệu USD", "economy", AGENCY, "economic_indicator",
                    PeriodKind.MONTH, due_days=10)  # fmt: skip
    assert one.newest_due(date(2026, 11, 10)).code == "2026-09", "on its last day it is in time"
    assert one.newest_due(date(2026, 11, 11)).code == "2026-10"
    assert one.newest_due(date(2027, 1, 5)).code == "2026-11"
