"""What people change of dated rows: rows, their history, what the log is told and the audit line, or none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

from ioc.domain.dated.row import RowOrigin
from ioc.errors import NotFoundError, TransitionError, VersionConflictError
from ioc.store.audit.trail import AuditEntry, append_audit, settle
from ioc.store.dated.rows import DatedKind, RowStep, RowT, StoredRow, lock_rows, read_rows, write_rows
from ioc.store.postgres.engine import Connection, Database
from ioc.store.registry.device_changes import EntryAppender


@dataclass(frozen=True, slots=True)
class RowChange(Generic[RowT]):
    """A row as it shall stand; ``version`` is the one that its author has seen, 0: there was none."""

    row: RowT
    version: int
    removed: bool = False


@dataclass(frozen=True, slots=True)
class RowDesk(Generic[RowT]):
    """Where rows of a kind are changed: the log that is told of it, and its clock; a step is dated by the wall."""

    kind: DatedKind[RowT]
    database: Database
    log: EntryAppender
    now: datetime


async def change_rows(desk: RowDesk[RowT], changes: Sequence[RowChange[RowT]], step: RowStep) -> list[StoredRow[RowT]]:
    """Change rows, all of them or none, and return how they then stand; what is so already is left alone.

    Raises:
        NotFoundError: there is none to be taken out. VersionConflictError: somebody else was first.
        TransitionError: the bound on rows.
    """
    async with desk.database.transaction() as connection:
        await lock_rows(connection, desk.kind)
        made, old = await apply_changes(connection, desk.kind, changes)
        written = [one for one in made if one != old.get(one.row.id)]
        await commit_rows(connection, desk, written, step, audit=_audit(desk.kind, written, step))
    return made


async def apply_changes(
    connection: Connection, kind: DatedKind[RowT], changes: Sequence[RowChange[RowT]]
) -> tuple[list[StoredRow[RowT]], dict[str, StoredRow[RowT]]]:
    """Return how rows stand after changes, which nothing has written yet, and how they stand now, by id.

    Raises:
        NotFoundError: there is none to be taken out. VersionConflictError: somebody else was first.
    """
    old = await read_rows(connection, kind, [change.row.id for change in changes])
    return [await _after(connection, kind, change, old.get(change.row.id)) for change in changes], old


async def undo_row(desk: RowDesk[RowT], identifier: str, *, version: int, step: RowStep) -> StoredRow[RowT]:
    """Take back the newest step of a row and return how it then stands: as before it, or taken out.

    Raises:
        NotFoundError: there is no such row. VersionConflictError: somebody else was first.
    """
    kind = desk.kind
    async with desk.database.transaction() as connection:
        await lock_rows(connection, kind)
        old = (await read_rows(connection, kind, [identifier])).get(identifier)
        if old is None:
            raise NotFoundError(f"no such {kind.one}")
        if old.version != version:
            raise VersionConflictError(f"somebody else changed this {kind.one} first")
        body = await connection.fetchval(
            f"SELECT body FROM {kind.history} WHERE {kind.history_id} = $1 AND number = "  # noqa: S608 - own names
            f"(SELECT max(number) FROM {kind.history} WHERE {kind.history_id} = $1) - 1",
            identifier,
        )
        row = old.row if body is None else kind.read_entry(body)
        made = await standing(connection, kind, row, old, removed=body is None)
        await commit_rows(connection, desk, [made], step, audit=_audit(kind, [made], step))
    return made


async def _after(
    connection: Connection, kind: DatedKind[RowT], change: RowChange[RowT], old: StoredRow[RowT] | None
) -> StoredRow[RowT]:
    present = old is not None and not old.removed
    if change.removed and not present:
        raise NotFoundError(f"no such {kind.one}")
    if change.version != (old.version if old is not None and present else 0):
        raise VersionConflictError(f"somebody else changed this {kind.one} first")
    if old is not None and present and not change.removed and old.row == change.row:
        return old
    return await standing(connection, kind, change.row, old, removed=change.removed)


async def standing(
    connection: Connection, kind: DatedKind[RowT], row: RowT, old: StoredRow[RowT] | None, *, removed: bool
) -> StoredRow[RowT]:
    """Return how a row stands: the pack's where it says what the pack says."""
    body: dict[str, Any] | None = None
    if kind.from_pack and not removed:
        body = await connection.fetchval(
            "SELECT body FROM pack_item WHERE kind = $2 AND id = $1 AND NOT removed", row.id, kind.noun
        )
    is_packs = body is not None and kind.read_entry(body) == row
    version = 1 if old is None else old.version + 1
    return StoredRow(row, version, removed, RowOrigin.PACK if is_packs else RowOrigin.SITE)


async def commit_rows(
    connection: Connection, desk: RowDesk[RowT], made: Sequence[StoredRow[RowT]], step: RowStep, *, audit: AuditEntry
) -> None:
    """Write rows, their history, the log's entries and the audit line; nothing where nothing changes.

    Raises:
        TransitionError: the bound on rows.
    """
    if not made:
        return
    kind, positions = desk.kind, list[int]()
    if kind.log_entry is not None:
        # The order of locks is everywhere the same: rows, log head, audit.
        entries = [one.log_entry(kind.log_entry) for one in made]
        positions = list(await desk.log.append_entries(connection, entries, desk.now))
    await write_rows(connection, kind, made, step, positions)
    if await connection.fetchval(f"SELECT count(*) FROM {kind.table} WHERE NOT removed") > kind.rows_max:  # noqa: S608 - own names
        raise TransitionError(f"there would be more than {kind.rows_max} {kind.many}, which is the bound")
    await append_audit(connection, audit, step.at)


def _audit(kind: DatedKind[RowT], made: Sequence[StoredRow[RowT]], step: RowStep) -> AuditEntry:
    detail = {"why": step.why, kind.many: [_told(one) for one in made]}
    named = made[0].row.id if len(made) == 1 else f"{len(made)} {kind.many}"
    return AuditEntry(step.actor or "", f"{kind.noun}.{step.action}", named, step.address, settle(detail))


def _told(one: StoredRow[RowT]) -> dict[str, Any]:
    return {"id": one.row.id, "version": one.version, **({} if one.removed else one.row.entry())}
