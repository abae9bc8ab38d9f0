"""The shift log: lines are added and read inside the wall, and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.roster.note import ShiftNote
from ioc.errors import InvalidInputError
from ioc.store.audit.trail import AuditEntry, Author, append_audit
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.scope import Scope, Where

Row = Mapping[str, Any]
LISTED = """
SELECT n.*, a.number AS alert_number, a.title AS alert_title,
    EXISTS (SELECT 1 FROM shift_note c WHERE c.corrects = n.id) AS corrected
FROM shift_note n LEFT JOIN alert a ON a.id = n.alert
"""
ADD = """
INSERT INTO shift_note (at, author, text, area, zone, alert, corrects) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id
"""


@dataclass(frozen=True, slots=True)
class NoteFilter:
    """Which lines; null does not filter."""

    since: datetime | None = None
    until: datetime | None = None
    alert: str | None = None
    id: int | None = None


async def add_note(database: Database, note: ShiftNote, author: Author, *, scope: Scope) -> int:
    """Add a line and return its number.

    Raises:
        InvalidInputError: the line that it corrects is not there, or lies beyond the author's wall.
    """
    async with database.transaction() as connection:
        if note.corrects is not None and await get_note(connection, note.corrects, scope) is None:
            raise InvalidInputError("there is no such line to correct", field="corrects")
        number: int = await connection.fetchval(
            ADD, author.now, author.name, note.text, note.area, note.zone, note.alert, note.corrects
        )
        detail = {"alert": note.alert, "corrects": note.corrects, "area": note.area or note.zone}
        entry = AuditEntry(author.name, "shift_note.add", str(number), author.address, detail)
        await append_audit(connection, entry, author.wall)
    return number


async def list_notes(
    connection: Connection, wanted: NoteFilter, scope: Scope, *, before: int | None, limit: int
) -> list[Row]:
    """Return lines inside the wall, the newest first, before a number."""
    where = Where().scope(scope, area="n.area", zone="n.zone")
    if wanted.since is not None:
        where.add("n.at >= {}", wanted.since)
    if wanted.until is not None:
        where.add("n.at < {}", wanted.until)
    for column, value in (("n.alert", wanted.alert), ("n.id", wanted.id)):
        if value is not None:
            where.add(f"{column} = {{}}", value)
    if before is not None:
        where.add("n.id < {}", before)
    rows: list[Row] = await connection.fetch(
        f"{LISTED} WHERE {where.sql} ORDER BY n.id DESC LIMIT {where.value(limit)}", *where.arguments
    )
    return rows


async def get_note(connection: Connection, number: int, scope: Scope) -> Row | None:
    """Return one line inside the wall."""
    rows = await list_notes(connection, NoteFilter(id=number), scope, before=None, limit=1)
    return rows[0] if rows else None
