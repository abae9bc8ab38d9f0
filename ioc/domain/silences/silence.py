"""Silences: which alerts make no sound and leave the default list, from when to when, and why.

An alert is evaluated and kept as ever; that it is silenced follows from a silence that runs and from what the alert is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from ioc.domain.maintenance.window import Occurrence
from ioc.domain.severity import Severity

Hours = Mapping[str, Any]
"""Days, periods and holidays, as a rule's `active` says them."""
LENGTH_MAX = timedelta(days=30)
"""Whoever wants longer looks at it again by then."""
RECURRING_MAX = timedelta(days=366)
AHEAD_MAX = timedelta(days=366)
BRIEF_MAX = timedelta(hours=8)
"""As long as whoever handles alerts may silence one device: a shift."""
MATCHERS = ("rules", "domains", "areas", "devices")
"""What names alerts; the severity alone would be everything."""


class SilenceState(StrEnum):
    """How a silence is now."""

    PLANNED = "planned"
    """It waits for its start, or for its next period."""
    RUNNING = "running"
    OVER = "over"


class Calendar(Protocol):
    """Knows the city's days and holidays."""

    def standing(self, hours: Hours, at: datetime) -> tuple[bool, datetime | None]:
        """Tell whether hours hold at a moment, and when that changes next; None: not as far as it looks."""
        ...


@dataclass(frozen=True, slots=True)
class SilencePlan:
    """Which alerts, from when to when, and why. Each matcher that names something must fit; an empty one fits all.

    ``active`` are the periods within that time; None: all of it. ``severity_max``: what is graver is never silenced.
    """

    starts_at: datetime
    ends_at: datetime
    reason: str
    rules: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    """Codes of today's areas, and zones."""
    devices: tuple[str, ...] = ()
    severity_max: Severity = Severity.HIGH
    active: Hours | None = None

    def fault(self, now: datetime, calendar: Calendar) -> tuple[str, str] | None:
        """Return the member that is wrong and what is wrong with it, None if nothing is."""
        length, longest = self.ends_at - self.starts_at, LENGTH_MAX if self.active is None else RECURRING_MAX
        checks = (
            (not any(getattr(self, name) for name in MATCHERS), "match",
             "name at least one rule, domain, area or device: a severity alone would silence the whole city"),
            (length <= timedelta(0), "to", "a silence ends after it begins"),
            (length > longest, "to", f"a silence lasts at most {longest.days} days in all: make another after it"),
            (self.ends_at <= now, "to", "this silence would be over already"),
            (self.starts_at > now + AHEAD_MAX, "from", f"a silence begins at most {AHEAD_MAX.days} days from now"),
        )  # fmt: skip
        found = next(((member, why) for is_wrong, member, why in checks if is_wrong), None)
        if found is not None or self.active is None:
            return found
        first = self.next_after(now, calendar)
        if first is None:
            return "active", "these hours never come between `from` and `to`"
        if first.ends_at - first.starts_at > LENGTH_MAX:
            return "active", f"these hours never pause within {LENGTH_MAX.days} days: say which hours of the day"
        return None

    def beyond_brief(self, now: datetime) -> tuple[str, str] | None:
        """Return what of it is more than one device for a shift, None where nothing is."""
        checks = (
            (len(self.devices) != 1, "match", "one device"),
            (self.active is not None, "active", "once"),
            (self.ends_at - max(self.starts_at, now) > BRIEF_MAX, "to", f"{BRIEF_MAX // timedelta(hours=1)} hours"),
            (self.severity_max is Severity.CRITICAL, "match", "alerts that are not critical"),
        )
        return next(((member, bound) for is_more, member, bound in checks if is_more), None)

    def next_after(self, now: datetime, calendar: Calendar) -> Occurrence | None:
        """Return the time that holds at ``now``, else the next one; None where there is none any more."""
        begins = max(now, self.starts_at)
        if begins >= self.ends_at:
            return None
        if self.active is None:
            return Occurrence(self.starts_at, self.ends_at)
        holds, change = calendar.standing(self.active, begins)
        if not holds:
            if change is None or change >= self.ends_at:
                return None
            begins = change
            _, change = calendar.standing(self.active, begins)
        return Occurrence(begins, self.ends_at if change is None else min(change, self.ends_at))


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence as it is kept. ``due_at`` is when something of it begins or ends next; None: it is over."""

    id: str
    plan: SilencePlan
    version: int
    owner: str
    created_at: datetime
    changed_at: datetime
    changed_by: str
    due_at: datetime | None
    running_until: datetime | None = None
    before: Mapping[str, Any] | None = None
    """How it stood before its newest step by a person, for who takes that back; None: there was none."""

    @property
    def state(self) -> SilenceState:
        """Return how it is now."""
        if self.running_until is not None:
            return SilenceState.RUNNING
        return SilenceState.OVER if self.due_at is None else SilenceState.PLANNED
