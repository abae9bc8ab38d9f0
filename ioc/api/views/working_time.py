"""Working time: what is left of a stretch without its days off, in the city's time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta, tzinfo

SATURDAY = 5
DAYS_MAX = 800
"""Further than this nobody waits for a reading."""


def working_time_over(
    since: datetime, length: timedelta, *, zone: tzinfo, holidays: Collection[date] = frozenset()
) -> datetime:
    """Return the moment at which ``length`` of working days has passed since ``since``; days off do not count."""
    moment, left = since.astimezone(zone), length
    for _ in range(DAYS_MAX):
        midnight = datetime.combine(moment.date() + timedelta(days=1), datetime.min.time(), tzinfo=zone)
        if moment.weekday() < SATURDAY and moment.date() not in holidays:
            if left <= midnight - moment:
                return moment + left
            left -= midnight - moment
        moment = midnight
    return moment
