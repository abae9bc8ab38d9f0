"""People and their sessions: passwords as argon2id, of a session only the SHA-256 of its cookie."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from ioc.domain.account import Role
from ioc.errors import InvalidInputError, NotFoundError
from ioc.store.audit import AuditEntry, append_audit
from ioc.store.engine import Connection, Database

Row = Mapping[str, Any]
SESSION_BYTES = 32
SESSIONS_MAX = 20
COLUMNS = "username, name, role, area, must_change, disabled, created_at, updated_at, version"
SESSION = """
SELECT s.id, s.username, s.created_at, s.seen_at, a.name, a.role, a.area, a.must_change
FROM session s JOIN account a ON a.username = s.username
WHERE NOT a.disabled AND s.created_at > $2 AND s.seen_at > $3 AND
"""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lives without use, and at most."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes an account, from where."""

    name: str
    address: str | None = None


def session_hash(cookie: str) -> bytes:
    """Return what the table keeps of a cookie."""
    return hashlib.sha256(cookie.encode()).digest()


async def password_of(connection: Connection, username: str) -> Row | None:
    """Return name, password_hash, role, area, disabled and must_change of an account, or None."""
    row: Row | None = await connection.fetchrow("SELECT * FROM account WHERE username = $1", username)
    return row


async def open_session(
    database: Database, username: str, *, address: str | None, agent: str | None, now: datetime
) -> tuple[str, str]:
    """Start a session and return (id, cookie). Beyond twenty the one that was unused for longest ends.

    Not the oldest: that may be the desk at which somebody has watched since the shift began.
    """
    cookie, session_id = secrets.token_urlsafe(SESSION_BYTES), f"ses_{secrets.token_hex(8)}"
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO session (hash, id, username, created_at, seen_at, address, agent) "
            "VALUES ($1, $2, $3, $4, $4, $5, $6)",
            session_hash(cookie),
            session_id,
            username,
            now,
            address,
            (agent or "")[:200],
        )
        await connection.execute(
            "DELETE FROM session WHERE username = $1 AND id NOT IN "
            "(SELECT id FROM session WHERE username = $1 ORDER BY seen_at DESC, created_at DESC, id LIMIT $2)",
            username,
            SESSIONS_MAX,
        )
        await append_audit(connection, AuditEntry(username, "session.open", session_id, address), now)
    return session_id, cookie


async def find_session(connection: Connection, cookie: str, *, now: datetime, limits: SessionLimits) -> Row | None:
    """Return the live session of a cookie with its account, or None."""
    row: Row | None = await connection.fetchrow(
        f"{SESSION} s.hash = $1", session_hash(cookie), now - limits.absolute, now - limits.idle
    )
    return row


async def live_sessions(
    connection: Connection, ids: Sequence[str], *, now: datetime, limits: SessionLimits
) -> dict[str, Row]:
    """Return those of ``ids`` that still live, with their accounts."""
    rows = await connection.fetch(
        f"{SESSION} s.id = ANY($1::text[])", list(ids), now - limits.absolute, now - limits.idle
    )
    return {row["id"]: row for row in rows}


async def touch_session(connection: Connection, session_id: str, now: datetime) -> None:
    """Note that a session was used."""
    await connection.execute("UPDATE session SET seen_at = greatest(seen_at, $2) WHERE id = $1", session_id, now)


async def close_session(
    database: Database, session_id: str, *, username: str, address: str | None, now: datetime
) -> None:
    """End one session."""
    async with database.transaction() as connection:
        if await connection.fetchval("DELETE FROM session WHERE id = $1 RETURNING id", session_id):
            await append_audit(connection, AuditEntry(username, "session.close", session_id, address), now)


async def list_accounts(connection: Connection) -> list[Row]:
    """Return every account without its password (at most 2,000)."""
    rows: list[Row] = await connection.fetch(f"SELECT {COLUMNS} FROM account ORDER BY username LIMIT 2000")  # noqa: S608 - own text
    return rows


async def accounts_with_passwords(connection: Connection) -> list[dict[str, Any]]:
    """Return the enabled accounts with the hash of their password, for a drill beside this instance: same people."""
    rows = await connection.fetch(
        "SELECT username, name, role, area, password_hash FROM account WHERE NOT disabled ORDER BY username LIMIT 2000"
    )
    return [dict(row) for row in rows]


async def get_account(connection: Connection, username: str) -> Row | None:
    """Return one account without its password, or None."""
    row: Row | None = await connection.fetchrow(f"SELECT {COLUMNS} FROM account WHERE username = $1", username)  # noqa: S608 - own text
    return row


async def create_account(
    database: Database,
    *,
    username: str,
    name: str,
    role: Role,
    area: str | None,
    password_hash: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Add an account whose password its owner must change.

    Raises:
        InvalidInputError: the name is taken.
    """
    async with database.transaction() as connection:
        try:
            await connection.execute(
                "INSERT INTO account (username, name, password_hash, role, area, must_change, created_at, updated_at) "
                "VALUES ($1, $2, $3, $4, $5, true, $6, $6)",
                username,
                name,
                password_hash,
                str(role),
                area,
                now,
            )
        except asyncpg.UniqueViolationError as error:
            raise InvalidInputError(f"a user {username} exists already", field="username") from error
        detail = {"role": role, "area": area}
        await append_audit(connection, AuditEntry(actor.name, "user.create", username, actor.address, detail), now)


async def patch_account(
    database: Database, username: str, values: Mapping[str, Any], *, actor: Actor, now: datetime
) -> None:
    """Change name, role, area or disabled. Any but the name ends every session of the account.

    Raises:
        NotFoundError: no such account.
        InvalidInputError: nobody would be left to administer.
    """
    assert set(values) <= {"name", "role", "area", "disabled"}, values
    async with database.transaction() as connection:
        # One change of accounts at a time: else two admins could disable each other and leave nobody.
        await connection.execute("LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE")
        sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, start=3))
        found = await connection.fetchval(
            f"UPDATE account SET version = version + 1, updated_at = $2{', ' if sets else ''}{sets} "  # noqa: S608 - names are checked
            "WHERE username = $1 RETURNING username",
            username,
            now,
            *values.values(),
        )
        if found is None:
            raise NotFoundError("no such user")
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM account WHERE role = 'admin' AND NOT disabled)"):
            raise InvalidInputError("at least one administrator must remain", field="role")
        if set(values) - {"name"}:
            await connection.execute("DELETE FROM session WHERE username = $1", username)
        await append_audit(connection, AuditEntry(actor.name, "user.patch", username, actor.address, dict(values)), now)


async def set_password(
    database: Database, username: str, password_hash: str, *, keep_session: str | None, actor: Actor, now: datetime
) -> None:
    """Set a new password; every session but ``keep_session`` ends."""
    async with database.transaction() as connection:
        found = await connection.fetchval(
            "UPDATE account SET password_hash = $2, must_change = $4, updated_at = $3, version = version + 1 "
            "WHERE username = $1 RETURNING username",
            username,
            password_hash,
            now,
            actor.name != username,
        )
        if found is None:
            raise NotFoundError("no such user")
        await connection.execute(
            "DELETE FROM session WHERE username = $1 AND id IS DISTINCT FROM $2", username, keep_session
        )
        await append_audit(connection, AuditEntry(actor.name, "user.password", username, actor.address), now)
