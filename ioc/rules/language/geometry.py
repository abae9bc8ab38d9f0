"""Distances on the Earth and points in polygons, for places of a city's size. Degrees in, metres out; (lon, lat)."""

from __future__ import annotations

import math
from collections.abc import Sequence

EARTH_RADIUS_M = 6_371_008.8
"""The mean radius of WGS 84."""
METRES_A_DEGREE = math.pi * EARTH_RADIUS_M / 180.0

Point = tuple[float, float]
"""(lon, lat) in degrees."""


def distance_m(one: Point, other: Point) -> float:
    """Return the great-circle distance (haversine)."""
    phi_one, phi_other = math.radians(one[1]), math.radians(other[1])
    half_phi = (phi_other - phi_one) / 2.0
    half_lambda = math.radians(other[0] - one[0]) / 2.0
    chord = math.sin(half_phi) ** 2 + math.cos(phi_one) * math.cos(phi_other) * math.sin(half_lambda) ** 2
    return 2.0 * EARTH_RADIUS_M * math.asin(min(math.sqrt(chord), 1.0))


def inside(point: Point, polygon: Sequence[Point]) -> bool:
    """Tell whether a polygon without holes holds a point (even-odd; on an edge either may be)."""
    lon, lat = point
    found = False
    before_lon, before_lat = polygon[-1]
    for edge_lon, edge_lat in polygon:
        if (edge_lat > lat) is not (before_lat > lat):
            crossing = (before_lon - edge_lon) * (lat - edge_lat) / (before_lat - edge_lat) + edge_lon
            if lon < crossing:
                found = not found
        before_lon, before_lat = edge_lon, edge_lat
    return found


def outside_m(point: Point, polygon: Sequence[Point]) -> float:
    """Return how far a point is from a polygon's edge, on a plane laid at the point: right to 0.1 % within 50 km."""
    scale = METRES_A_DEGREE * math.cos(math.radians(point[1]))
    flat = [((lon - point[0]) * scale, (lat - point[1]) * METRES_A_DEGREE) for lon, lat in polygon]
    return min(_to_segment(flat[number - 1], flat[number]) for number in range(len(flat)))


def _to_segment(start: Point, end: Point) -> float:
    """Return the distance from (0, 0) to a segment."""
    east, north = end[0] - start[0], end[1] - start[1]
    length = east * east + north * north
    if not length:
        return math.hypot(*start)
    along = min(max(-(start[0] * east + start[1] * north) / length, 0.0), 1.0)
    return math.hypot(start[0] + along * east, start[1] + along * north)
