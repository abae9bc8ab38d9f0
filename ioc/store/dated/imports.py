"""Sheets of dated rows: written as a whole with what was there before, listed, and undone as a whole or not at all."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ioc.domain.dated.row import RowAction
from ioc.errors import NotFoundError, TransitionError, UndoRefusedError, VersionConflictError
from ioc.store.audit.trail import AuditEntry
from ioc.store.dated.changes import RowChange, RowDesk, apply_changes, commit_rows, standing
from ioc.store.dated.rows import RowStep, RowT, lock_rows, read_rows
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.statement import insert

Row = Mapping[str, Any]
COLUMNS = (
    "id, number, state, version, file_name, new_count, changed_count, unchanged_count, why, sent_by, sent_at, "
    "undone_by, undone_at, reason"
)
INSERT_IMPORT = insert(
    "row_import",
    ("id", "kind", "state", "version", "file_name", "file_hash", "new_count", "changed_count", "unchanged_count",
     "why", "sent_by", "sent_at"),
)  # fmt: skip
INSERT_ROW = "INSERT INTO row_import_line (import, row_id, version, body, before) VALUES ($1, $2, $3, $4, $5)"
UNDO = (
    "UPDATE row_import SET state = 'undone', version = version + 1, undone_by = $2, undone_at = $3, reason = $4 "
    "WHERE id = $1"
)
CHANGED = "it was changed after the import: undo that by hand first"
NAMED_MAX = 10


@dataclass(frozen=True, slots=True)
class SentSheet:
    """What somebody sends: the file's name and bytes, and how many of its rows change nothing."""

    file_name: str | None
    body: bytes
    unchanged: int = 0


async def import_rows(
    desk: RowDesk[RowT], changes: Sequence[RowChange[RowT]], step: RowStep, *, sheet: SentSheet
) -> str:
    """Write the rows of a sheet, all of them or none, keep what was before, and return the import's id.

    Raises:
        VersionConflictError: a row was changed meanwhile. TransitionError: the bound on rows.
    """
    kind = desk.kind
    identifier = f"{kind.noun[:2]}_{secrets.token_hex(8)}"
    async with desk.database.transaction() as connection:
        await lock_rows(connection, kind)
        made, old = await apply_changes(connection, kind, changes)
        written = [one for one in made if one != old.get(one.row.id)]
        digest = hashlib.sha256(sheet.body)
        before = {name: one.row.entry() for name, one in old.items() if not one.removed}
        detail = {
            "why": step.why, "file_name": sheet.file_name, "file_sha256": digest.hexdigest(),
            kind.many: [{"id": one.row.id, "version": one.version} for one in written],
        }  # fmt: skip
        audit = AuditEntry(step.actor or "", f"{kind.noun}.{step.action}", identifier, step.address, detail)
        await commit_rows(connection, desk, written, step, audit=audit)
        new = sum(one.row.id not in before for one in written)
        await connection.execute(
            *INSERT_IMPORT(
                id=identifier, kind=kind.noun, state="applied", version=1, file_name=sheet.file_name,
                file_hash=digest.digest(), new_count=new, changed_count=len(written) - new,
                unchanged_count=sheet.unchanged, why=step.why, sent_by=step.actor, sent_at=step.at,
            )
        )  # fmt: skip
        lines = [(identifier, one.row.id, one.version, one.row.entry(), before.get(one.row.id)) for one in written]
        await connection.executemany(INSERT_ROW, lines)
    return identifier


async def list_imports(connection: Connection, noun: str, *, before: int | None, limit: int) -> Sequence[Row]:
    """Return the imports of a kind, the last one first."""
    rows: Sequence[Row] = await connection.fetch(
        f"SELECT {COLUMNS} FROM row_import WHERE kind = $1 AND ($2::bigint IS NULL OR number < $2) "  # noqa: S608 - own text
        "ORDER BY number DESC LIMIT $3",
        noun, before, limit,
    )  # fmt: skip
    return rows


async def get_import(connection: Connection, noun: str, identifier: str) -> Row | None:
    """Return an import without its rows, or None."""
    row: Row | None = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM row_import WHERE kind = $1 AND id = $2",  # noqa: S608 - own text
        noun, identifier,
    )  # fmt: skip
    return row


async def imported_rows(connection: Connection, identifier: str) -> Sequence[Row]:
    """Return the rows of an import: what each says, and what it found in its place."""
    rows: Sequence[Row] = await connection.fetch(
        "SELECT row_id, version, body, before FROM row_import_line WHERE import = $1 ORDER BY row_id", identifier
    )
    return rows


async def undo_import(desk: RowDesk[RowT], identifier: str, *, version: int, step: RowStep) -> None:
    """Let every row of an import stand as before it; those that it brought are taken out.

    Raises:
        NotFoundError, VersionConflictError, TransitionError: there is none, somebody was first, or it is undone.
        UndoRefusedError: rows of it have moved on; it names them.
    """
    kind = desk.kind
    async with desk.database.transaction() as connection:
        await lock_rows(connection, kind)
        found = await connection.fetchrow(
            "SELECT version, state FROM row_import WHERE kind = $1 AND id = $2 FOR UPDATE", kind.noun, identifier
        )
        if found is None:
            raise NotFoundError("no such import")
        if found["version"] != version:
            raise VersionConflictError("somebody else was first with this import")
        if found["state"] != "applied":
            raise TransitionError("it is undone already")
        kept = await imported_rows(connection, identifier)
        old = await read_rows(connection, kind, [row["row_id"] for row in kept])
        _refuse([kind.read_entry(row["body"]).told for row in kept if old[row["row_id"]].version != row["version"]])
        made = [
            await standing(
                connection, kind, kind.read_entry(row["before"] or row["body"]), old[row["row_id"]],
                removed=row["before"] is None,
            )
            for row in kept
        ]  # fmt: skip
        detail = {"why": step.why, kind.many: [{"id": one.row.id, "version": one.version} for one in made]}
        action = f"{kind.noun}.{RowAction.IMPORT}_undo"
        audit = AuditEntry(step.actor or "", action, identifier, step.address, detail)
        await commit_rows(connection, desk, made, step, audit=audit)
        await connection.execute(UNDO, identifier, step.actor, step.at, step.why)


def _refuse(moved: Sequence[str]) -> None:
    """Refuse to undo over what people have changed since.

    Raises:
        UndoRefusedError: they have.
    """
    if moved:
        named = ", ".join(moved[:NAMED_MAX])
        more = f" and {len(moved) - NAMED_MAX} more" if len(moved) > NAMED_MAX else ""
        told = [{"field": each, "code": "changed", "message": CHANGED} for each in moved]
        raise UndoRefusedError(f"nothing was undone, changed after it: {named}{more}", obstacles=told)
