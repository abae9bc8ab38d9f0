"""The pack's geometry: every shape is a sound polygon of a known unit, every layer's feature can be drawn.

Apart from the other checks because it needs shapely, which a role that loads a pack already checked need not wait for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shapely.errors import GeometryTypeError, GEOSException
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from ioc.packs.draft import Draft
from ioc.packs.problem import Findings


def check_shapes(draft: Draft, findings: Findings) -> None:
    """Every shape is a sound polygon of one unit of areas.csv, and every layer's feature has a geometry."""
    for drawn in draft.layers.values():
        for index, feature in enumerate(drawn.value["features"]):
            if geometry_of(feature) is None:
                findings.add(file=drawn.file, line=1, message=f"feature {index}: no valid geometry")
    if draft.shapes is None:
        return
    known = {(area.value.code, area.value.valid_from.isoformat()) for area in draft.areas}
    seen: set[tuple[str, str]] = set()
    for index, feature in enumerate(draft.shapes.value["features"]):
        properties = feature.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        name = (str(properties.get("code")), str(properties.get("valid_from")))
        if name not in known:
            message = f"feature {index}: no area {name[0]} from {name[1]}"
            findings.add(file="shapes.geojson", line=1, message=message, hint="code and valid_from as in areas.csv")
            continue
        if name in seen:
            findings.add(file="shapes.geojson", line=1, message=f"feature {index}: area {name[0]} comes twice")
        seen.add(name)
        geometry = geometry_of(feature)
        if geometry is None or geometry.geom_type not in ("Polygon", "MultiPolygon") or not geometry.is_valid:
            message = f"feature {index}: area {name[0]} has no valid polygon"
            findings.add(file="shapes.geojson", line=1, message=message, hint="(lon, lat) rings that do not cross")
        if properties.get("source") not in ("sketch", "import"):
            message = f"feature {index}: source is neither sketch nor import"
            findings.add(file="shapes.geojson", line=1, message=message, hint="say where the shape comes from")


def geometry_of(feature: Mapping[str, Any]) -> BaseGeometry | None:
    """Return the geometry of a GeoJSON feature, or None where there is none that can be read."""
    try:
        geometry = shape(feature["geometry"])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, GEOSException, GeometryTypeError):
        return None
    return None if geometry.is_empty else geometry
