"""What every import of dated rows does on the command line: checked cell by cell, then written or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from ioc.assembly.context import ProcessContext
from ioc.domain.dated.row import RowAction
from ioc.sheets.csv_sheet import read_csv
from ioc.sheets.row_plan import ROWS_MAX, KnownRow, RowPlan, RowT
from ioc.sheets.sheet import SheetBounds, SheetReader, Value
from ioc.sheets.table import HEAD_ROWS_MAX, CellFault, Column, RowOutcome, SheetTable, read_table
from ioc.store.dated.changes import RowChange, RowDesk
from ioc.store.dated.imports import SentSheet, import_rows
from ioc.store.dated.rows import DatedKind, RowStep, read_rows

ACTOR = "command line"
BOUNDS = SheetBounds(rows_max=ROWS_MAX + HEAD_ROWS_MAX, columns_max=60)
WORKBOOK = ".xlsx"


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read."""

    name: str
    body: bytes
    rows: Sequence[Sequence[Value]]

    def table(self, columns: Sequence[Column], given: frozenset[str]) -> SheetTable:
        """Return its table by the columns that it may have."""
        return read_table(self.rows, columns, given=given)


@dataclass(frozen=True, slots=True)
class RowReport(Generic[RowT]):
    """What came of an import."""

    plan: RowPlan[RowT]
    dry_run: bool = False

    @property
    def problems(self) -> Sequence[CellFault]:
        """The faults, row by row; nothing was written where there is one."""
        return self.plan.faults

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        if self.problems:
            told = [
                {"line": one.row, "cell": one.place, "column": one.column, "code": one.code, "message": one.message.en}
                for one in self.problems
            ]
            return {"problems": told, "problem_count": self.plan.fault_count}
        return {
            "created": [one.row.id for one in self.plan.written if one.version == 0],
            "changed": [one.row.id for one in self.plan.written if one.version != 0],
            "unchanged": self.plan.count(RowOutcome.UNCHANGED),
            "dry_run": self.dry_run,
        }

    def lines(self, file: str) -> list[str]:
        """Return it as lines for people."""
        if self.problems:
            return [*(_line(file, one) for one in self.problems),
                    f"{file}: {self.plan.fault_count} problems, nothing was written"]  # fmt: skip
        new, changed, kept = (
            self.plan.count(outcome) for outcome in (RowOutcome.NEW, RowOutcome.CHANGED, RowOutcome.UNCHANGED)
        )
        counts = f"{new} new, {changed} changed, {kept} as they were"
        return [f"{file}: {counts}{' (dry run: nothing was written)' if self.dry_run else ''}"]


def _line(file: str, one: CellFault) -> str:
    where = f"{file}:{one.row}" if one.row else file
    column = f"{one.column}: " if one.column else ""
    return f"{where}: {column}{one.message.en}{f' ({one.place})' if one.place else ''}"


async def read_file(file: Path) -> ReadFile:
    """Return what stands in a file (.xlsx, else CSV).

    Raises:
        UnreadableBodyError, BodyTooLargeError: the sheet cannot be read, or is longer than is taken.
    """
    body = await asyncio.to_thread(file.read_bytes)
    is_workbook = file.suffix.lower() == WORKBOOK
    rows = await SheetReader(BOUNDS).read(body) if is_workbook else read_csv(body, BOUNDS)
    return ReadFile(file.name, body, rows)


async def take(
    context: ProcessContext, kind: DatedKind[RowT], plan: RowPlan[RowT], file: ReadFile, *, why: str, dry_run: bool
) -> RowReport[RowT]:
    """Write a sheet as a whole; with ``dry_run``, or with a single fault, only say what it would change.

    Raises:
        VersionConflictError: a row was changed meanwhile. TransitionError: the bound on rows.
    """
    async with context.database.connection() as connection:
        stored = await read_rows(connection, kind, plan.ids)
    plan.compare({name: KnownRow(one.row, one.version) for name, one in stored.items() if not one.removed})
    if plan.written and not plan.fault_count and not dry_run:
        step = RowStep(context.wall.now(), RowAction.IMPORT, why, ACTOR)
        changes = [RowChange(one.row, one.version) for one in plan.written]
        sheet = SentSheet(file.name, file.body, plan.count(RowOutcome.UNCHANGED))
        desk = RowDesk(kind, context.database, context.log, context.log_clock.now())
        await import_rows(desk, changes, step, sheet=sheet)
    return RowReport(plan, dry_run)
