"""A feed: what one kind of device may say, field by field. Data of the pack, never code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any


class FieldType(StrEnum):
    """The JSON type a field must have."""

    NUMBER = "number"
    """A finite number."""
    INTEGER = "integer"
    """A whole number within 64 bits."""
    BOOLEAN = "boolean"
    """true or false, never 0 or 1."""
    TEXT = "text"
    """A string."""
    OBJECT = "object"
    """Any JSON object or array, kept as it is."""
    TIME = "time"
    """A moment as text, RFC 3339 with its zone: until when a paper is valid, at what hour a gate opens."""


class DeviceHealth(StrEnum):
    """What a field says of the device itself, not of what it measures."""

    BATTERY = "battery"
    """How full its battery is, in %."""
    SIGNAL = "signal"
    """How strongly it hears its network, in dBm."""
    FIRMWARE = "firmware"
    """The version of its program."""


class OnConflict(StrEnum):
    """What happens when one identity arrives with other content."""

    REFUSE = "refuse"
    """The first stands; the other becomes a dead letter `conflict`."""
    REVISE = "revise"
    """Both are kept, the newest counts (TT 10/2021 corrections, indicators)."""


@dataclass(frozen=True, slots=True)
class Label:
    """Text of the pack in both languages."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field: its type, unit and two ranges.

    ``possible_*``: outside is physically impossible, so the field is dropped (or the reading, when required).
    ``plausible_*``: outside is kept, evaluated and flagged `suspect`: a range must not drop the record flood.
    """

    name: str
    label: Label
    type: FieldType = FieldType.NUMBER
    unit: str = ""
    required: bool = False
    possible_min: float | None = None
    possible_max: float | None = None
    plausible_min: float | None = None
    plausible_max: float | None = None
    values: tuple[str, ...] = ()
    """The only ones that there are; empty: any."""
    words: Mapping[str, Label] = field(default_factory=dict)
    """What people are told instead of a code: codes are for machines."""
    length_max: int = 2_000
    digits: int = 1
    """Decimals to show."""
    display_unit: str = ""
    """The unit in which people are told its values, where that is another (ioc.domain.units)."""
    series: bool = True
    """Numbers and booleans are rolled up unless this is false."""
    personal: bool = False
    """It tells who a person is or how to reach them: withheld from every answer until somebody gives a reason."""
    metric: bool = False
    """Its newest value is a Prometheus gauge; that of a feed's main field always is."""
    sum_of: tuple[str, ...] = ()
    """Fields whose sum it is: what it is where a reading lacks it and has all of them."""
    aliases: tuple[str, ...] = ()
    """Other names under which devices send it: the door reads them as its own."""
    device_health: DeviceHealth | None = None
    """It is of the device itself: its newest value stands with the device, and nobody enters it by hand."""

    def display_text(self, value: str, *, vi: bool) -> str:
        """Return the words of a text for people: its own where the pack has none."""
        known = self.words.get(value)
        return value if known is None else (known.vi if vi else known.en)


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """One feed of the pack."""

    id: str
    label: Label
    domain: str
    fields: dict[str, FieldSpec]
    on_conflict: OnConflict = OnConflict.REFUSE
    expected_period: timedelta = timedelta(minutes=10)
    late_after: timedelta = timedelta(minutes=10)
    live_within: timedelta = timedelta(minutes=15)
    main_field: str = ""
    """The field shown first: on the map, in the device list."""
    due_field: str = ""
    """The field that says when what a message announces will be: screens count down to it."""
    restricted: bool = False
    """Never on the wall, in CAP, on public pages or in titles."""
    device_required: bool = True
    """False for feeds whose source need not be registered (citizen reports)."""
    occasional: bool = False
    """It speaks when something happens, so that its silence says something only where nothing regular speaks."""
    working_days: bool = False
    """Its expected period counts working days alone: offices send nothing on days off."""
    cloudevents_types: tuple[str, ...] = field(default=())
    adapter: str | None = None
    """The adapter that reads its bodies at every door; None: they have its own form."""
    sums: tuple[FieldSpec, ...] = field(init=False, compare=False, repr=False)
    """Its fields that are sums of others."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sums", tuple(spec for spec in self.fields.values() if spec.sum_of))

    def health_field(self, kind: DeviceHealth) -> str:
        """Return the field that says this of its devices, or an empty text."""
        return next((spec.name for spec in self.fields.values() if spec.device_health is kind), "")

    def add_sums(self, data: dict[str, Any]) -> None:
        """Add the fields that are sums to a reading that lacks them and has all of their parts, each a number."""
        for spec in self.sums:
            parts = [data.get(name) for name in spec.sum_of]
            if data.get(spec.name) is None and all(type(part) in (int, float) for part in parts):
                data[spec.name] = sum(parts)

    @property
    def personal(self) -> bool:
        """Whether people speak in it: a field of it says who they are."""
        return any(spec.personal for spec in self.fields.values())

    def withholds(self, name: str) -> bool:
        """Tell whether a field is withheld; where people speak, what nobody declared may say who they are too."""
        spec = self.fields.get(name)
        return self.personal if spec is None else spec.personal
