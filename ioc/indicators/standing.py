"""What follows from an indicator's figures: achievement, the year so far, growth on the year before, lateness. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from ioc.domain.indicators.indicator import Direction, Figure, Indicator, Period, PeriodKind

PERCENT = 100.0
PCT_DIGITS, VALUE_DIGITS = 2, 6
PERCENT_UNIT = "%"
LATE_MAX = 24
"""So many late periods of one indicator are named."""
Figures = Mapping[str, Figure]
"""The figures of one indicator by the period's code."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an indicator stands in one period. What cannot be told is None: nothing is estimated."""

    period: Period
    plan: float | None
    actual: float | None
    achievement_pct: float | None
    """The actual as a part of the period's plan."""
    met: bool | None
    """Whether the period's plan is met, in the indicator's own direction."""
    cumulative_plan: float | None
    cumulative_actual: float | None
    """The year so far; None as soon as a period of it is missing."""
    year_plan: float | None
    year_pct: float | None
    """The year so far as a part of the year's plan."""
    due_pct: float | None
    """What was planned up to now as a part of the year's plan."""
    last_year: float | None
    yoy_change: float | None
    """How much more than in the same period of the year before, in the indicator's own unit."""
    yoy_pct: float | None
    """The same as growth; None of what is a percentage itself: of that the change is told in points."""
    due_day: date
    late: bool
    """It should be there, and is not. An indicator that nobody has planned or reported yet is not late."""


def standing(indicator: Indicator, figures: Figures, period: Period, today: date) -> Standing:
    """Return how an indicator stands in a period."""
    plan, actual = _value(figures, period, "plan"), _value(figures, period, "actual")
    last_year = _value(figures, period.a_year_before, "actual")
    cumulative_plan, cumulative_actual = plan, actual
    if indicator.accumulates:
        cumulative_plan = _total(figures, period.of_year_so_far(), "plan")
        cumulative_actual = _total(figures, period.of_year_so_far(), "actual")
    year_plan = _year_plan(indicator, figures, period)
    due_day = indicator.due_day(period)
    return Standing(
        period=period,
        plan=plan,
        actual=actual,
        achievement_pct=_part(actual, plan),
        met=_met(indicator, actual, plan),
        cumulative_plan=cumulative_plan,
        cumulative_actual=cumulative_actual,
        year_plan=year_plan,
        year_pct=_part(cumulative_actual, year_plan),
        due_pct=_part(cumulative_plan, year_plan),
        last_year=last_year,
        yoy_change=None if actual is None or last_year is None else round(actual - last_year, VALUE_DIGITS),
        yoy_pct=None if indicator.unit == PERCENT_UNIT else _growth(actual, last_year),
        due_day=due_day,
        late=bool(figures) and actual is None and due_day < today,
    )


def shown_period(indicator: Indicator, figures: Figures, today: date) -> Period:
    """Return the period that people look for: the newest that is reported or should be."""
    reported = [
        period
        for code, figure in figures.items()
        if figure.actual is not None and (period := Period.of_code(code)) is not None
        and period.kind is indicator.period_kind
    ]  # fmt: skip
    return max([indicator.newest_due(today), *reported])


def late_periods(indicator: Indicator, figures: Figures, today: date) -> list[Period]:
    """Return the periods since it was last reported whose figure should be there, newest first.

    Counted from the first period that was ever reported or planned: what nobody asked for is not late.
    """
    period = indicator.newest_due(today)
    found: list[Period] = []
    if not figures:
        return found
    known = [known for code in figures if (known := Period.of_code(code)) and known.kind is indicator.period_kind]
    first = min(known, default=period)
    while period >= first and len(found) < LATE_MAX and _value(figures, period, "actual") is None:
        found.append(period)
        period = period.previous
    return found


def _value(figures: Figures, period: Period, name: str) -> float | None:
    figure = figures.get(period.code)
    value: float | None = None if figure is None else getattr(figure, name)
    return value


def _total(figures: Figures, periods: Iterable[Period], name: str) -> float | None:
    values = [_value(figures, period, name) for period in periods]
    known = [value for value in values if value is not None]
    return round(sum(known), VALUE_DIGITS) if len(known) == len(values) else None


def _year_plan(indicator: Indicator, figures: Figures, period: Period) -> float | None:
    """Return the plan of the year: its own, else the sum of its periods' plans where they add up and are all there."""
    own = _value(figures, Period(PeriodKind.YEAR, period.year), "plan")
    if own is not None or not indicator.accumulates:
        return own
    return _total(figures, period.of_year(), "plan")


def _met(indicator: Indicator, actual: float | None, plan: float | None) -> bool | None:
    if actual is None or plan is None:
        return None
    return actual >= plan if indicator.direction is Direction.MORE else actual <= plan


def _part(value: float | None, whole: float | None) -> float | None:
    if value is None or whole is None or whole <= 0.0:
        return None
    return round(value / whole * PERCENT, PCT_DIGITS)


def _growth(value: float | None, before: float | None) -> float | None:
    part = _part(value, before)
    return None if part is None else round(part - PERCENT, PCT_DIGITS)
