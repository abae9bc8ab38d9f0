"""The strict frame of `feeds/{id}.yaml`: one feed and its fields."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from ioc.domain.feed import FieldType, OnConflict
from ioc.packs.schema import Duration, LabelText, Name, Strict, Words

NUMERIC = frozenset({FieldType.NUMBER, FieldType.INTEGER})
FIELDS_MAX = 200


Bounds = Annotated[tuple[float | None, float | None], Field(strict=False)]


class FieldEntry(Strict):
    """One field. A range is [lowest, highest]; null leaves a side open."""

    label: LabelText
    type: Annotated[FieldType, Field(strict=False)] = FieldType.NUMBER
    unit: str = ""
    required: bool = False
    possible: Bounds = (None, None)
    plausible: Bounds = (None, None)
    values: Annotated[tuple[Words, ...], Field(strict=False)] = ()
    length_max: int = Field(default=2_000, ge=1, le=100_000)
    digits: int = Field(default=1, ge=0, le=6)
    series: bool = True

    @model_validator(mode="after")
    def check_ranges(self) -> Self:
        """Refuse ranges that contradict each other or the type."""
        if self.type not in NUMERIC and (self.possible != (None, None) or self.plausible != (None, None)):
            raise ValueError("only a number or an integer has a range")
        if self.type is not FieldType.TEXT and self.values:
            raise ValueError("only a text lists its values")
        for name, (low, high) in (("possible", self.possible), ("plausible", self.plausible)):
            if low is not None and high is not None and low > high:
                raise ValueError(f"the {name} range is upside down")
        (possible_low, possible_high), (plausible_low, plausible_high) = self.possible, self.plausible
        if possible_low is not None and plausible_low is not None and plausible_low < possible_low:
            raise ValueError("the plausible range begins below the possible one")
        if possible_high is not None and plausible_high is not None and plausible_high > possible_high:
            raise ValueError("the plausible range ends above the possible one")
        return self


class FeedEntry(Strict):
    """The file `feeds/{feed}.yaml`."""

    feed: Name
    label: LabelText
    domain: Name
    main_field: Name
    expected_period: Duration = "10m"
    late_after: Duration = "10m"
    live_within: Duration = "15m"
    on_conflict: Annotated[OnConflict, Field(strict=False)] = OnConflict.REFUSE
    restricted: bool = False
    device_required: bool = True
    cloudevents_types: Annotated[tuple[Words, ...], Field(strict=False)] = ()
    fields: dict[Name, FieldEntry] = Field(min_length=1, max_length=FIELDS_MAX)

    @model_validator(mode="after")
    def check_main_field(self) -> Self:
        """The field shown first must be one of the feed's."""
        if self.main_field not in self.fields:
            raise ValueError(f"main_field `{self.main_field}` is not among the fields")
        return self
