"""The registry as the doors read it, and its version that rises with every change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import asyncpg

from ioc.domain.feed import Label
from ioc.domain.moment import LOCAL_ZONE
from ioc.domain.people.account import KeyKind, KeyRecord
from ioc.domain.places.area import Area, Zone
from ioc.domain.places.area_book import AreaBook
from ioc.domain.registry import RegistrySnapshot
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.wakeup import REGISTRY_CHANNEL
from ioc.store.registry.device_row import device_of

KEYS = """
SELECT k.id, k.kind, k.hash, k.device, k.feed, k.area, k.scopes, k.expires_at
FROM api_key k LEFT JOIN device d ON d.id = k.device
WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $1)
  AND (k.device IS NULL OR d.state <> 'retired')
"""


class RegistryStore:
    """Reads the registry whole; it is small (thousands of rows) and rarely changes."""

    def __init__(self, database: Database, zones: Sequence[Zone] = ()) -> None:
        """``zones`` are the pack's: without them a key that is bound to a zone reaches nothing."""
        self._database = database
        self._zones = tuple(zones)

    async def version(self) -> int:
        """Return a number that rises with every change."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval("SELECT version FROM registry_version WHERE id = 1"))

    async def snapshot(self, now: datetime) -> RegistrySnapshot:
        """Return devices, valid keys and the units that stand on the local day of ``now``."""
        async with self._database.connection() as connection, connection.transaction(isolation="repeatable_read"):
            version = await connection.fetchval("SELECT version FROM registry_version WHERE id = 1")
            devices = await connection.fetch("SELECT * FROM device")
            keys = await connection.fetch(KEYS, now)
            areas = await connection.fetch("SELECT * FROM area ORDER BY code, valid_from")
        today = now.astimezone(LOCAL_ZONE).date()
        book = AreaBook(areas=tuple(area_of(row) for row in areas), zones=self._zones, version=version)
        return RegistrySnapshot(
            version=version,
            devices={row["id"]: device_of(row) for row in devices},
            keys={bytes(row["hash"]): _key(row, book, today) for row in keys},
            areas=book.on(today),
        )


async def bump_registry(connection: Connection) -> int:
    """Raise the registry's version inside the caller's transaction and wake the doors; return the new version."""
    version: int = await connection.fetchval(
        "UPDATE registry_version SET version = version + 1 WHERE id = 1 RETURNING version"
    )
    await connection.execute("SELECT pg_notify($1, '')", REGISTRY_CHANNEL)
    return version


def area_of(row: asyncpg.Record) -> Area:
    """Return the area of a row of table `area`."""
    short = Label(row["short_vi"], row["short_en"]) if row["short_vi"] else None
    return Area(
        code=row["code"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        name=Label(row["name_vi"], row["name_en"]),
        short=short,
        level=row["level"],
        zone=row["zone"],
        parent=row["parent"],
        lat=row["lat"],
        lon=row["lon"],
        aliases=tuple(row["aliases"]),
        successors=tuple(row["successors"]),
        shape=row["shape"],
        shape_source=row["shape_source"],
    )


def _key(row: asyncpg.Record, book: AreaBook, today: date) -> KeyRecord:
    return KeyRecord(
        id=row["id"],
        kind=KeyKind(row["kind"]),
        hash=bytes(row["hash"]),
        device=row["device"],
        feed=row["feed"],
        area=row["area"],
        wall=None if row["area"] is None else book.scope_of(row["area"], today),
        scopes=frozenset(row["scopes"]),
        expires_at=row["expires_at"],
    )
