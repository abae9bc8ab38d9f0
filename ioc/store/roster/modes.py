"""Duty modes: declared and ended by people, one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ioc.domain.roster.mode import ModeDeclaration, declaration_of
from ioc.errors import InvalidInputError, NotFoundError, TransitionError, VersionConflictError
from ioc.store.audit.trail import AuditEntry, Author, append_audit, settle
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.statement import insert, update, values_of
from ioc.store.roster.rows import lock_roster

Row = Mapping[str, Any]
NOT_OVER = "SELECT * FROM duty_mode WHERE ends_at IS NULL OR ends_at > $1 ORDER BY starts_at, id LIMIT 100"
LISTED = """
SELECT * FROM duty_mode WHERE $1::timestamptz IS NULL OR (starts_at, id) < ($1, $2)
ORDER BY starts_at DESC, id DESC LIMIT $3
"""
CURRENT = """
SELECT * FROM duty_mode WHERE starts_at <= $1 AND (ends_at IS NULL OR ends_at > $1)
ORDER BY starts_at DESC, id DESC LIMIT 1
"""
END = update("duty_mode", ("ends_at", "ended_by", "ended_why", "version"), where="id = :id")


async def declare_mode(database: Database, declared: ModeDeclaration, author: Author) -> None:
    """Declare a duty mode. One that holds when it begins ends then; a later one must be ended first.

    Raises:
        InvalidInputError: it would reach into one that begins later.
    """
    async with database.transaction() as connection:
        await lock_roster(connection)
        for row in await connection.fetch(NOT_OVER, declared.starts_at):
            other = declaration_of(row)
            if other.starts_at > declared.starts_at:
                if declared.ends_at is None or other.starts_at < declared.ends_at:
                    raise InvalidInputError(
                        "another mode is declared to begin meanwhile: end that first", field="ends_at"
                    )
                continue
            ended = replace(other, ends_at=declared.starts_at, version=other.version + 1)
            await _end(connection, ended, author, declared.why)
        values = {
            **values_of(declared), "mode": str(declared.mode), "declared_at": author.now, "declared_by": author.name,
        }  # fmt: skip
        await connection.execute(*insert("duty_mode", values)(**values))
        await _audit(connection, "duty_mode.declare", declared, author)


async def end_mode(database: Database, identifier: str, author: Author, *, version: int, why: str) -> None:
    """End a duty mode now, or take one back that has not begun.

    Raises:
        NotFoundError: there is none. VersionConflictError: somebody else was first. TransitionError: it is over.
    """
    async with database.transaction() as connection:
        await lock_roster(connection)
        row = await connection.fetchrow("SELECT * FROM duty_mode WHERE id = $1", identifier)
        if row is None:
            raise NotFoundError("no such duty mode")
        old = declaration_of(row)
        if old.version != version:
            raise VersionConflictError("somebody else ended this mode first")
        if old.ends_at is not None and old.ends_at <= author.now:
            raise TransitionError("this mode is over: declare another")
        made = replace(old, ends_at=max(author.now, old.starts_at), version=old.version + 1)
        await _end(connection, made, author, why)
        await _audit(connection, "duty_mode.end", made, author)


async def _end(connection: Connection, made: ModeDeclaration, author: Author, why: str) -> None:
    await connection.execute(
        *END(id=made.id, ends_at=made.ends_at, ended_by=author.name, ended_why=why, version=made.version)
    )


async def _audit(connection: Connection, action: str, made: ModeDeclaration, author: Author) -> None:
    entry = AuditEntry(author.name, action, made.id, author.address, settle(values_of(made)))
    await append_audit(connection, entry, author.wall)


async def list_modes(connection: Connection, *, after: tuple[datetime, str] | None, limit: int) -> list[Row]:
    """Return declarations, the newest start first."""
    start, identifier = after or (None, None)
    rows: list[Row] = await connection.fetch(LISTED, start, identifier, limit)
    return rows


async def get_mode(connection: Connection, identifier: str) -> Row | None:
    """Return one declaration."""
    row: Row | None = await connection.fetchrow("SELECT * FROM duty_mode WHERE id = $1", identifier)
    return row


async def current_mode(connection: Connection, at: datetime) -> Row | None:
    """Return the declaration that holds at a moment; None: the normal mode."""
    row: Row | None = await connection.fetchrow(CURRENT, at)
    return row
