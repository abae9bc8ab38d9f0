"""Areas: administrative units with validity, and the two zones the screens speak of.

GSO codes were re-used with another meaning on 1 July 2025, so a unit is (code, valid_from), never a code alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ioc.domain.feed import Label


@dataclass(frozen=True, slots=True)
class Area:
    """One administrative unit while it is valid.

    ``valid_to`` is exclusive and null while the unit stands. ``shape`` is GeoJSON geometry (lon, lat);
    ``shape_source`` says where it comes from (`sketch` for our own drawing from centres).
    """

    code: str
    valid_from: date
    name: Label
    level: str
    """province, district, ward, commune or town."""
    zone: str
    valid_to: date | None = None
    short: Label | None = None
    parent: str | None = None
    lat: float | None = None
    lon: float | None = None
    aliases: tuple[str, ...] = ()
    successors: tuple[str, ...] = ()
    """Codes of the units that cover it after ``valid_to`` (more than one when it was split)."""
    shape: Mapping[str, Any] | None = None
    shape_source: str = "sketch"

    def valid_on(self, day: date) -> bool:
        """Tell whether the unit stands on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True)
class Zone:
    """A set of today's units: the former city or the former district."""

    code: str
    name: Label
    former_code: str
    """The district code before 1 July 2025 (148, 152)."""
    areas: tuple[str, ...] = field(default=())
