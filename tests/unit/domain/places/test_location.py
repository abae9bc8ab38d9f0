"""Where things of a site can be, and which shape a unit can have."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ioc.domain.places.location import WORLD, Box, box_of, check_point, point_fault
from ioc.errors import InvalidInputError
from ioc.packs.boundary import sound_boundary

PROVINCE = Box(104.7, 20.2, 106.0, 21.85)


def square(west: float, south: float, size: float = 0.1) -> dict[str, Any]:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def ring(*points: list[float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [list(points)]}


WARD = square(105.3, 20.8)


@pytest.mark.parametrize(
    ("lat", "lon", "words"),
    [
        (105.34, 20.82, "swap"),
        (0.0, 0.0, "latitude 20.2 to 21.85"),
        (20.82, 15.34, "latitude"),
        (math.nan, 105.3, "latitude"),
        (20.82, math.inf, "latitude"),
    ],
)
def test_a_point_outside_of_the_site_is_told_what_to_do(lat: float, lon: float, words: str):
    fault = point_fault(lat, lon, PROVINCE)
    assert fault is not None
    assert words in fault.hint
    with pytest.raises(InvalidInputError, match="outside of this site"):
        check_point(lat, lon, PROVINCE)


def test_a_point_inside_and_none_at_all_are_fine_and_half_a_point_is_not():
    check_point(20.82, 105.34, PROVINCE)
    check_point(None, None, PROVINCE)
    with pytest.raises(InvalidInputError, match="together"):
        check_point(20.82, None, PROVINCE)


def test_a_site_without_a_box_of_its_own_has_that_of_its_zones_and_a_margin():
    both = box_of([Box(105.2, 20.7, 105.4, 21.0), Box(105.4, 20.6, 105.7, 20.9)])
    assert both == Box(105.2, 20.6, 105.7, 21.0)
    assert both.around(0.5).holds(20.11, 106.19)
    assert box_of([]) == WORLD
    assert WORLD.around(1) == WORLD


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        (ring([-1, -1], [1, 1], [1, -1], [-1, 1], [-1, -1]), "outside of this site"),
        (ring([105.3, 20.8], [105.4, 20.9], [105.4, 20.8], [105.3, 20.9], [105.3, 20.8]), "cross"),
        (square(20.8, 105.3), "swap"),
        (square(105.6, 20.8), "another unit"),
        ({"type": "Point", "coordinates": [105.3, 20.8]}, "no boundary"),
        ({"type": "Polygon", "coordinates": []}, "no geometry"),
        ({"type": "Polygon"}, "no geometry"),
        ("nonsense", "no geometry"),
        (None, "no geometry"),
    ],
)  # fmt: skip
def test_a_shape_that_cannot_be_the_units_is_refused_with_its_reason(geometry: Any, words: str):
    told = sound_boundary(geometry, box=PROVINCE, known=[WARD])
    assert isinstance(told, str)
    assert words in told


def test_a_crossing_of_a_metre_is_mended_and_a_former_mistake_does_not_bind():
    hair = 0.00001
    ring = [[105.3, 20.8], [105.4, 20.8], [105.4, 20.9], [105.4 - hair, 20.9 + hair], [105.4, 20.9 + 2 * hair],
            [105.4 - hair, 20.9], [105.3, 20.9], [105.3, 20.8]]  # fmt: skip
    mended = sound_boundary({"type": "Polygon", "coordinates": [ring]}, box=PROVINCE, known=[WARD])
    assert isinstance(mended, dict)
    mistake = square(105.9, 21.5)
    assert isinstance(sound_boundary(WARD, box=PROVINCE, known=[WARD, mistake]), dict)
    assert isinstance(sound_boundary(WARD, box=PROVINCE, known=[None, None]), dict)
