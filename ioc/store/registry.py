"""The registry as the doors read it, and its version that rises with every change."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from ioc.domain.account import KeyKind, KeyRecord
from ioc.domain.area import Area
from ioc.domain.device import Device, DeviceState
from ioc.domain.feed import Label
from ioc.domain.moment import LOCAL_ZONE
from ioc.domain.registry import RegistrySnapshot
from ioc.store.engine import Connection, Database
from ioc.store.wakeup import REGISTRY_CHANNEL

KEYS = """
SELECT k.id, k.kind, k.hash, k.device, k.feed, k.area, k.scopes, k.expires_at
FROM api_key k LEFT JOIN device d ON d.id = k.device
WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $1)
  AND (k.device IS NULL OR d.state <> 'retired')
"""


class RegistryStore:
    """Reads the registry whole; it is small (thousands of rows) and rarely changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
            areas = await connection.fetch(
                "SELECT * FROM area WHERE valid_from <= $1 AND (valid_to IS NULL OR valid_to > $1) ORDER BY code",
                now.astimezone(LOCAL_ZONE).date(),
            )
        return RegistrySnapshot(
            version=version,
            devices={row["id"]: device_of(row) for row in devices},
            keys={bytes(row["hash"]): _key(row) for row in keys},
            areas=tuple(area_of(row) for row in areas),
        )


async def bump_registry(connection: Connection) -> int:
    """Raise the registry's version inside the caller's transaction and wake the doors; return the new version."""
    version: int = await connection.fetchval(
        "UPDATE registry_version SET version = version + 1 WHERE id = 1 RETURNING version"
    )
    await connection.execute("SELECT pg_notify($1, '')", REGISTRY_CHANNEL)
    return version


def device_of(row: asyncpg.Record) -> Device:
    """Return the device of a row of table `device`."""
    return Device(
        id=row["id"],
        feed=row["feed"],
        name=Label(row["name_vi"], row["name_en"]),
        registered_at=row["registered_at"],
        area=row["area"],
        zone=row["zone"],
        lat=row["lat"],
        lon=row["lon"],
        parent=row["parent"],
        owner=row["owner"],
        place=row["place"],
        expected_period_seconds=row["expected_period_seconds"],
        critical=row["critical"],
        state=DeviceState(row["state"]),
        gateway=row["gateway"],
        extra=row["extra"],
        version=row["version"],
    )


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


def _key(row: asyncpg.Record) -> KeyRecord:
    return KeyRecord(
        id=row["id"],
        kind=KeyKind(row["kind"]),
        hash=bytes(row["hash"]),
        device=row["device"],
        feed=row["feed"],
        area=row["area"],
        scopes=frozenset(row["scopes"]),
        expires_at=row["expires_at"],
    )
