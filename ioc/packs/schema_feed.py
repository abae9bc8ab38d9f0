"""The strict frame of `feeds/{id}.yaml`: one feed and its fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from ioc.domain.feed import DeviceHealth, FieldType, OnConflict
from ioc.domain.units import CONVERSIONS
from ioc.packs.schema import Duration, LabelText, Name, Strict, Words
from ioc.packs.schema_simulate import FeedPlay, FieldPlay

NUMERIC = frozenset({FieldType.NUMBER, FieldType.INTEGER})
FIELDS_MAX = 200
HEALTH_UNITS = {DeviceHealth.BATTERY: "%", DeviceHealth.SIGNAL: "dBm"}
RESERVED = ("id", "time", "lat", "lon", "device")
"""Members that are of every reading."""


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
    words: dict[Words, LabelText] = Field(default_factory=dict, max_length=100)
    length_max: int = Field(default=2_000, ge=1, le=100_000)
    digits: int = Field(default=1, ge=0, le=6)
    display_unit: str = ""
    series: bool = True
    personal: bool = False
    metric: bool = False
    sum_of: Annotated[tuple[Name, ...], Field(strict=False, max_length=20)] = ()
    aliases: Annotated[tuple[Words, ...], Field(strict=False, max_length=20)] = ()
    device_health: Annotated[DeviceHealth | None, Field(strict=False)] = None

    @model_validator(mode="after")
    def check_ranges(self) -> Self:
        """Refuse ranges that contradict each other or the type."""
        if self.type not in NUMERIC and (self.possible != (None, None) or self.plausible != (None, None)):
            raise ValueError("only a number or an integer has a range")
        if self.personal and (self.type is not FieldType.TEXT or self.values):
            raise ValueError("only a free text is personal")
        if self.metric and (self.personal or self.type not in {*NUMERIC, FieldType.BOOLEAN}):
            raise ValueError("only a number or a boolean that is nobody's personal matter can be a metric")
        if self.type is not FieldType.TEXT and self.values:
            raise ValueError("only a text lists its values")
        if self.words and (self.type is not FieldType.TEXT or self.personal):
            raise ValueError("only a text that is nobody's personal matter has words for its values")
        if self.values and self.words and set(self.words) != set(self.values):
            raise ValueError("every one of its values has words, and no other")
        if self.display_unit and (self.unit, self.display_unit) not in CONVERSIONS:
            raise ValueError(f"`{self.unit}` cannot be told in `{self.display_unit}`")
        for name, (low, high) in (("possible", self.possible), ("plausible", self.plausible)):
            if low is not None and high is not None and low > high:
                raise ValueError(f"the {name} range is upside down")
        (possible_low, possible_high), (plausible_low, plausible_high) = self.possible, self.plausible
        if possible_low is not None and plausible_low is not None and plausible_low < possible_low:
            raise ValueError("the plausible range begins below the possible one")
        if possible_high is not None and plausible_high is not None and plausible_high > possible_high:
            raise ValueError("the plausible range ends above the possible one")
        return self

    @model_validator(mode="after")
    def check_device_health(self) -> Self:
        """What a device says of itself has the unit in which it is shown."""
        unit = HEALTH_UNITS.get(self.device_health) if self.device_health is not None else None
        if unit is not None and (self.type not in NUMERIC or self.unit != unit):
            raise ValueError(f"the {self.device_health} of a device is a number in {unit}")
        if self.device_health is DeviceHealth.FIRMWARE and (self.type is not FieldType.TEXT or self.personal):
            raise ValueError("the firmware of a device is a text that is nobody's personal matter")
        return self


class FeedEntry(Strict):
    """The file `feeds/{feed}.yaml`. ``no_rule`` says why no rule of the pack listens to it."""

    feed: Name
    label: LabelText
    domain: Name
    main_field: Name
    due_field: Name | None = None
    expected_period: Duration = "10m"
    late_after: Duration = "10m"
    live_within: Duration = "15m"
    on_conflict: Annotated[OnConflict, Field(strict=False)] = OnConflict.REFUSE
    restricted: bool = False
    device_required: bool = True
    occasional: bool = False
    working_days: bool = False
    cloudevents_types: Annotated[tuple[Words, ...], Field(strict=False)] = ()
    adapter: Name | None = None
    no_rule: LabelText | None = None
    simulate: FeedPlay | None = None
    fields: dict[Name, FieldEntry] = Field(min_length=1, max_length=FIELDS_MAX)

    @model_validator(mode="after")
    def check_main_field(self) -> Self:
        """The field shown first must be one of the feed's."""
        if self.main_field not in self.fields:
            raise ValueError(f"main_field `{self.main_field}` is not among the fields")
        due = None if self.due_field is None else self.fields.get(self.due_field)
        if self.due_field is not None and (due is None or due.type is not FieldType.TIME):
            raise ValueError(f"due_field `{self.due_field}` is not among the fields of the type time")
        return self

    @model_validator(mode="after")
    def check_simulate(self) -> Self:
        """What is played is what the door takes: known fields, of their type, within what is plausible."""
        if self.simulate is None:
            return self
        for name, play in self.simulate.fields.items():
            entry = self.fields.get(name)
            if entry is None:
                raise ValueError(f"simulate: no field `{name}`")
            if entry.personal:
                raise ValueError(f"simulate: `{name}` is personal, and nobody is made up")
            for fault in play_faults(entry, play):
                raise ValueError(f"simulate: `{name}` {fault}")
        missing = [name for name, entry in self.fields.items() if entry.required and name not in self.simulate.fields]
        if missing:
            raise ValueError(f"simulate: `{missing[0]}` is required")
        return self

    @model_validator(mode="after")
    def check_aliases(self) -> Self:
        """Another name of a field is nobody else's."""
        taken = {*self.fields, *RESERVED}
        for name, entry in self.fields.items():
            for alias in entry.aliases:
                if alias in taken:
                    raise ValueError(f"`{name}` cannot be sent as `{alias}`: that name is taken")
                taken.add(alias)
        return self

    @model_validator(mode="after")
    def check_device_health(self) -> Self:
        """Of each thing that a device says of itself there is one field, and it is not what the feed is about."""
        said = [entry.device_health for entry in self.fields.values() if entry.device_health is not None]
        for kind in DeviceHealth:
            if said.count(kind) > 1:
                raise ValueError(f"two fields say the {kind} of a device")
        if self.fields[self.main_field].device_health is not None:
            raise ValueError("main_field is what the device measures, not how the device is")
        return self

    @model_validator(mode="after")
    def check_sums(self) -> Self:
        """A sum is a number made of numbers of the feed that are no sums themselves."""
        for name, entry in self.fields.items():
            if not entry.sum_of:
                continue
            if entry.required:
                raise ValueError(f"`{name}` cannot be required: where it is missing it is a sum")
            for part in entry.sum_of:
                of = self.fields.get(part)
                if of is None or of.type is not entry.type or entry.type not in NUMERIC or of.sum_of:
                    raise ValueError(f"`{name}` cannot be a sum of `{part}`: both are numbers, and no sum is of sums")
        return self


def play_faults(entry: FieldEntry, play: FieldPlay) -> Iterator[str]:
    """Yield what keeps a field from saying what is played."""
    said = [item for item in (play.value, *(play.turn or ()), *(play.each or ())) if item is not None]
    if entry.type in NUMERIC:
        low, high = entry.plausible
        if any(isinstance(item, str | bool) for item in said):
            yield "is a number"
        if any((low is not None and n < low) or (high is not None and n > high) for n in play.numbers()):
            yield "leaves its plausible range"
        return
    kind = bool if entry.type is FieldType.BOOLEAN else str
    if not said or not all(isinstance(item, kind) for item in said):
        yield f"is a {entry.type}: give it a value, a turn or one for each device"
    elif entry.values and not set(said) <= set(entry.values):
        yield f"is one of {', '.join(entry.values)}"
