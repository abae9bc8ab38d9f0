"""The strict frame of a pack's files: what every model shares, and `pack.yaml` itself."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

DURATION = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d)")
DURATION_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def read_duration(text: str) -> str:
    """Return ``text`` when it is a duration such as `10m`; raise ValueError otherwise."""
    if DURATION.fullmatch(text) is None:
        raise ValueError("not a duration: a whole number and s, m, h or d, such as 10m")
    return text


def duration_seconds(text: str) -> int:
    """Return the seconds of a checked duration."""
    match = DURATION.fullmatch(text)
    assert match is not None, text
    return int(match[1]) * DURATION_SECONDS[match[2]]


Duration = Annotated[str, AfterValidator(read_duration)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=400, strip_whitespace=False)]
AreaCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,5}$")]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class Strict(BaseModel):
    """A model that guesses nothing: no unknown keys, no coercion, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LabelText(Strict):
    """Text in both languages; neither may be missing."""

    vi: Words
    en: Words


BoxEntry = Annotated[list[float], Field(min_length=4, max_length=4)]
"""[west, south, east, north] in degrees."""


class ZoneEntry(Strict):
    """A set of today's units; ``bbox`` is [west, south, east, north] in degrees, every device of it lies inside."""

    id: Slug
    name: LabelText
    former_code: AreaCode
    areas: list[AreaCode] = Field(min_length=1)
    bbox: BoxEntry


class SparkEntry(Strict):
    """The field whose hourly line a domain's tile shows."""

    feed: Name
    field: Name


class DomainEntry(Strict):
    """One domain of the centre, with its official number."""

    id: Name
    number: Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{2}$")]
    label: LabelText
    spark_field: SparkEntry | None = None


class UnitEntry(Strict):
    """A unit by its name alone; what it does, for whom and when stands in `units.yaml`."""

    id: Slug
    name: LabelText


class LayerEntry(Strict):
    """A map layer in `layers/{id}.geojson`; ``source`` says where its geometry comes from."""

    id: Slug
    label: LabelText
    source: Annotated[str, StringConstraints(pattern=r"^(sketch|import)$")]


class PackEntry(Strict):
    """The file `pack.yaml`. ``bbox`` holds everything of the site; without it, its zones and half a degree around."""

    pack: Slug
    title: LabelText
    timezone: Words
    number_prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,4}$")]
    bbox: BoxEntry | None = None
    zones: list[ZoneEntry] = Field(min_length=1)
    domains: list[DomainEntry] = Field(min_length=1)
    units: list[UnitEntry] = Field(default_factory=list)
    layers: list[LayerEntry] = Field(default_factory=list)
