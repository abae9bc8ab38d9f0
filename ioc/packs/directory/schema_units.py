"""The strict frame of `units.yaml`: the units that act, and the numbers that everybody may call."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from ioc.domain.contacts.directory import Unit
from ioc.packs.schema import LabelText, Name, Slug, Strict, UnitEntry, Words
from ioc.packs.schema_dated import Place

UNITS_MAX = 2_000
NUMBERS_MAX = 20
RANK_MAX = 1_000
PERIODS_MAX = 8
DOMAINS_MAX, AREAS_MAX = 50, 200
DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Period = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{3,15}$")]


class HoursEntry(Strict):
    """When somebody is there, in the words of a rule's `active`: every day and all day unless it says less."""

    days: Annotated[list[DayName], Field(min_length=1, max_length=7)] | None = None
    hours: Annotated[list[Period], Field(min_length=1, max_length=PERIODS_MAX)] | None = None
    holidays: Literal["include", "exclude", "only"] | None = None

    def plain(self) -> dict[str, Any]:
        """Return what it says."""
        return self.model_dump(exclude_none=True)


class DirectoryUnitEntry(UnitEntry):
    """A unit of the directory: what it does, for which domains and areas, when, and who is above it."""

    function: LabelText | None = None
    rank: Annotated[int, Field(ge=0, le=RANK_MAX)] = 100
    domains: Annotated[list[Name], Field(max_length=DOMAINS_MAX)] = Field(default_factory=list)
    areas: Annotated[list[Place], Field(max_length=AREAS_MAX)] = Field(default_factory=list)
    hours: HoursEntry | None = None
    parent: Slug | None = None
    next_level: Slug | None = None

    def unit(self) -> Unit:
        """Return the unit."""
        return Unit(
            id=self.id,
            name_vi=self.name.vi,
            name_en=self.name.en,
            function_vi=None if self.function is None else self.function.vi,
            function_en=None if self.function is None else self.function.en,
            rank=self.rank,
            domains=tuple(self.domains),
            areas=tuple(self.areas),
            hours=None if self.hours is None else self.hours.plain(),
            parent=self.parent,
            next_level=self.next_level,
        )


class NumberEntry(Strict):
    """A number that everybody may call. ``verified``: somebody has read what ``source`` names."""

    number: Number
    label: LabelText
    source: Words
    verified: bool


class UnitsEntry(Strict):
    """The file `units.yaml`."""

    emergency_numbers: list[NumberEntry] = Field(default_factory=list, max_length=NUMBERS_MAX)
    units: list[DirectoryUnitEntry] = Field(min_length=1, max_length=UNITS_MAX)
