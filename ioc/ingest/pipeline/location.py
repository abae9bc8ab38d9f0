"""Where an event is: the device's area, else the unit of today whose shape holds the point."""

from __future__ import annotations

from collections.abc import Sequence

import shapely
from shapely.geometry import shape

from ioc.domain.places.area import Area


class Gazetteer:
    """Point to unit, over the shapes of today's units. Built once per registry version."""

    def __init__(self, areas: Sequence[Area]) -> None:
        with_shape = [area for area in areas if area.shape is not None]
        self._areas = with_shape
        self._shapes = [shape(area.shape) for area in with_shape]
        for geometry in self._shapes:
            shapely.prepare(geometry)
        self._zones = {area.code: area.zone for area in areas}

    def area_at(self, lat: float, lon: float) -> str | None:
        """Return the code of the unit that holds the point, or None."""
        for area, geometry in zip(self._areas, self._shapes, strict=True):
            if shapely.contains_xy(geometry, lon, lat):
                return area.code
        return None

    def zone_of(self, code: str | None) -> str | None:
        """Return the zone of a unit of today."""
        return self._zones.get(code) if code else None
