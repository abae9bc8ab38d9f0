"""What follows from figures, and what cannot be told: nothing is estimated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from ioc.domain.feed import Label
from ioc.domain.indicators.indicator import Agency, Direction, Figure, Indicator, Period, PeriodKind
from ioc.indicators.standing import late_periods, shown_period, standing

AT = datetime(2026, 11, 20, tzinfo=UTC)
TODAY = date(2026, 11, 20)
EXPORTS = Indicator(
    "exports", Label("x", "x"), "triệu USD", "economy", Agency("so-ct", Label("x", "x")), "economic_indicator",
    PeriodKind.MONTH, accumulates=True, due_days=10,
)  # fmt: skip
POVERTY = replace(EXPORTS, code="poverty", unit="%", direction=Direction.LESS, accumulates=False)


def figures(**told: tuple[float | None, float | None]) -> dict[str, Figure]:
    """`m2026_10=(plan, actual)`."""
    codes = {name: name[1:].replace("_", "-") for name in told}
    return {codes[name]: Figure("exports", codes[name], *values, {}, "im_1", AT) for name, values in told.items()}


def period(code: str) -> Period:
    found = Period.of_code(code)
    assert found is not None
    return found


def test_the_year_so_far_is_not_told_while_a_period_of_it_is_missing():
    known = figures(m2026_01=(10.0, 9.0), m2026_02=(10.0, 12.0), m2026_04=(10.0, 1.0), m2026=(120.0, None))
    second = standing(EXPORTS, known, period("2026-02"), TODAY)
    assert (second.cumulative_actual, second.year_pct, second.due_pct) == (21.0, 17.5, 16.67)
    fourth = standing(EXPORTS, known, period("2026-04"), TODAY)
    assert (fourth.cumulative_actual, fourth.year_pct, fourth.achievement_pct) == (None, None, 10.0)


def test_without_a_plan_of_the_year_it_is_the_sum_of_all_periods_and_of_no_fewer():
    months = {f"m2026_{month:02}": (10.0, 5.0) for month in range(1, 13)}
    whole = figures(**months)
    assert standing(EXPORTS, whole, period("2026-06"), TODAY).year_plan == 120.0
    del whole["2026-12"]
    assert standing(EXPORTS, whole, period("2026-06"), TODAY).year_plan is None


def test_whether_a_plan_is_met_goes_by_the_direction_and_percentages_change_in_points():
    known = figures(m2026_10=(5.0, 4.0), m2025_10=(None, 6.0))
    more, less = (standing(one, known, period("2026-10"), TODAY) for one in (EXPORTS, POVERTY))
    assert (more.met, less.met) == (False, True)
    assert (more.yoy_pct, more.yoy_change) == (-33.33, -2.0)
    assert (less.yoy_pct, less.yoy_change) == (None, -2.0)


def test_nothing_is_divided_by_nothing():
    known = figures(m2026_10=(0.0, 4.0), m2025_10=(None, 0.0))
    stands = standing(EXPORTS, known, period("2026-10"), TODAY)
    assert (stands.achievement_pct, stands.yoy_pct, stands.met) == (None, None, True)


def test_late_is_what_should_be_there_since_it_was_last_reported():
    known = figures(m2026_06=(10.0, 9.0), m2026_07=(10.0, None))
    assert [each.code for each in late_periods(EXPORTS, known, TODAY)] == ["2026-10", "2026-09", "2026-08", "2026-07"]
    assert shown_period(EXPORTS, known, TODAY).code == "2026-10"
    assert standing(EXPORTS, known, period("2026-10"), TODAY).late
    assert not standing(EXPORTS, known, period("2026-10"), date(2026, 11, 10)).late, "its last day is in time"
    assert late_periods(EXPORTS, {}, TODAY) == []
    assert not standing(EXPORTS, {}, period("2026-10"), TODAY).late, "nobody was asked for it"
