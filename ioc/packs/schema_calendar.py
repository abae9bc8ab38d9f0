"""The strict frame of `calendar.yaml`: the holidays, each with where it is written and whether somebody checked it."""

from __future__ import annotations

from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from ioc.packs.schema import Strict, Words
from ioc.packs.schema_place import Day

HOLIDAYS_MAX = 400


class HolidayEntry(Strict):
    """One day off. ``verified``: somebody has read the law or the announcement that ``source`` names."""

    date: Day
    vi: Words
    en: Words
    source: Words
    verified: bool


class CalendarEntry(Strict):
    """The file `calendar.yaml`: days in their order, each once."""

    holidays: list[HolidayEntry] = Field(min_length=1, max_length=HOLIDAYS_MAX)

    @model_validator(mode="after")
    def check_order(self) -> Self:
        """Days rise, so that a forgotten or doubled one is seen at a glance."""
        days = [holiday.date for holiday in self.holidays]
        for before, after in pairwise(days):
            if after <= before:
                raise ValueError(f"{after} comes after {before}: days rise, each once")
        return self
