"""The pack's geometry: every shape is a sound polygon of a known unit, every layer's feature can be drawn.

Apart from the other checks because it needs shapely, which a role that loads a pack already checked need not wait for.
"""

from __future__ import annotations

from ioc.domain.places.location import WORLD
from ioc.packs.boundary import geometry_of, polygon_fault
from ioc.packs.draft import Draft
from ioc.packs.problem import Findings
from ioc.packs.references import site_box


def check_shapes(draft: Draft, findings: Findings) -> None:
    """Every shape is a sound polygon of one unit of areas.csv, and every layer's feature has a geometry."""
    for drawn in draft.layers.values():
        for index, feature in enumerate(drawn.value["features"]):
            if geometry_of(feature.get("geometry")) is None:
                findings.add(file=drawn.file, line=1, message=f"feature {index}: no valid geometry")
    if draft.shapes is None:
        return
    box = site_box(draft.pack.value) if draft.pack is not None else WORLD
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
        fault = polygon_fault(geometry_of(feature.get("geometry")), box)
        if fault is not None:
            message = f"feature {index}: area {name[0]} has no valid polygon: {fault}"
            findings.add(file="shapes.geojson", line=1, message=message, hint="(lon, lat) rings that do not cross")
        if properties.get("source") not in ("sketch", "import"):
            message = f"feature {index}: source is neither sketch nor import"
            findings.add(file="shapes.geojson", line=1, message=message, hint="say where the shape comes from")
