"""People and their sessions: passwords as argon2id, of a session only the SHA-256 of its cookie."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from ioc.domain.people.account import Account
from ioc.domain.people.capabilities import Role
from ioc.domain.plain_name import required_name
from ioc.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.statement import columns_of, insert, named, select_list, values_of

Row = Mapping[str, Any]
SESSION_BYTES = 32
SESSIONS_MAX = 20
COLUMNS = ", ".join(columns_of(Account))
INSERT = insert("account", (*columns_of(Account), "password_hash"))
OF_SESSION = ("username", "name", "role", "area", "must_change", "temporary")
"""What a session says of its account."""
SESSION = f"""
SELECT s.id, s.created_at, s.seen_at, {select_list(OF_SESSION, of="a")}
FROM session s JOIN account a ON a.username = s.username
WHERE NOT a.disabled AND s.created_at > $2 AND s.seen_at > $3 AND
"""  # noqa: S608 - own names


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


async def list_accounts(connection: Connection, *, after: str | None = None, limit: int = 2_000) -> list[Row]:
    """Return accounts without their passwords by name, after ``after``."""
    rows: list[Row] = await connection.fetch(
        f"SELECT {COLUMNS} FROM account WHERE $1::text IS NULL OR username > $1 ORDER BY username LIMIT $2",  # noqa: S608 - own text
        after,
        limit,
    )
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
    temporary: bool,
    actor: Actor,
    now: datetime,
) -> None:
    """Add an account whose password its owner should change; a ``temporary`` one opens nothing before that.

    Raises:
        InvalidInputError: the name is taken.
    """
    async with database.transaction() as connection:
        try:
            made = Account(
                username=username, name=required_name(name), role=role, area=area, must_change=True,
                temporary=temporary, created_at=now, updated_at=now,
            )  # fmt: skip
            await connection.execute(*INSERT(**values_of(made), password_hash=password_hash))
        except asyncpg.UniqueViolationError as error:
            raise AlreadyExistsError(f"a user {username} exists already", field="username") from error
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
    if "name" in values:
        values = {**values, "name": required_name(values["name"])}
    async with database.transaction() as connection:
        # One change of accounts at a time: else two admins could disable each other and leave nobody.
        await connection.execute("LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE")
        found = await connection.fetchval(*_update_of(username, values, now))
        if found is None:
            raise NotFoundError("no such user")
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM account WHERE role = 'admin' AND NOT disabled)"):
            raise InvalidInputError("at least one administrator must remain", field="role")
        if set(values) - {"name"}:
            await connection.execute("DELETE FROM session WHERE username = $1", username)
        await append_audit(connection, AuditEntry(actor.name, "user.patch", username, actor.address, dict(values)), now)


async def set_password(
    database: Database,
    username: str,
    password_hash: str,
    *,
    temporary: bool,
    keep_session: str | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Set a new password; every session but ``keep_session`` ends. One that somebody else sets forgets all browsers.

    Raises:
        NotFoundError: no such account.
    """
    async with database.transaction() as connection:
        values = {"password_hash": password_hash, "must_change": actor.name != username, "temporary": temporary}
        found = await connection.fetchval(*_update_of(username, values, now))
        if found is None:
            raise NotFoundError("no such user")
        await connection.execute(
            "DELETE FROM session WHERE username = $1 AND id IS DISTINCT FROM $2", username, keep_session
        )
        if actor.name != username:
            await connection.execute("DELETE FROM known_device WHERE username = $1", username)
        await append_audit(connection, AuditEntry(actor.name, "user.password", username, actor.address), now)


def _update_of(username: str, values: Mapping[str, Any], now: datetime) -> tuple[Any, ...]:
    """Return the statement that changes columns of an account, whose names are ours; it returns the account's name."""
    sets = "".join(f", {name} = :{name}" for name in sorted(values))
    statement = named(
        f"UPDATE account SET version = version + 1, updated_at = :now{sets} "  # noqa: S608 - our own names
        "WHERE username = :account RETURNING username"
    )
    return statement(**values, account=username, now=now)
