"""Maintenance windows: from when to when a device may be silent, once or again each day or week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple


class Repeat(StrEnum):
    """When a window comes again."""

    NEVER = "never"
    DAILY = "daily"
    WEEKLY = "weekly"


EVERY = {Repeat.DAILY: timedelta(days=1), Repeat.WEEKLY: timedelta(days=7)}
LENGTH_MAX = timedelta(days=31)
"""A device that is away for longer is in maintenance without an end, by its state."""
AHEAD_MAX = timedelta(days=366)


class MaintenanceState(StrEnum):
    """How a window is now."""

    PLANNED = "planned"
    RUNNING = "running"
    OVER = "over"


class Occurrence(NamedTuple):
    """One time that a window, or a silence, holds: from its start up to, not with, its end."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class MaintenancePlan:
    """When a device is in maintenance, with what is below it or alone, and why.

    ``starts_at`` and ``ends_at`` are the first time; ``repeat_until`` is the last local day on which one may begin.
    """

    device: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    with_children: bool = False
    repeat: Repeat = Repeat.NEVER
    repeat_until: date | None = None

    def fault(self, now: datetime) -> tuple[str, str] | None:
        """Return the member that is wrong and what is wrong with it, None if nothing is."""
        length, longest = self.ends_at - self.starts_at, min(LENGTH_MAX, EVERY.get(self.repeat, LENGTH_MAX))
        until, year = self.repeat_until, AHEAD_MAX.days
        checks = (
            (length <= timedelta(0), "ends_at", "a window ends after it starts"),
            (length > longest, "ends_at", f"a window lasts at most {longest.days} days: {self._longer}"),
            (self.ends_at <= now and self.repeat is Repeat.NEVER, "ends_at", "this window is over already"),
            (self.starts_at > now + AHEAD_MAX, "starts_at", f"a window begins at most {year} days from now"),
            (self.starts_at < now - AHEAD_MAX, "starts_at", f"a window has begun at most {year} days ago"),
            ((until is not None) != (self.repeat is not Repeat.NEVER), "repeat_until",
             "what repeats has a last day, what does not has none"),
            (until is not None and until > (now + AHEAD_MAX).date(), "repeat_until",
             f"a window repeats for at most {year} days"),
        )  # fmt: skip
        return next(((member, why) for is_wrong, member, why in checks if is_wrong), None)

    @property
    def _longer(self) -> str:
        return "set the device's state to maintenance" if self.repeat is Repeat.NEVER else "it would meet its next time"

    def next_after(self, now: datetime, zone: tzinfo) -> Occurrence | None:
        """Return the time that holds at ``now``, else the next one; None where there is none any more."""
        every = EVERY.get(self.repeat)
        length = self.ends_at - self.starts_at
        number = 0 if every is None or now < self.ends_at else (now - self.starts_at) // every
        for turn in (number, number + 1):
            start = self.starts_at if every is None else self.starts_at + turn * every
            if now < start + length and self._begins(start, zone):
                return Occurrence(start, start + length)
        return None

    def _begins(self, start: datetime, zone: tzinfo) -> bool:
        if start == self.starts_at:
            return True
        return self.repeat_until is not None and start.astimezone(zone).date() <= self.repeat_until


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """A window as it is kept. ``due_at`` is when something of it begins or ends next; None: it is over."""

    id: str
    plan: MaintenancePlan
    version: int
    created_by: str
    created_at: datetime
    due_at: datetime | None
    running_until: datetime | None = None

    @property
    def state(self) -> MaintenanceState:
        """Return how it is now."""
        if self.running_until is not None:
            return MaintenanceState.RUNNING
        return MaintenanceState.OVER if self.due_at is None else MaintenanceState.PLANNED
