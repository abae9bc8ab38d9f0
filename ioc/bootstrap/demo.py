"""The demo's devices: a key for each device of the pack, in a file that only the simulators' user can read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import asyncpg

from ioc.bootstrap.parts import Parts
from ioc.domain.account import KeyKind, key_hash, new_key
from ioc.store.registry import bump_registry

CITIZEN_FEED = "citizen_report"
CREATED_BY = "demo"


async def write_devices(parts: Parts) -> Path:
    """Write devices.json (mode 0600) with a working key for each device; keys that still work are kept."""
    path = parts.settings.data_dir / "devices.json"
    secrets_known = _known_secrets(path)
    async with parts.database.transaction() as connection:
        rows = await connection.fetch("SELECT id, feed, lat, lon FROM device WHERE state <> 'retired' ORDER BY id")
        live = {
            bytes(row["hash"])
            for row in await connection.fetch(
                "SELECT hash FROM api_key WHERE revoked_at IS NULL AND created_by = $1", CREATED_BY
            )
        }
        devices = []
        for row in rows:
            if row["lat"] is None or row["lon"] is None:
                continue
            secret = secrets_known.get(row["id"], "")
            if key_hash(secret) not in live:
                secret = await _issue(connection, parts, kind=KeyKind.DEVICE, device=row["id"], feed=None)
            devices.append({**dict(row), "key": secret})
        feed_secret = secrets_known.get(f"feed:{CITIZEN_FEED}", "")
        if key_hash(feed_secret) not in live:
            feed_secret = await _issue(connection, parts, kind=KeyKind.FEED, device=None, feed=CITIZEN_FEED)
        await bump_registry(connection)
    _write(path, {"devices": devices, "feed_keys": {CITIZEN_FEED: feed_secret}})
    return path


async def _issue(
    connection: asyncpg.Connection, parts: Parts, *, kind: KeyKind, device: str | None, feed: str | None
) -> str:
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
        parts.log_clock.now(),
        CREATED_BY,
    )
    return secret


def _known_secrets(path: Path) -> dict[str, str]:
    """Return the secrets of an earlier start, by device id and `feed:` name."""
    try:
        content = json.loads(path.read_text())
        found = {item["id"]: item["key"] for item in content["devices"]}
        found.update({f"feed:{feed}": secret for feed, secret in content["feed_keys"].items()})
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found


def _write(path: Path, content: dict[str, Any]) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=1)
