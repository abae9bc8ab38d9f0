"""Machine keys: only the SHA-256 of a random secret is kept; the secret is shown once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.account import KeyKind, key_hash, new_key
from ioc.errors import NotFoundError, TransitionError
from ioc.store.audit import AuditEntry, append_audit
from ioc.store.engine import Connection, Database
from ioc.store.registry import bump_registry
from ioc.store.scope import Scope

Row = Mapping[str, Any]
DEVICE_KEYS_LIVE_MAX = 2
COLUMNS = "id, kind, name, device, feed, area, scopes, created_at, created_by, expires_at, revoked_at, last_used_at"
LIVE = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What a new key may do, for whom."""

    kind: KeyKind
    name: str
    actor: str
    device: str | None = None
    feed: str | None = None
    area: str | None = None
    expires_at: datetime | None = None
    address: str | None = None


async def issue_key(database: Database, request: KeyRequest, *, scope: Scope, now: datetime) -> tuple[str, str]:
    """Make a key and return (id, secret); the secret is never to be had again.

    Raises:
        NotFoundError: the device is not inside the wall.
        TransitionError: the device has two live keys already (one for use, one for rotation).
    """
    secret, key_id = new_key(request.kind), f"key_{secrets.token_hex(8)}"
    async with database.transaction() as connection:
        if request.device is not None:
            await _check_device(connection, request.device, scope, now)
        await connection.execute(
            "INSERT INTO api_key (id, kind, hash, name, device, feed, area, created_at, created_by, expires_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            key_id,
            str(request.kind),
            key_hash(secret),
            request.name,
            request.device,
            request.feed,
            request.area,
            now,
            request.actor,
            request.expires_at,
        )
        await bump_registry(connection)
        detail = {"kind": request.kind, "name": request.name, "device": request.device, "area": request.area}
        await append_audit(connection, AuditEntry(request.actor, "key.issue", key_id, request.address, detail), now)
    return key_id, secret


async def _check_device(connection: Connection, device: str, scope: Scope, now: datetime) -> None:
    row = await connection.fetchrow("SELECT area, zone, feed FROM device WHERE id = $1 FOR UPDATE", device)
    if row is None or not scope.sees(area=row["area"], zone=row["zone"], feed=row["feed"]):
        raise NotFoundError("no such device")
    live = await connection.fetchval(f"SELECT count(*) FROM api_key WHERE device = $1 AND {LIVE}", device, now)  # noqa: S608 - own text
    if live >= DEVICE_KEYS_LIVE_MAX:
        raise TransitionError("the device has two live keys: revoke one first")


async def revoke_key(
    database: Database, key_id: str, *, actor: str, address: str | None, now: datetime, device: str | None = None
) -> None:
    """End a key; ``device`` limits it to that device's keys.

    Raises:
        NotFoundError: no such live key.
    """
    async with database.transaction() as connection:
        found = await connection.fetchval(
            "UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL "
            "AND ($3::text IS NULL OR device = $3) RETURNING id",
            key_id,
            now,
            device,
        )
        if found is None:
            raise NotFoundError("no such key")
        await bump_registry(connection)
        await append_audit(connection, AuditEntry(actor, "key.revoke", key_id, address), now)


async def list_keys(connection: Connection, *, device: str | None = None) -> list[Row]:
    """Return keys without their secrets, newest first; device keys only when ``device`` asks for them."""
    rows: list[Row] = await connection.fetch(
        f"SELECT {COLUMNS} FROM api_key WHERE ($1::text IS NULL AND kind <> 'device') OR device = $1 "  # noqa: S608 - own text
        "ORDER BY created_at DESC, id LIMIT 500",
        device,
    )
    return rows


async def find_key(connection: Connection, secret: str, now: datetime) -> Row | None:
    """Return the live key of a secret, or None."""
    row: Row | None = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM api_key WHERE hash = $1 AND {LIVE}",  # noqa: S608 - own text
        key_hash(secret),
        now,
    )
    return row


async def live_keys(connection: Connection, ids: Sequence[str], now: datetime) -> dict[str, Row]:
    """Return those of ``ids`` that still live."""
    rows = await connection.fetch(
        f"SELECT {COLUMNS} FROM api_key WHERE id = ANY($1::text[]) AND {LIVE}",  # noqa: S608 - own text
        list(ids),
        now,
    )
    return {row["id"]: row for row in rows}


async def touch_key(connection: Connection, key_id: str, now: datetime) -> None:
    """Note that a key was used."""
    await connection.execute("UPDATE api_key SET last_used_at = $2 WHERE id = $1", key_id, now)
