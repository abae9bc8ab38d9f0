"""What people ask for and write of shifts, checked strictly."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ioc.api.http.body import WHOLE, Line, Reasoned
from ioc.api.http.filters import Moment, Place, WholeList, Words
from ioc.api.wall.write_side import NAMES_SHIFT, NAMES_UNIT
from ioc.domain.roster.shift import SHIFT_MAX, SHIFT_MIN
from ioc.errors import InvalidInputError
from ioc.roster.pattern import CREWS_MAX, DAYS_MAX

WINDOW_DEFAULT, WINDOW_MAX = timedelta(days=7), timedelta(days=100)
AHEAD_MAX = timedelta(days=400)
Code = Annotated[Line, Field(min_length=1, max_length=64)]
RoleName = Literal["shift_leader", "operator"]
HOURS_MAX = int(SHIFT_MAX.total_seconds()) // 3600


class RosterSpan(BaseModel):
    """From when to when; seven days from now unless it says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None


class CoverageFilters(RosterSpan):
    """Of which units."""

    area: Place | None = None
    domain: Words | None = None


class ShiftFilters(CoverageFilters, WholeList):
    """Which shifts."""

    unit: Words | None = None
    removed: bool = False


class ShiftForm(Reasoned):
    """A shift as it shall stand, and why."""

    unit: Annotated[Code, NAMES_UNIT]
    contact: Code
    role: RoleName = "operator"
    starts_at: Moment
    ends_at: Moment


class OverrideForm(Reasoned):
    """Who stands in for a part of a shift, and why."""

    contact: Code
    starts_at: Moment
    ends_at: Moment


class SwapForm(Reasoned):
    """With which shift it is swapped, in which version that was seen, and why."""

    other: Annotated[Code, NAMES_SHIFT]
    other_version: Annotated[int, Field(ge=1, le=2**31 - 1), WHOLE]


class PatternForm(Reasoned):
    """Crews in turn, from a first moment on, for so many days."""

    unit: Annotated[Code, NAMES_UNIT]
    contacts: Annotated[list[Code], Field(min_length=1, max_length=CREWS_MAX)]
    """In the order in which they take turns."""
    role: RoleName = "operator"
    starts_at: Moment
    shift_hours: Annotated[int, Field(ge=1, le=HOURS_MAX), WHOLE]
    every_hours: Annotated[int, Field(ge=1, le=168), WHOLE] | None = None
    """From one beginning to the next; null: one shift follows on the other."""
    days: Annotated[int, Field(ge=1, le=DAYS_MAX), WHOLE]


def window_of(filters: RosterSpan, now: datetime) -> tuple[datetime, datetime]:
    """Return from when to when.

    Raises:
        InvalidInputError: it ends before it begins, or is longer than a quarter.
    """
    start = filters.since or now
    end = filters.until or start + WINDOW_DEFAULT
    if end <= start:
        raise InvalidInputError("`to` lies after `from`", field="to")
    if end - start > WINDOW_MAX:
        raise InvalidInputError(f"at most {WINDOW_MAX.days} days at once", field="to")
    return start, end


def check_times(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Accept times that a shift can have.

    Raises:
        InvalidInputError: it is none.
    """
    if not SHIFT_MIN <= ends_at - starts_at <= SHIFT_MAX:
        raise InvalidInputError(f"a shift lasts from 15 minutes to {HOURS_MAX} hours", field="ends_at")
    if starts_at - now > AHEAD_MAX or now - ends_at > AHEAD_MAX:
        raise InvalidInputError(f"a shift lies within {AHEAD_MAX.days} days of today", field="starts_at")
