"""Areas as a reader asks for them: every unit with its validities, read at one version of the registry."""

from __future__ import annotations

from ioc.domain.places.area import Zone
from ioc.domain.places.area_book import AreaBook
from ioc.store.postgres.engine import Connection
from ioc.store.registry.registry import area_of

__all__ = ["AreaBook", "load_areas", "read_registry_version"]


async def read_registry_version(connection: Connection) -> int:
    """Return the number that rises with every change of devices, keys or areas."""
    return int(await connection.fetchval("SELECT version FROM registry_version WHERE id = 1") or 0)


async def load_areas(connection: Connection, zones: tuple[Zone, ...]) -> AreaBook:
    """Read every unit; ``zones`` come from the pack."""
    version = await read_registry_version(connection)
    rows = await connection.fetch("SELECT * FROM area ORDER BY code, valid_from")
    areas = tuple(area_of(row) for row in rows)
    return AreaBook(areas=areas, zones=zones, version=version)
