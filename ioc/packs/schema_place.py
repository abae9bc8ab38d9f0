"""The strict frame of `areas.csv` and `devices.csv`: one model per row, empty cells are absent."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from ioc.domain.device import DEVICE_ID
from ioc.packs.schema import AreaCode, Latitude, Longitude, Name, Slug, Strict, Words

AREA_LISTS = frozenset({"aliases", "successors"})
DEVICE_LISTS: frozenset[str] = frozenset()


def read_day(text: object) -> object:
    """Return the date that `2025-07-01` names; pydantic alone would take a bare number for a timestamp."""
    return date.fromisoformat(text) if isinstance(text, str) else text


def read_yes(text: object) -> object:
    """Return the truth that `true` or `false` names; pydantic alone would take `y`, `on` and `1` too."""
    return {"true": True, "false": False}.get(text, text) if isinstance(text, str) else text


Day = Annotated[date, BeforeValidator(read_day)]
Yes = Annotated[bool, BeforeValidator(read_yes), Field(strict=True)]
DeviceId = Annotated[str, StringConstraints(pattern=f"^{DEVICE_ID.pattern}$")]


class TableRow(Strict):
    """A row of text cells: numbers are read from their text, and nothing else is guessed."""

    model_config = ConfigDict(strict=False)


class AreaRow(TableRow):
    """One unit while it is valid; ``centre_source`` is `sourced` or `estimate`."""

    code: AreaCode
    valid_from: Day
    level: Annotated[str, StringConstraints(pattern=r"^(province|district|ward|commune|town)$")]
    name_vi: Words
    name_en: Words
    valid_to: Day | None = None
    zone: Slug | None = None
    parent: AreaCode | None = None
    short_vi: Words | None = None
    short_en: Words | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    centre_source: Annotated[str, StringConstraints(pattern=r"^(sourced|estimate)$")] | None = None
    aliases: tuple[Words, ...] = ()
    successors: tuple[AreaCode, ...] = ()

    @model_validator(mode="after")
    def check_validity(self) -> Self:
        """A unit ends after it begins, and only an ended one has successors."""
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to is not after valid_from")
        if bool(self.successors) != (self.valid_to is not None):
            raise ValueError("a unit has successors exactly when it has a valid_to")
        if (self.short_vi is None) != (self.short_en is None):
            raise ValueError("short_vi and short_en come together")
        if (self.lat is None) != (self.lon is None) or (self.lat is None) != (self.centre_source is None):
            raise ValueError("lat, lon and centre_source come together")
        return self


class DeviceRow(TableRow):
    """One device as it is installed; its zone follows from its area."""

    id: DeviceId
    feed: Name
    name_vi: Words
    name_en: Words
    area: AreaCode
    lat: Latitude
    lon: Longitude
    parent: DeviceId | None = None
    owner: Slug | None = None
    place: Words | None = None
    expected_period_seconds: int | None = Field(default=None, ge=1, le=31 * 86_400)
    critical: Yes = False
    gateway: Yes = False
    device_class: Slug | None = None
