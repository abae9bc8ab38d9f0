"""Machine keys: only the SHA-256 of a random secret is kept; the secret is shown once."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.people.account import KeyKind, key_hash, new_key
from ioc.domain.plain_name import required_name
from ioc.errors import ForbiddenError, NotFoundError, TransitionError
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.scope import Scope, Where
from ioc.store.registry.registry import bump_registry

Row = Mapping[str, Any]
DEVICE_KEYS_LIVE_MAX = 2
COLUMNS = "id, kind, name, device, feed, area, scopes, created_at, created_by, expires_at, revoked_at, last_used_at"
WITH_DEVICE = """
SELECT k.id, k.kind, k.name, k.device, k.feed, k.area, k.revoked_at,
  d.area AS device_area, d.zone AS device_zone, d.feed AS device_feed
FROM api_key k LEFT JOIN device d ON d.id = k.device WHERE k.id = $1
"""
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
        ForbiddenError: it is a gateway for devices beyond the wall.
        TransitionError: the device has two live keys already (one for use, one for rotation).
    """
    async with database.transaction() as connection:
        if request.device is not None:
            await _check_device(connection, request.device, scope, now)
        key_id, secret = await insert_key(connection, request, now)
        await bump_registry(connection)
        detail = {"kind": request.kind, "name": request.name, "device": request.device, "area": request.area}
        await append_audit(connection, AuditEntry(request.actor, "key.issue", key_id, request.address, detail), now)
    return key_id, secret


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """A device's new key with its secret, and the old one with its end."""

    id: str
    secret: str
    old: str
    old_until: datetime


async def rotate_key(
    database: Database, request: KeyRequest, *, scope: Scope, old_until: datetime, now: datetime
) -> KeyRotation:
    """Make a new key for a device and let the one that it has end at a time; an earlier end stays.

    Raises:
        NotFoundError: the device is not inside the wall.
        TransitionError: it has two live keys already, or none to take over from.
    """
    assert request.device is not None
    async with database.transaction() as connection:
        await _check_device(connection, request.device, scope, now)
        old = await connection.fetchrow(
            "UPDATE api_key SET expires_at = least(expires_at, $3::timestamptz) "  # noqa: S608 - own text
            f"WHERE device = $1 AND {LIVE} RETURNING id, expires_at",
            request.device,
            now,
            old_until,
        )
        if old is None:
            raise TransitionError("the device has no live key to take over from: issue one")
        key_id, secret = await insert_key(connection, request, now)
        await bump_registry(connection)
        detail = {"device": request.device, "old": old["id"], "old_until": old["expires_at"].isoformat()}
        await append_audit(connection, AuditEntry(request.actor, "key.rotate", key_id, request.address, detail), now)
    return KeyRotation(key_id, secret, old["id"], old["expires_at"])


async def insert_key(connection: Connection, request: KeyRequest, now: datetime) -> tuple[str, str]:
    """Write one key inside the caller's transaction, who also tells the registry and the audit trail."""
    secret, key_id = new_key(request.kind), f"key_{secrets.token_hex(8)}"
    await connection.execute(
        "INSERT INTO api_key (id, kind, hash, name, device, feed, area, created_at, created_by, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        key_id,
        str(request.kind),
        key_hash(secret),
        required_name(request.name),
        request.device,
        request.feed,
        request.area,
        now,
        request.actor,
        request.expires_at,
    )
    return key_id, secret


async def _check_device(connection: Connection, device: str, scope: Scope, now: datetime) -> None:
    row = await connection.fetchrow("SELECT area, zone, feed, gateway FROM device WHERE id = $1 FOR UPDATE", device)
    if row is None or not scope.sees(area=row["area"], zone=row["zone"], feed=row["feed"]):
        raise NotFoundError("no such device")
    if row["gateway"]:
        children = await connection.fetch("SELECT area, zone, feed FROM device WHERE parent = $1", device)
        if not all(scope.sees(area=one["area"], zone=one["zone"], feed=one["feed"]) for one in children):
            raise ForbiddenError("this gateway speaks for devices that are not yours: its keys are not yours to make")
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


async def get_key(connection: Connection, key_id: str) -> Row | None:
    """Return one key without its secret, and where its device is, or None."""
    row: Row | None = await connection.fetchrow(WITH_DEVICE, key_id)
    return row


async def list_keys(
    connection: Connection,
    *,
    device: str | None = None,
    areas: Collection[str] | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 500,
) -> list[Row]:
    """Return keys without their secrets, newest first; device keys only when ``device`` asks for them.

    ``areas``: only those bound to one of these texts; None: all. ``before``: only those after that place of the list.
    """
    where = Where()
    if device is not None:
        where.add("device = {}", device)
    else:
        where.add("kind <> 'device'")
    where.one_of("area", None if areas is None else sorted(areas))
    if before is not None:
        where.add("(created_at, id) < ({}, {})", *before)
    rows: list[Row] = await connection.fetch(
        f"SELECT {COLUMNS} FROM api_key WHERE {where.sql} "  # noqa: S608 - own text
        f"ORDER BY created_at DESC, id DESC LIMIT {where.value(limit)}",
        *where.arguments,
    )
    return rows


async def key_areas(connection: Connection) -> list[str]:
    """Return what keys are bound to, as it was written, each once."""
    rows = await connection.fetch("SELECT DISTINCT area FROM api_key WHERE area IS NOT NULL")
    return [row["area"] for row in rows]


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
