"""Whether a boundary can be that of a unit: one judgement for imports and for the pack's own shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import shapely
from shapely.errors import GEOSException, ShapelyError
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from ioc.domain.places.location import WORLD, Box

POINTS_MAX = 20_000
SIMPLIFY_DEGREES = 0.0002
"""About 20 m: the map cannot show more, and every visitor loads it."""
REPAIRED_SHARE_MAX = 0.01
"""A repair that moves more of the area than this has made another shape."""


def geometry_of(geometry: Any) -> BaseGeometry | None:
    """Return a GeoJSON geometry as a shape, None where it is none that can be read."""
    try:
        found = shape(geometry)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, GEOSException, ShapelyError):
        return None
    return None if found.is_empty else found


def polygon_fault(found: BaseGeometry | None, box: Box) -> str | None:
    """Return why a geometry cannot be a unit's shape, None if it can."""
    if found is None:
        return "no geometry that can be read"
    if found.geom_type not in ("Polygon", "MultiPolygon"):
        return f"a {found.geom_type} is no boundary"
    west, south, east, north = found.bounds
    if not (box.holds(south, west) and box.holds(north, east)):
        swapped = box.holds(west, south) and box.holds(east, north)
        hint = "did you swap lat and lon? GeoJSON has the longitude first" if swapped else f"this site lies at {box}"
        return f"it lies outside of this site: {hint}"
    if not found.is_valid:
        return f"its rings cross: {explain_validity(found)}"
    return None


def layer_fault(found: BaseGeometry | None, box: Box) -> str | None:
    """Return why a geometry cannot be drawn as part of a map layer, None if it can.

    A river runs on beyond the site, so it need not lie inside: it must only come near.
    """
    if found is None:
        return "no geometry that can be read"
    west, south, east, north = found.bounds
    if box.holds(west, south) and box.holds(east, north):
        return "it lies outside of this site: did you swap lat and lon? GeoJSON has the longitude first"
    if not (WORLD.holds(south, west) and WORLD.holds(north, east)):
        return "not in degrees of longitude and latitude"
    if east < box.west or west > box.east or north < box.south or south > box.north:
        return f"it lies outside of this site: this site lies at {box}"
    return None


def sound_boundary(geometry: Any, *, box: Box, known: Sequence[Mapping[str, Any] | None]) -> dict[str, Any] | str:
    """Return a boundary as the registry keeps it, or why it cannot be that of a unit of which shapes are ``known``.

    It must meet one of them: the pack's, or the present one (which may itself have been a mistake).

    Files of whole provinces have rings that cross by a metre: such a one is repaired, where that moves next to nothing.
    """
    found = geometry_of(geometry)
    if found is not None and not found.is_valid and found.geom_type in ("Polygon", "MultiPolygon"):
        found = _repaired(found)
    fault = polygon_fault(found, box)
    if fault is not None or found is None:
        return fault or ""
    shapes = [drawn for drawn in map(geometry_of, known) if drawn is not None]
    if shapes and not any(shapely.make_valid(drawn).intersection(found).area > 0 for drawn in shapes):
        return "it does not meet the shape that this unit has now: is it the boundary of another unit?"
    if shapely.get_num_coordinates(found) > POINTS_MAX:
        found = found.simplify(SIMPLIFY_DEGREES)
    return dict(mapping(found))


def _repaired(found: BaseGeometry) -> BaseGeometry:
    """Return the shape without crossings where it is nearly the same, else the shape as it came."""
    mended = shapely.make_valid(found, method="structure", keep_collapsed=False)
    moved = abs(mended.area - found.area)
    is_same = mended.geom_type in ("Polygon", "MultiPolygon") and moved <= REPAIRED_SHARE_MAX * mended.area
    return mended if is_same else found
