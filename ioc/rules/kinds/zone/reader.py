"""Reads `enter` and `leave`."""

from __future__ import annotations

from collections.abc import Sequence

from ioc.domain.feed import FieldSpec, FieldType, Label
from ioc.rules.kinds.reading import KindParts, RuleSource
from ioc.rules.kinds.zone.spec import ZoneSpec
from ioc.rules.language.members import RuleError, members_of, metres_at

POINTS_MAX = 200


def zone(source: RuleSource) -> KindParts:
    """Return a place on the map."""
    body = source.body
    leave = "leave" in body
    if leave and "enter" in body:
        raise RuleError("enter and leave make two kinds of rule", path="leave")
    path = "leave" if leave else "enter"
    allowed = {"polygon", "circle", "radius", "margin"}
    found = members_of(body[path], path, needed=set(), allowed=allowed)
    margin_m = metres_at(found.get("margin"), f"{path}.margin", default_m=0.0)
    names = {"inside": FieldSpec("inside", Label("ở trong vùng", "inside the place"), FieldType.BOOLEAN)}
    if "circle" in found:
        centre = point_at(found["circle"], f"{path}.circle")
        radius_m = metres_at(found.get("radius"), f"{path}.radius")
        spec = ZoneSpec(leave, margin_m, centre=centre, radius_m=radius_m)
    else:
        points = found.get("polygon")
        if not isinstance(points, Sequence) or isinstance(points, str) or not 3 <= len(points) <= POINTS_MAX:  # noqa: PLR2004
            raise RuleError(f"a polygon of 3 to {POINTS_MAX} points, or a circle, is required", path=path)
        polygon = tuple(point_at(point, f"{path}.polygon[{number_}]") for number_, point in enumerate(points))
        spec = ZoneSpec(leave, margin_m, polygon=polygon)
    return KindParts(spec, names, default_when="!inside" if leave else "inside")


def point_at(value: object, path: str) -> tuple[float, float]:
    """Return a point as (lon, lat)."""
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:  # noqa: PLR2004
        lon, lat = value
        if type(lon) in (int, float) and type(lat) in (int, float) and abs(lon) <= 180 and abs(lat) <= 90:  # noqa: PLR2004
            return float(lon), float(lat)
    raise RuleError("no point", path=path, hint="[lon, lat] in degrees, such as [105.34, 20.82]")
