"""Whether a point can be where it says: one judgement for the API, the command line, imports and the pack."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ioc.errors import InvalidInputError

LAT_MAX = 90.0
LON_MAX = 180.0


@dataclass(frozen=True, slots=True)
class Box:
    """A stretch of the globe between two meridians and two parallels, in degrees."""

    west: float = -LON_MAX
    south: float = -LAT_MAX
    east: float = LON_MAX
    north: float = LAT_MAX

    def holds(self, lat: float, lon: float) -> bool:
        """Tell whether a point lies inside."""
        return self.south <= lat <= self.north and self.west <= lon <= self.east

    def around(self, degrees: float) -> Box:
        """Return the box with a margin on every side, as far as the globe has room."""
        return Box(
            max(self.west - degrees, -LON_MAX), max(self.south - degrees, -LAT_MAX),
            min(self.east + degrees, LON_MAX), min(self.north + degrees, LAT_MAX),
        )  # fmt: skip

    def __str__(self) -> str:
        """Return it in words, as people write coordinates."""
        return f"latitude {self.south:g} to {self.north:g}, longitude {self.west:g} to {self.east:g}"


WORLD = Box()


def box_of(boxes: Iterable[Box]) -> Box:
    """Return the smallest box that holds all of ``boxes``; the world where there is none."""
    found = list(boxes)
    if not found:
        return WORLD
    return Box(
        min(box.west for box in found), min(box.south for box in found),
        max(box.east for box in found), max(box.north for box in found),
    )  # fmt: skip


class LocationFault(NamedTuple):
    """Why a point cannot be there, and what to do."""

    message: str
    hint: str


def point_fault(lat: float, lon: float, box: Box) -> LocationFault | None:
    """Return why a point cannot be in ``box``, None if it can."""
    if math.isfinite(lat) and math.isfinite(lon) and box.holds(lat, lon):
        return None
    swapped = math.isfinite(lat) and math.isfinite(lon) and box.holds(lon, lat)
    hint = "did you swap lat and lon? lat comes first" if swapped else f"this site lies at {box}"
    return LocationFault(f"{lat:g}, {lon:g} lies outside of this site", hint)


def check_point(lat: float | None, lon: float | None, box: Box) -> None:
    """Accept a point, or none at all.

    Raises:
        InvalidInputError: half a point, or one that cannot be in ``box``.
    """
    if (lat is None) != (lon is None):
        raise InvalidInputError("lat and lon come together", field="lat")
    if lat is None or lon is None:
        return
    fault = point_fault(lat, lon, box)
    if fault is not None:
        raise InvalidInputError(f"{fault.message}: {fault.hint}", field="lat")
