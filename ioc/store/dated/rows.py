"""A kind of dated rows: its tables, and how rows and their history are read and written.

Call what reads or writes inside a transaction that holds the kind's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from ioc.domain.dated.row import DatedRow, RowAction, RowOrigin
from ioc.domain.event import EntryKind
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.locks import AdvisoryLock, take_lock
from ioc.store.postgres.statement import columns_of, insert, upsert, values_of

RowT = TypeVar("RowT", bound=DatedRow)
LogEntry = tuple[EntryKind, str, Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class DatedKind(Generic[RowT]):
    """What one kind of dated rows is made of."""

    noun: str
    """In the audit trail (`limit.put`), among imports, and among the pack's items."""
    one: str
    many: str
    """What messages call it, and the member of an audit line that lists some."""
    table: str
    history: str
    history_id: str
    """The column by which the history knows a row."""
    row_type: type[RowT]
    read_entry: Callable[[Mapping[str, Any]], RowT]
    same: tuple[str, ...]
    """The columns in which rows of the same thing are alike: of these one holds on a day."""
    rows_max: int
    lock: AdvisoryLock
    log_entry: EntryKind | None = None
    """What the log says of a change; None: nothing that reads the log asks for these rows."""
    from_pack: bool = False
    """A pack brings rows of it, too: they say whose word they are."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its table that are fields of a row."""
        return columns_of(self.row_type)


@dataclass(frozen=True, slots=True)
class RowStep:
    """Who changes rows, when, how and why; no actor: the pack. ``address`` is where they sit."""

    at: datetime
    action: RowAction
    why: str
    actor: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class StoredRow(Generic[RowT]):
    """A row as it stands, also one that was taken out."""

    row: RowT
    version: int
    removed: bool = False
    origin: RowOrigin = RowOrigin.SITE

    def log_entry(self, kind: EntryKind) -> LogEntry:
        """Return what the log says of it: the full value that the engine folds, or null."""
        return kind, self.row.id, None if self.removed else self.row.entry()


async def lock_rows(connection: Connection, kind: DatedKind[RowT]) -> None:
    """Wait until nobody else changes rows of this kind; held until the end of the transaction."""
    await take_lock(connection, kind.lock)


async def read_rows(connection: Connection, kind: DatedKind[RowT], ids: Sequence[str]) -> dict[str, StoredRow[RowT]]:
    """Return rows by id, also those that were taken out."""
    rows = await connection.fetch(f"SELECT * FROM {kind.table} WHERE id = ANY($1::text[])", list(ids))  # noqa: S608 - own names
    return {row["id"]: stored_row(kind, row) for row in rows}


async def write_rows(
    connection: Connection, kind: DatedKind[RowT], made: Sequence[StoredRow[RowT]], step: RowStep,
    positions: Sequence[int],
) -> None:  # fmt: skip
    """Write how rows stand after a step, and a line of each one's history; ``positions``: in the log, where it is."""
    if not made:
        return
    rows = [
        {
            "id": one.row.id, **values_of(one.row), **({"origin": one.origin} if kind.from_pack else {}),
            "version": one.version, "removed": one.removed, "changed_at": step.at, "changed_by": step.actor,
            "changed_why": step.why,
        }
        for one in made
    ]  # fmt: skip
    lines = [
        {
            kind.history_id: one.row.id, "at": step.at, "actor": step.actor, "action": step.action, "why": step.why,
            "version": one.version, "body": None if one.removed else one.row.entry(),
        }
        for one in made
    ]  # fmt: skip
    if kind.log_entry is not None:
        lines = [{**line, "position": position} for line, position in zip(lines, positions, strict=True)]
    # The log's head may be held by now: all in two trips, however many there are.
    write = upsert(kind.table, rows[0], key="id")
    await connection.executemany(write.sql, [write.arguments(**row) for row in rows])
    number = f"(SELECT coalesce(max(number), 0) + 1 FROM {kind.history} WHERE {kind.history_id} = :{kind.history_id})"  # noqa: S608 - own names
    note = insert(kind.history, (*lines[0], "number"), computed={"number": number})
    await connection.executemany(note.sql, [note.arguments(**line) for line in lines])


async def read_history(
    connection: Connection, kind: DatedKind[RowT], identifier: str, *, before: int | None, limit: int
) -> list[Mapping[str, Any]]:
    """Return the steps of a row, newest first, before a number."""
    rows: list[Mapping[str, Any]] = await connection.fetch(
        f"SELECT * FROM {kind.history} WHERE {kind.history_id} = $1 AND ($2::integer IS NULL OR number < $2) "  # noqa: S608 - own names
        "ORDER BY number DESC LIMIT $3",
        identifier, before, limit,
    )  # fmt: skip
    return rows


def stored_row(kind: DatedKind[RowT], row: Mapping[str, Any]) -> StoredRow[RowT]:
    """Return the row of a record of its table."""
    return StoredRow(
        row_of(kind, row), row["version"], row["removed"],
        RowOrigin(row["origin"]) if kind.from_pack else RowOrigin.SITE,
    )  # fmt: skip


def row_of(kind: DatedKind[RowT], row: Mapping[str, Any]) -> RowT:
    """Return the row that was read, whatever else was read with it."""
    return kind.row_type(**{name: row[name] for name in kind.columns})


def state_sql(kind: DatedKind[RowT], *, of: str, day: str) -> str:
    """Return SQL for how a row of the table ``of`` stands on a day.

    Of the rows of one thing that are valid on a day the newest by its first day holds (docs/rules.md).
    """
    alike = " AND ".join(f"n.{name} IS NOT DISTINCT FROM {of}.{name}" for name in kind.same)
    return (
        f"CASE WHEN {of}.valid_to < {day} THEN 'ended' WHEN {of}.valid_from > {day} THEN 'coming' "  # noqa: S608 - own names
        f"WHEN EXISTS (SELECT 1 FROM {kind.table} n WHERE NOT n.removed AND {alike} "
        f"AND n.valid_from > coalesce({of}.valid_from, '-infinity') AND n.valid_from <= {day} "
        f"AND coalesce(n.valid_to >= {day}, TRUE)) THEN 'replaced' ELSE 'holds' END"
    )
