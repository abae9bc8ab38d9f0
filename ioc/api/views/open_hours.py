"""Whether hours hold at a moment: the schedule of the rules and the pack's holidays, there is no second calendar."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from ioc.domain.contacts.directory import Hours
from ioc.errors import InvalidInputError
from ioc.packs.pack import Pack
from ioc.rules.language.members import RuleError, schedule_at

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def hours_at(moment: datetime, pack: Pack) -> Callable[[Hours | None], bool]:
    """Return what tells whether hours hold ``moment`` in the city's time; None is around the clock."""
    at_us, holidays = (moment - EPOCH) // MICROSECOND, frozenset(day.date for day in pack.holidays)

    def hold(hours: Hours | None) -> bool:
        schedule = schedule_at(hours, pack.zone)
        return schedule is None or schedule.active(at_us, holidays)

    return hold


class PackCalendar:
    """Tells until when hours hold, by the pack's time zone and holidays."""

    def __init__(self, pack: Pack) -> None:
        self._zone = pack.zone
        self._holidays = frozenset(day.date for day in pack.holidays)

    def standing(self, hours: Hours, at: datetime) -> tuple[bool, datetime | None]:
        """Tell whether hours hold at a moment, and when that changes next; None: not as far as it looks."""
        schedule = schedule_at(hours, self._zone)
        if schedule is None:
            return True, None
        at_us = (at - EPOCH) // MICROSECOND
        change = schedule.next_change(at_us, self._holidays)
        return schedule.active(at_us, self._holidays), None if change is None else EPOCH + change * MICROSECOND


def stretches_in(hours: Hours | None, start: datetime, end: datetime, pack: Pack) -> list[tuple[datetime, datetime]]:
    """Return when hours hold between two moments, in the order of time; None is around the clock."""
    schedule = schedule_at(hours, pack.zone)
    if schedule is None:
        return [(start, end)]
    holidays = frozenset(day.date for day in pack.holidays)
    at_us, end_us = (start - EPOCH) // MICROSECOND, (end - EPOCH) // MICROSECOND
    found: list[tuple[datetime, datetime]] = []
    while at_us < end_us:
        change_us = schedule.next_change(at_us, holidays)
        until_us = end_us if change_us is None else min(change_us, end_us)
        if schedule.active(at_us, holidays):
            found.append((EPOCH + at_us * MICROSECOND, EPOCH + until_us * MICROSECOND))
        at_us = until_us
    return found


def check_hours(hours: Hours | None, zone: tzinfo) -> None:
    """Accept hours that a schedule can be made of.

    Raises:
        InvalidInputError: they are none.
    """
    try:
        schedule_at(hours, zone)
    except RuleError as error:
        hint = f" ({error.hint})" if error.hint else ""
        raise InvalidInputError(f"{error.detail}{hint}", field="hours") from error
