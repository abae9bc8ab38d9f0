"""Browsers that have proved an earlier sign-in: of a browser's cookie only the SHA-256 is kept, for each account."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from ioc.store.postgres.engine import Connection

KEPT = timedelta(days=180)
PER_ACCOUNT_MAX = 20


def device_hash(cookie: str) -> bytes:
    """Return what the table keeps of a browser's cookie."""
    return hashlib.sha256(cookie.encode()).digest()


async def knows_device(connection: Connection, cookie: str, now: datetime, *, username: str | None = None) -> bool:
    """Tell whether an account, or with None any account, has signed in with this cookie of late."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM known_device WHERE hash = $1 AND used_at > $2 "
            "AND ($3::text IS NULL OR username = $3))",
            device_hash(cookie), now - KEPT, username,
        )
    )  # fmt: skip


async def remember_device(connection: Connection, username: str, cookie: str, now: datetime) -> None:
    """Note a sign-in of an account with a browser's cookie; beyond twenty the longest unused is forgotten."""
    await connection.execute(
        "INSERT INTO known_device (hash, username, used_at) VALUES ($1, $2, $3) "
        "ON CONFLICT (hash, username) DO UPDATE SET used_at = excluded.used_at",
        device_hash(cookie), username, now,
    )  # fmt: skip
    await connection.execute(
        "DELETE FROM known_device WHERE username = $1 AND hash NOT IN "
        "(SELECT hash FROM known_device WHERE username = $1 ORDER BY used_at DESC, hash LIMIT $2)",
        username, PER_ACCOUNT_MAX,
    )  # fmt: skip
