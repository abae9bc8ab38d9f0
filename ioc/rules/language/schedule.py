"""When a rule counts: days of the week, hours and holidays, in the city's time (docs/rules.md, Schedule)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
MINUTES_A_DAY = 1_440
LOOK_DAYS = 400
"""How far ahead a next period is looked for; a schedule without one in that time never begins again."""


class Holidays(StrEnum):
    """What holidays are to a schedule."""

    INCLUDE = "include"
    """Days like any other."""
    EXCLUDE = "exclude"
    """No period begins on one."""
    ONLY = "only"
    """Periods begin on them only."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Periods of the day, as (from, to) minutes after midnight; one that does not end later ends on the next day."""

    days: frozenset[int]
    """Monday is 0."""
    hours: tuple[tuple[int, int], ...]
    holidays: Holidays
    zone: tzinfo
    _stretch: list[tuple[AbstractSet[date], int, int, bool]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )
    """(holidays, from, until, active) of the stretch that was asked about last: most questions are of one stretch."""

    def begins_on(self, day: date, holidays: AbstractSet[date]) -> bool:
        """Tell whether the periods of a local day are held."""
        if day.weekday() not in self.days:
            return False
        if self.holidays is Holidays.INCLUDE:
            return True
        return (day in holidays) is (self.holidays is Holidays.ONLY)

    def periods(self, day: date, holidays: AbstractSet[date]) -> list[tuple[int, int]]:
        """Return the periods that begin on a local day, as microseconds since 1970."""
        if not self.begins_on(day, holidays):
            return []
        found = []
        for start, end in self.hours:
            ends_on = day if end > start else day + DAY
            found.append((self._us(day, start), self._us(ends_on, end)))
        return found

    def _us(self, day: date, minutes: int) -> int:
        if minutes == MINUTES_A_DAY:
            day, minutes = day + DAY, 0
        local = datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=self.zone)
        return (local.astimezone(UTC) - EPOCH) // MICROSECOND

    def active(self, at_us: int, holidays: AbstractSet[date]) -> bool:
        """Tell whether a period holds ``at_us``; its end does not belong to it."""
        return self._around(at_us, holidays)[1]

    def next_change(self, at_us: int, holidays: AbstractSet[date]) -> int | None:
        """Return the next instant after ``at_us`` at which :meth:`active` changes; None: never, as far as it looks."""
        return self._around(at_us, holidays)[0]

    def _around(self, at_us: int, holidays: AbstractSet[date]) -> tuple[int | None, bool]:
        """Return (next change, whether it is active), from memory where the question is of the same stretch."""
        for known, from_us, until_us, active in self._stretch:
            if known is holidays and from_us <= at_us < until_us:
                return until_us, active
        change_us, active = self._change_after(at_us, holidays), self._holds(at_us, holidays)
        if change_us is not None:  # "never, as far as it looks" is no stretch: it depends on where one stands
            self._stretch[:] = [(holidays, at_us, change_us, active)]
        return change_us, active

    def _holds(self, at_us: int, holidays: AbstractSet[date]) -> bool:
        today = self._day(at_us)
        return any(start <= at_us < end for day in (today - DAY, today) for start, end in self.periods(day, holidays))

    def _change_after(self, at_us: int, holidays: AbstractSet[date]) -> int | None:
        today, now = self._day(at_us), self._holds(at_us, holidays)
        for ahead in range(-1, LOOK_DAYS):
            edges = sorted({edge for period in self.periods(today + ahead * DAY, holidays) for edge in period})
            for edge in edges[bisect_right(edges, at_us) :]:
                if self._holds(edge, holidays) is not now:
                    return edge
        return None

    def _day(self, at_us: int) -> date:
        return (EPOCH + timedelta(microseconds=at_us)).astimezone(self.zone).date()
