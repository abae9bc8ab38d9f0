"""Map layers of the site's own: imported once, drawn in place of the pack's layer of the same name, or beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.errors import InvalidInputError
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.changes.writer import ChangeRecord, append_changes
from ioc.store.postgres.engine import Connection, Database

LAYERS_MAX = 30
UPSERT = """
INSERT INTO map_layer (id, kind, label, geojson, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id) DO UPDATE SET kind = $2, label = $3, geojson = $4, updated_at = $5, updated_by = $6
"""


@dataclass(frozen=True, slots=True)
class SiteLayer:
    """One layer: ``kind`` (water or road) says how the map draws it, ``label`` is {vi, en}."""

    id: str
    kind: str
    label: Mapping[str, str]
    geojson: Mapping[str, Any]


async def write_layer(database: Database, layer: SiteLayer, *, actor: str, now: datetime, wall: datetime) -> None:
    """Put a layer in place of the one of its name.

    Raises:
        InvalidInputError: as many layers as the map takes are there already.
    """
    async with database.transaction() as connection:
        await connection.execute("LOCK TABLE map_layer IN SHARE ROW EXCLUSIVE MODE")
        others = await connection.fetchval("SELECT count(*) FROM map_layer WHERE id <> $1", layer.id)
        if others >= LAYERS_MAX:
            raise InvalidInputError(f"the map takes {LAYERS_MAX} layers of the site's own", field="layer")
        await connection.execute(UPSERT, layer.id, layer.kind, dict(layer.label), dict(layer.geojson), now, actor)
        detail = {"kind": layer.kind, "features": len(layer.geojson["features"])}
        await append_audit(connection, AuditEntry(actor, "layer.import", layer.id, None, detail), wall)
        await append_changes(connection, [ChangeRecord(kind="layer", id=layer.id, log_time=now)])


async def list_layers(connection: Connection) -> list[Mapping[str, Any]]:
    """Return the site's layers by name, without their geometry."""
    rows: list[Mapping[str, Any]] = await connection.fetch("SELECT id, kind, label FROM map_layer ORDER BY id")
    return rows


async def read_layer(connection: Connection, name: str) -> Mapping[str, Any] | None:
    """Return the GeoJSON of one of the site's layers, or None."""
    found: Mapping[str, Any] | None = await connection.fetchval("SELECT geojson FROM map_layer WHERE id = $1", name)
    return found
