"""Keys for the simulated devices of a demo: those that still work are kept, the others are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.people.account import KeyKind, key_hash, new_key
from ioc.store.postgres.engine import Connection, Database
from ioc.store.registry.registry import bump_registry

CREATED_BY = "demo"


@dataclass(frozen=True, slots=True)
class DemoKeys:
    """Registered devices (id, feed, lat, lon) with a working key each, and a working key by feed."""

    devices: list[dict[str, Any]]
    feeds: dict[str, str]


async def demo_keys(database: Database, *, feeds: tuple[str, ...], known: Mapping[str, str], now: datetime) -> DemoKeys:
    """Return a key for each device that has a place and for each of ``feeds``.

    ``known`` holds the secrets of an earlier start by device id and `feed:` name.
    """
    async with database.transaction() as connection:
        rows = await connection.fetch(
            "SELECT id, feed, lat, lon FROM device "
            "WHERE state <> 'retired' AND lat IS NOT NULL AND lon IS NOT NULL ORDER BY id"
        )
        live = {
            bytes(row["hash"])
            for row in await connection.fetch(
                "SELECT hash FROM api_key WHERE revoked_at IS NULL AND created_by = $1", CREATED_BY
            )
        }

        async def working(name: str, kind: KeyKind, *, device: str | None = None, feed: str | None = None) -> str:
            secret = known.get(name, "")
            if key_hash(secret) in live:
                return secret
            return await _issue(connection, kind, device=device, feed=feed, now=now)

        devices = [{**dict(row), "key": await working(row["id"], KeyKind.DEVICE, device=row["id"])} for row in rows]
        by_feed = {feed: await working(f"feed:{feed}", KeyKind.FEED, feed=feed) for feed in feeds}
        await bump_registry(connection)
    return DemoKeys(devices, by_feed)


async def _issue(connection: Connection, kind: KeyKind, *, device: str | None, feed: str | None, now: datetime) -> str:
    secret = new_key(kind)
    await connection.execute(
        "INSERT INTO api_key (id, kind, hash, name, device, feed, created_at, created_by) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        f"key_{key_hash(secret).hex()[:16]}",
        str(kind),
        key_hash(secret),
        "demo",
        device,
        feed,
        now,
        CREATED_BY,
    )
    return secret
