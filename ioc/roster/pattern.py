"""What a repeating pattern makes: crews in turn, each shift as long, one after the other, in the city's time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

DAYS_MAX = 92
SHIFTS_MAX = 400
"""Of one pattern: 92 days of four shifts, and a few."""
CREWS_MAX = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Crews in turn from a first moment on; a shift begins every so many hours and lasts as long as it says."""

    crews: tuple[str, ...]
    """Contacts in the order in which they take turns."""
    starts_at: datetime
    shift_hours: int
    every_hours: int
    """From one beginning to the next: as long as a shift, where one follows on the other; 24: one a day."""
    days: int


@dataclass(frozen=True, slots=True)
class PlannedShift:
    """A shift that a pattern would make."""

    contact: str
    starts_at: datetime
    ends_at: datetime


def expand(pattern: Pattern, zone: tzinfo) -> Sequence[PlannedShift]:
    """Return the shifts that begin within the days of a pattern, by the city's clock, also where it is put forward."""
    first = pattern.starts_at.astimezone(zone).replace(tzinfo=None)
    end = first + timedelta(days=pattern.days)
    found: list[PlannedShift] = []
    start = first
    while start < end and len(found) <= SHIFTS_MAX:
        until = start + timedelta(hours=pattern.shift_hours)
        crew = pattern.crews[len(found) % len(pattern.crews)]
        found.append(PlannedShift(crew, _moment(start, zone), _moment(until, zone)))
        start += timedelta(hours=pattern.every_hours)
    return found


def _moment(local: datetime, zone: tzinfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)
