"""Real boundaries, imported by the site in place of the pack's sketches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely
from shapely.geometry import mapping, shape

from ioc.domain.event import EntryKind
from ioc.domain.moment import LOCAL_ZONE
from ioc.store.audit import AuditEntry, append_audit
from ioc.store.changes import Change, append_changes
from ioc.store.engine import Database
from ioc.store.event_log import EventLog
from ioc.store.registry import bump_registry

POINTS_MAX = 20_000
SIMPLIFY_DEGREES = 0.0002
"""About 20 m: the map cannot show more, and every visitor loads it."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """A unit's code and its GeoJSON geometry (lon, lat)."""

    code: str
    geometry: Any


async def write_boundaries(
    database: Database, log: EventLog, boundaries: Sequence[Boundary], *, now: datetime
) -> tuple[list[str], list[str]]:
    """Write the boundaries of units that stand today; return imported codes and refusals with their reason."""
    imported: list[str] = []
    refused: list[str] = []
    today = now.astimezone(LOCAL_ZONE).date()
    async with database.transaction() as connection:
        for boundary in boundaries:
            geometry = _checked(boundary.geometry)
            if isinstance(geometry, str):
                refused.append(f"{boundary.code}: {geometry}")
                continue
            code = await connection.fetchval(
                "UPDATE area SET shape = $2, shape_source = 'import' "
                "WHERE code = $1 AND valid_from <= $3 AND (valid_to IS NULL OR valid_to > $3) RETURNING code",
                boundary.code,
                geometry,
                today,
            )
            if code is None:
                refused.append(f"{boundary.code}: no unit of today has this code")
            else:
                imported.append(code)
        if imported:
            await log.append_entries(
                connection, [(EntryKind.AREA, code, {"code": code, "shape_source": "import"}) for code in imported], now
            )
            await bump_registry(connection)
            await append_audit(connection, AuditEntry("command line", "area.import", ",".join(imported)), now)
            await append_changes(
                connection, [Change(kind="area", id=code, log_time=now, area=code) for code in imported]
            )
    return imported, refused


def _checked(geometry: Any) -> dict[str, Any] | str:
    """Return a simplified, valid polygon as GeoJSON, or why it cannot be one."""
    try:
        found = shape(geometry)
    except (shapely.errors.ShapelyError, ValueError, TypeError, KeyError, AttributeError) as error:
        return f"no geometry: {error}"
    if found.geom_type not in ("Polygon", "MultiPolygon"):
        return f"a {found.geom_type} is no boundary"
    west, south, east, north = found.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):  # noqa: PLR2004 - the globe
        return "not in degrees of longitude and latitude"
    if shapely.get_num_coordinates(found) > POINTS_MAX:
        found = found.simplify(SIMPLIFY_DEGREES)
    if not found.is_valid:
        found = shapely.make_valid(found)
    return dict(mapping(found))
