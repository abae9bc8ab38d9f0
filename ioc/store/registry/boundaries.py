"""Real boundaries, imported by the site in place of the pack's sketches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.event import EntryKind
from ioc.domain.moment import LOCAL_ZONE
from ioc.packs.boundary import sound_boundary
from ioc.packs.pack import Pack
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.changes.writer import ChangeRecord, append_changes
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from ioc.store.registry.registry import bump_registry

STANDING = "WHERE code = $1 AND valid_from <= $2 AND (valid_to IS NULL OR valid_to > $2)"
PRESENT = f"SELECT shape FROM area {STANDING} FOR UPDATE"  # noqa: S608 - own text
REPLACE = f"UPDATE area SET shape = $3, shape_source = 'import' {STANDING}"  # noqa: S608 - own text


@dataclass(frozen=True, slots=True)
class Boundary:
    """A unit's code and its GeoJSON geometry (lon, lat)."""

    code: str
    geometry: Any


async def write_boundaries(
    database: Database, log: EventLog, boundaries: Sequence[Boundary], *, pack: Pack, now: datetime
) -> tuple[list[str], list[str]]:
    """Write the boundaries of units that stand today; return imported codes and refusals with their reason.

    ``pack`` says where the site lies, and which shape a unit had before anybody imported one.
    """
    imported: list[str] = []
    refused: list[str] = []
    today = now.astimezone(LOCAL_ZONE).date()
    drawn = {area.code: area.shape for area in pack.areas_on(today)}
    async with database.transaction() as connection:
        for boundary in boundaries:
            unit = await connection.fetchrow(PRESENT, boundary.code, today)
            if unit is None:
                refused.append(f"{boundary.code}: no unit of today has this code")
                continue
            known = (drawn.get(boundary.code), unit["shape"])
            geometry = sound_boundary(boundary.geometry, box=pack.box, known=known)
            if isinstance(geometry, str):
                refused.append(f"{boundary.code}: {geometry}")
                continue
            await connection.execute(REPLACE, boundary.code, today, geometry)
            imported.append(boundary.code)
        if imported:
            await log.append_entries(
                connection, [(EntryKind.AREA, code, {"code": code, "shape_source": "import"}) for code in imported], now
            )
            await bump_registry(connection)
            await append_audit(connection, AuditEntry("command line", "area.import", ",".join(imported)), now)
            await append_changes(
                connection, [ChangeRecord(kind="area", id=code, log_time=now, area=code) for code in imported]
            )
    return imported, refused
