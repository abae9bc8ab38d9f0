"""Imports of figures: sending one, and reading them. Nothing of one counts before another account approves it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.indicators.indicator import ImportState, Period
from ioc.errors import TransitionError
from ioc.indicators.check import FigureRow
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.locks import AdvisoryLock, take_lock
from ioc.store.postgres.scope import Where
from ioc.store.postgres.statement import insert

PENDING_MAX = 50
"""Imports that wait at the same time: past it somebody has to look at them first."""
Row = Mapping[str, Any]
COLUMNS = (
    "id, number, state, version, file_name, row_count, sent_by, sent_at, decided_by, decided_at, undone_by, undone_at, "
    "reason"
)
INSERT_ROW = (
    "INSERT INTO indicator_import_row (import, number, indicator, period, plan, actual, extra) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7)"
)


@dataclass(frozen=True, slots=True)
class SheetSubmission:
    """What somebody sends: who, from where, the file's name and bytes."""

    actor: str
    address: str | None
    file_name: str | None
    body: bytes


async def lock_indicators(connection: Connection) -> None:
    """Wait until nobody else changes figures or imports; held until the end of the transaction."""
    await take_lock(connection, AdvisoryLock.INDICATORS)


async def send_import(
    database: Database, submission: SheetSubmission, rows: Sequence[FigureRow], *, wall: datetime
) -> str:
    """Store an import that waits for its approval, and return its id.

    Raises:
        TransitionError: as many wait as may.
    """
    identifier, digest = f"im_{secrets.token_hex(8)}", hashlib.sha256(submission.body).digest()
    async with database.transaction() as connection:
        await lock_indicators(connection)
        pending = await connection.fetchval("SELECT count(*) FROM indicator_import WHERE state = 'pending'")
        if pending >= PENDING_MAX:
            raise TransitionError(f"{PENDING_MAX} imports wait: approve or reject some of them first")
        values = {
            "id": identifier, "state": ImportState.PENDING, "version": 1, "file_name": submission.file_name,
            "file_hash": digest, "row_count": len(rows),
            "sent_by": submission.actor, "sent_at": wall,
        }  # fmt: skip
        await connection.execute(*insert("indicator_import", values)(**values))
        lines = [
            (identifier, row.number, row.indicator, row.period.code, row.plan, row.actual, dict(row.extra))
            for row in rows
        ]
        await connection.executemany(INSERT_ROW, lines)
        detail = {"rows": len(rows), "sha256": digest.hex()}
        entry = AuditEntry(submission.actor, "indicator.sent", identifier, submission.address, detail)
        await append_audit(connection, entry, wall)
    return identifier


async def list_imports(
    connection: Connection, *, state: Sequence[str] | None, sent_by: str | None, before: int | None, limit: int
) -> Sequence[Row]:
    """Return imports, the last sent first; ``sent_by``: only those of one account."""
    where = Where().one_of("state", state)
    if sent_by is not None:
        where.add("sent_by = {}", sent_by)
    if before is not None:
        where.add("number < {}", before)
    sql = f"SELECT {COLUMNS} FROM indicator_import WHERE {where.sql} ORDER BY number DESC LIMIT {where.value(limit)}"  # noqa: S608 - own text
    rows: Sequence[Row] = await connection.fetch(sql, *where.arguments)
    return rows


async def get_import(connection: Connection, identifier: str) -> Row | None:
    """Return an import without its rows, or None."""
    sql = f"SELECT {COLUMNS} FROM indicator_import WHERE id = $1"  # noqa: S608 - own text
    row: Row | None = await connection.fetchrow(sql, identifier)
    return row


async def read_imports(connection: Connection, identifiers: Sequence[str]) -> dict[str, Row]:
    """Return imports by id."""
    sql = f"SELECT {COLUMNS} FROM indicator_import WHERE id = ANY($1::text[])"  # noqa: S608 - own text
    return {row["id"]: row for row in await connection.fetch(sql, list(identifiers))}


async def import_rows(connection: Connection, identifier: str) -> list[tuple[FigureRow, Row | None]]:
    """Return the rows of an import, each with what its approval found in its place."""
    rows = await connection.fetch(
        "SELECT number, indicator, period, plan, actual, extra, before FROM indicator_import_row "
        "WHERE import = $1 ORDER BY number",
        identifier,
    )
    return [(_figure_row(row), row["before"]) for row in rows]


def _figure_row(row: Row) -> FigureRow:
    period = Period.of_code(row["period"])
    assert period is not None, "only what was checked is stored"
    return FigureRow(row["number"], row["indicator"], period, row["plan"], row["actual"], row["extra"])
