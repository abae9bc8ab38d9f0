"""A feed: what one kind of device may say, field by field. Data of the pack, never code."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


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
    length_max: int = 2_000
    digits: int = 1
    """Decimals to show."""
    series: bool = True
    """Numbers and booleans are rolled up unless this is false."""


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
    restricted: bool = False
    """Never on the wall, in CAP, on public pages or in titles."""
    device_required: bool = True
    """False for feeds whose source need not be registered (citizen reports)."""
    cloudevents_types: tuple[str, ...] = field(default=())
