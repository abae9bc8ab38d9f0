"""A shift: a contact of a unit that is on duty from one moment to another, and who stands in for a part of it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

SHIFT_MIN, SHIFT_MAX = timedelta(minutes=15), timedelta(hours=48)
OVERRIDES_MAX = 20
"""Of one shift: somebody who changes more often writes the shifts themselves."""


class ShiftRole(StrEnum):
    """What somebody is on a shift."""

    SHIFT_LEADER = "shift_leader"
    """Trưởng ca."""
    OPERATOR = "operator"
    """Trực ban."""


class ShiftAction(StrEnum):
    """What was done to a shift."""

    PUT = "put"
    """It was written, new or anew."""
    REMOVE = "remove"
    """It was taken out."""
    SWAP = "swap"
    """Its contact changed places with that of another shift."""
    OVERRIDE = "override"
    """Somebody stands in for a part of it."""
    UNDO = "undo"
    """The step before was taken back."""


@dataclass(frozen=True, slots=True)
class Override:
    """Who stands in for a part of a shift."""

    contact: str
    starts_at: datetime
    ends_at: datetime

    def entry(self) -> dict[str, Any]:
        """Return it as the shift keeps it, JSON-ready."""
        return {
            "contact": self.contact,
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Spell:
    """A part of a shift with one contact; ``stands_for``: whose shift it is, where that is another."""

    contact: str
    starts_at: datetime
    ends_at: datetime
    stands_for: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A contact of a unit on duty. Its end does not belong to it; of overrides the later one counts."""

    id: str
    unit: str
    contact: str
    role: ShiftRole
    starts_at: datetime
    ends_at: datetime
    overrides: tuple[Override, ...] = ()
    pattern: str | None = None
    """The pattern that made it."""

    def spells(self) -> tuple[Spell, ...]:
        """Return its parts in the order of time: each has one contact, and together they are the shift."""
        edges = {self.starts_at, self.ends_at}
        for one in self.overrides:
            edges |= {min(max(edge, self.starts_at), self.ends_at) for edge in (one.starts_at, one.ends_at)}
        ordered, found = sorted(edges), list[Spell]()
        for start, end in itertools.pairwise(ordered):
            holder = next(
                (one.contact for one in reversed(self.overrides) if one.starts_at <= start < one.ends_at), self.contact
            )
            stands_for = None if holder == self.contact else self.contact
            if found and found[-1].contact == holder:
                found[-1] = Spell(holder, found[-1].starts_at, end, stands_for)
            else:
                found.append(Spell(holder, start, end, stands_for))
        return tuple(found)

    def columns(self) -> dict[str, Any]:
        """Return it by column, as the table has it."""
        return {**self.entry(), "starts_at": self.starts_at, "ends_at": self.ends_at}

    def entry(self) -> dict[str, Any]:
        """Return it by column, JSON-ready."""
        return {
            "id": self.id,
            "unit": self.unit,
            "contact": self.contact,
            "role": str(self.role),
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
            "overrides": [one.entry() for one in self.overrides],
            "pattern": self.pattern,
        }


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody who is on duty at a moment, and until when."""

    contact: str
    until: datetime
    stands_for: str | None
    shift: Shift


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is on duty at a moment: by unit, and the units that keep a roster and have nobody."""

    on_duty: Mapping[str, tuple[OnDuty, ...]]
    unstaffed: frozenset[str]


NO_ROSTER = Duty({}, frozenset())
"""Nobody keeps a roster."""


def shift_of(row: Mapping[str, Any]) -> Shift:
    """Return the shift of a row or of a body of its history."""
    overrides = tuple(
        Override(one["contact"], _moment(one["starts_at"]), _moment(one["ends_at"])) for one in row["overrides"]
    )
    return Shift(
        id=row["id"], unit=row["unit"], contact=row["contact"], role=ShiftRole(row["role"]),
        starts_at=_moment(row["starts_at"]), ends_at=_moment(row["ends_at"]), overrides=overrides,
        pattern=row["pattern"],
    )  # fmt: skip


def _moment(value: datetime | str) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
