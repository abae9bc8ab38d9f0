"""Indicators of the socio-economic plan: what is planned and reported of each, period by period."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import total_ordering
from typing import Any

from ioc.domain.feed import FieldSpec, Label

YEAR_MIN, YEAR_MAX = 2000, 2200
MONTHS_IN_YEAR = 12
CODE = re.compile(r"^([0-9]{4})(?:-(0[1-9]|1[0-2])|-Q([1-4]))?$")
STANDARD_FIELDS = ("indicator", "period", "agency", "plan", "actual", "actual_pct", "plan_pct", "yoy_pct")
"""The fields of a feed that an indicator's figures are told in; whatever else the feed has is a column of its own."""


class PeriodKind(StrEnum):
    """How often an indicator is reported."""

    MONTH = "month"
    """Each month."""
    QUARTER = "quarter"
    """Each quarter."""
    YEAR = "year"
    """Each year."""

    @property
    def months(self) -> int:
        """Return how many months a period of it has."""
        return {PeriodKind.MONTH: 1, PeriodKind.QUARTER: 3, PeriodKind.YEAR: 12}[self]


class Direction(StrEnum):
    """Which way of an indicator is the good one."""

    MORE = "more"
    """More is better: what is planned is reached from below."""
    LESS = "less"
    """Less is better: what is planned may not be exceeded."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Period:
    """A month, a quarter or a year. Its code is `2026-10`, `2026-Q4` or `2026`."""

    kind: PeriodKind
    year: int
    number: int = 1
    """Of the year, from 1 on."""

    @classmethod
    def of_code(cls, code: str) -> Period | None:
        """Return the period of a code, None where it is none."""
        match = CODE.fullmatch(code)
        if match is None or not YEAR_MIN <= int(match[1]) <= YEAR_MAX:
            return None
        if match[2] is not None:
            return cls(PeriodKind.MONTH, int(match[1]), int(match[2]))
        if match[3] is not None:
            return cls(PeriodKind.QUARTER, int(match[1]), int(match[3]))
        return cls(PeriodKind.YEAR, int(match[1]))

    @classmethod
    def holding(cls, kind: PeriodKind, day: date) -> Period:
        """Return the period of a kind that a day lies in."""
        return cls(kind, day.year, (day.month - 1) // kind.months + 1)

    @property
    def code(self) -> str:
        """Return how it is written."""
        if self.kind is PeriodKind.MONTH:
            return f"{self.year}-{self.number:02}"
        return f"{self.year}-Q{self.number}" if self.kind is PeriodKind.QUARTER else str(self.year)

    @property
    def first_day(self) -> date:
        """Return its first day."""
        return date(self.year, (self.number - 1) * self.kind.months + 1, 1)

    @property
    def last_day(self) -> date:
        """Return its last day."""
        return self.next.first_day - timedelta(days=1)

    @property
    def next(self) -> Period:
        """Return the one after it."""
        if self.number < MONTHS_IN_YEAR // self.kind.months:
            return Period(self.kind, self.year, self.number + 1)
        return Period(self.kind, self.year + 1)

    @property
    def previous(self) -> Period:
        """Return the one before it."""
        return Period.holding(self.kind, self.first_day - timedelta(days=1))

    @property
    def a_year_before(self) -> Period:
        """Return the same period of the year before."""
        return Period(self.kind, self.year - 1, self.number)

    def of_year_so_far(self) -> Iterator[Period]:
        """Yield the periods of its year up to it, itself among them."""
        for number in range(1, self.number + 1):
            yield Period(self.kind, self.year, number)

    def of_year(self) -> Iterator[Period]:
        """Yield all periods of its year."""
        for number in range(1, MONTHS_IN_YEAR // self.kind.months + 1):
            yield Period(self.kind, self.year, number)

    def __lt__(self, other: Period) -> bool:
        return (self.first_day, self.last_day) < (other.first_day, other.last_day)


@dataclass(frozen=True, slots=True)
class Agency:
    """The body that reports an indicator."""

    id: str
    name: Label


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator of the pack."""

    code: str
    label: Label
    unit: str
    domain: str
    agency: Agency
    feed: str
    """The feed that its figures are told in; its device there is the indicator's code."""
    period_kind: PeriodKind
    direction: Direction = Direction.MORE
    accumulates: bool = False
    """Whether its periods add up over the year; else each stands for itself."""
    digits: int = 1
    possible_min: float | None = None
    possible_max: float | None = None
    due_days: int = 15
    """Days after the last one of a period within which its figure is expected."""
    area: str | None = None
    zone: str | None = None
    """Where it lies; neither: it is of the whole site."""
    columns: tuple[FieldSpec, ...] = field(default=())
    """What its feed has beside the standard fields."""

    def due_day(self, period: Period) -> date:
        """Return the last day on which the figure of a period is in time."""
        return period.last_day + timedelta(days=self.due_days)

    def newest_due(self, today: date) -> Period:
        """Return the newest period whose figure should be there."""
        period = Period.holding(self.period_kind, today)
        while self.due_day(period) >= today:
            period = period.previous
        return period


@dataclass(frozen=True, slots=True)
class Figure:
    """What is known of one indicator in one period. ``event`` is the key of its event in the log, where it has one."""

    indicator: str
    period: str
    plan: float | None
    actual: float | None
    extra: Mapping[str, Any]
    changed_by: str
    """The import that wrote it last."""
    changed_at: datetime
    event: bytes | None = None
    event_id: str | None = None
    event_time: datetime | None = None


class ImportState(StrEnum):
    """What became of an import of figures."""

    PENDING = "pending"
    """It waits for another account's approval; nothing of it counts."""
    APPROVED = "approved"
    """Its figures count."""
    REJECTED = "rejected"
    """Somebody did not approve it, and said why; nothing of it counts."""
    UNDONE = "undone"
    """It was approved and taken back; what was before stands again."""
