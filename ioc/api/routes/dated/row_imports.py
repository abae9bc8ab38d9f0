"""What every import of dated rows does over HTTP: a sheet is read, tried, written as a whole, listed, and undone."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from fastapi import Request, Response

from ioc.api.deps import APIState
from ioc.api.http import responses
from ioc.api.http.filters import WholeList
from ioc.api.http.openapi_responses import CSV_TYPE, XLSX_TYPE
from ioc.api.http.row_filters import RowImportQuery
from ioc.api.serializers import row_imports as imports_json
from ioc.api.serializers.nouns import JSONObject
from ioc.api.wall.caller import Caller
from ioc.domain.dated.row import RowAction
from ioc.errors import (
    InvalidInputError,
    InvalidSheetError,
    NotFoundError,
    TransitionError,
    UnsupportedMediaTypeError,
    VersionConflictError,
)
from ioc.sheets.csv_sheet import read_csv
from ioc.sheets.row_plan import ROWS_MAX, KnownRow, RowPlan
from ioc.sheets.sheet import SheetBounds
from ioc.sheets.table import HEAD_ROWS_MAX, Column, RowOutcome, SheetTable, read_table
from ioc.store.dated import imports
from ioc.store.dated.changes import RowChange, RowDesk
from ioc.store.dated.rows import RowStep, RowT, read_rows

BOUNDS = SheetBounds(rows_max=ROWS_MAX + HEAD_ROWS_MAX, columns_max=60)
FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
SHEET_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {XLSX_TYPE: FILE, CSV_TYPE: FILE}}}
TEMPLATE: dict[str, Any] = {"status_code": 200, "responses": {200: {"content": {XLSX_TYPE: FILE, CSV_TYPE: FILE}}}}


@dataclass(frozen=True, slots=True)
class ImportDesk(Generic[RowT]):
    """One request about imports of a kind: who asks, where rows are changed, and how an entry is told."""

    desk: RowDesk[RowT]
    caller: Caller
    state: APIState
    told: Callable[[Mapping[str, Any]], JSONObject]

    def step(self, action: RowAction, why: str) -> RowStep:
        """Return the step of a change."""
        now = self.state.context.wall.now()
        return RowStep(now, action, why, self.caller.principal.name, self.caller.address)


async def read_sheet(
    request: Request, body: bytes, state: APIState, columns: Sequence[Column], given: frozenset[str]
) -> SheetTable:
    """Return the table of a body.

    Raises:
        UnsupportedMediaTypeError: it is neither a workbook nor CSV. UnreadableBodyError: it cannot be read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == XLSX_TYPE:
        rows = await state.device_sheets.read(body)
    elif kind == CSV_TYPE:
        rows = await asyncio.to_thread(read_csv, body, BOUNDS)
    else:
        raise UnsupportedMediaTypeError(f"send an .xlsx file as {XLSX_TYPE}, or a CSV file as {CSV_TYPE}")
    return read_table(rows, columns, given=given)


async def take(of: ImportDesk[RowT], plan: RowPlan[RowT], body: bytes, asked: RowImportQuery) -> Response:
    """Answer what a sheet would change, or write it as a whole.

    Raises:
        InvalidSheetError: it has faults. InvalidInputError: no reason is given, or nothing would change.
        TransitionError: a row of it was changed meanwhile.
    """
    async with of.state.context.database.connection() as connection:
        stored = await read_rows(connection, of.desk.kind, plan.ids)
    known = {name: KnownRow(one.row, one.version) for name, one in stored.items() if not one.removed}
    plan.compare(known)
    if asked.dry_run:
        return responses.json_response(imports_json.preview(plan, known))
    if plan.fault_count:
        raise InvalidSheetError(
            f"{plan.fault_count} faults: nothing was taken",
            faults=imports_json.faults(plan.faults, of.caller.language),
        )
    if asked.why is None:
        raise InvalidInputError("say why: the history of each row tells it", field="why")
    if not plan.written:
        raise InvalidInputError("every row is as the tables have it: there is nothing to import", field="sheet")
    sheet = imports.SentSheet(asked.name, body, plan.count(RowOutcome.UNCHANGED))
    changes = [RowChange(one.row, one.version) for one in plan.written]
    try:
        done = await imports.import_rows(of.desk, changes, of.step(RowAction.IMPORT, asked.why), sheet=sheet)
    except VersionConflictError as error:
        # The sender has named no version: 412 would say so.
        raise TransitionError(f"a {of.desk.kind.one} of it was changed meanwhile: look at it again") from error
    return await whole(of, done, status=201)


async def listed(of: ImportDesk[RowT], page: WholeList) -> Response:
    """Answer the imports of a kind, the last one first."""
    noun = of.desk.kind.noun
    keys = responses.cursor_keys(f"{noun}-imports", page, (int,))
    async with of.state.context.database.connection() as connection:
        rows = await imports.list_imports(connection, noun, before=keys[0] if keys else None, limit=page.limit + 1)
    following = responses.next_cursor(f"{noun}-imports", page, rows, ("number",))
    items = [imports_json.one_import(row) for row in rows[: page.limit]]
    return responses.json_response({"items": items, "next": following})


async def whole(of: ImportDesk[RowT], identifier: str, *, status: int = 200) -> Response:
    """Answer one import with its rows.

    Raises:
        NotFoundError: there is none of this kind.
    """
    async with of.state.context.database.connection() as connection:
        row = await imports.get_import(connection, of.desk.kind.noun, identifier)
        if row is None:
            raise NotFoundError("no such import")
        lines = await imports.imported_rows(connection, identifier)
    told = imports_json.whole_import(row, lines, of.told)
    return responses.json_response(told, status=status, headers={"ETag": f'"{row["version"]}"'})


async def undone(of: ImportDesk[RowT], identifier: str, *, version: int, why: str) -> Response:
    """Undo an import as a whole and answer it.

    Raises:
        VersionConflictError: somebody was first; with how it is now.
    """
    try:
        await imports.undo_import(of.desk, identifier, version=version, step=of.step(RowAction.UNDO, why))
    except VersionConflictError as error:
        raise VersionConflictError(str(error), current=await _current(of, identifier)) from error
    told = await _current(of, identifier)
    return responses.json_response(told, headers={"ETag": f'"{told["version"]}"'})


async def _current(of: ImportDesk[RowT], identifier: str) -> JSONObject:
    async with of.state.context.database.connection() as connection:
        row = await imports.get_import(connection, of.desk.kind.noun, identifier)
    if row is None:
        raise NotFoundError("no such import")
    return imports_json.one_import(row)


def file_response(body: bytes, name: str, kind: str = XLSX_TYPE) -> Response:
    """Return a file to be saved."""
    return Response(body, 200, {"Content-Disposition": f'attachment; filename="{name}"'}, kind)
