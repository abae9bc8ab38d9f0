"""Lookup tables in sheets: templates, rows as a workbook, and imports that are tried, applied and undone."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.auth import READERS, SITE_REGISTRARS
from ioc.api.deps import APIState, StateDep
from ioc.api.http.body import read_body, read_file
from ioc.api.http.body import request_body as body_of
from ioc.api.http.filters import WholeList
from ioc.api.http.openapi_responses import CSV_TYPE, XLSX_FILE, responses_of
from ioc.api.http.row_filters import LookupImportQuery, LookupSheetFilters, LookupTemplateQuery
from ioc.api.http.versions import SeenVersion
from ioc.api.routes.dated import row_imports
from ioc.api.routes.dated.lookups import LOOK, desk_of
from ioc.api.routes.dated.row_imports import SHEET_BODY, TEMPLATE, ImportDesk, file_response
from ioc.api.routes.rules.rule_edits import EditReason
from ioc.api.serializers import lookups as lookups_json
from ioc.api.serializers.models.dated.imports import (
    OneLookupImportModel,
    RowImportListModel,
    RowImportModel,
    RowImportPreviewModel,
)
from ioc.api.serializers.nouns import JSONObject
from ioc.api.views.alert_lookups import shown_tables
from ioc.api.wall.caller import Caller
from ioc.domain.lookups.row import LookupRow
from ioc.domain.lookups.table import ROWS_MAX, LookupTable
from ioc.errors import UnknownValueError
from ioc.lookups.check import unknown_table
from ioc.lookups.columns import PASSED_OVER, known
from ioc.lookups.plan import plan_rows
from ioc.lookups.workbook import csv_template, export, template
from ioc.sheets.sheet import FILE_BYTES_MAX
from ioc.store.audit.trail import AuditEntry
from ioc.store.lookups import reader

router = APIRouter(prefix="/lookups", tags=["lookups"])
PAGE_ROWS = 1_000
SENT = responses_of(OneLookupImportModel, status=201, tagged=True, refused=(400, 409))
SENT["responses"][200] = {"model": RowImportPreviewModel, "description": "With `dry_run`: what it would change."}


def asked_table(name: str, caller: Caller, state: APIState) -> LookupTable:
    """Return the table that a query names.

    Raises:
        UnknownValueError: there is no such table for this caller.
    """
    shown = shown_tables(state.context, caller)
    found = next((table for table in shown if table.id == name), None)
    if found is None:
        raise UnknownValueError(unknown_table(name, shown).told, field="table")
    return found


def _desk(caller: Caller, state: APIState) -> ImportDesk[LookupRow]:
    tables = {table.id: table for table in state.context.pack.lookups}

    def told(entry: Any) -> JSONObject:
        return lookups_json.entry(entry, tables.get(entry["table"]))

    return ImportDesk(desk_of(state), caller, state, told)


async def _look(tables: list[LookupTable], caller: Caller, state: APIState) -> None:
    """Write down who is told what a restricted table has, before they are."""
    named = sorted(table.id for table in tables if table.restricted)
    if named:
        detail = {"rows": "sheet"}
        await state.looks.note(AuditEntry(caller.principal.name, LOOK, ", ".join(named), caller.address, detail))


@router.get("/template", summary="The sheet of a lookup table to fill in", response_class=Response, **TEMPLATE)
async def get_template(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, asked: Annotated[LookupTemplateQuery, Query()]
) -> Response:
    """Return the workbook to fill in; `form=csv`: its head alone."""
    table = asked_table(asked.table, caller, state)
    name = f"tra-cuu-{table.id}-mau" if caller.language == "vi" else f"{table.id}-template"
    if asked.form == "csv":
        return file_response(csv_template(table), f"{name}.csv", CSV_TYPE)
    return file_response(await asyncio.to_thread(template, table, language=caller.language), f"{name}.xlsx")


@router.get("/export", summary="A lookup table as a workbook", response_class=Response, **XLSX_FILE)
async def get_export(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, filters: Annotated[LookupSheetFilters, Query()]
) -> Response:
    """Return the rows of a table as a workbook that an import reads again; its text is never a formula."""
    table = asked_table(filters.table, caller, state)
    wanted = reader.LookupFilter([table.id], on=filters.on)
    rows: list[reader.Row] = []
    async with state.context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        after: tuple[str, str, str] | None = None
        while len(rows) < ROWS_MAX:
            page = await reader.list_rows(
                connection, wanted, caller.scope, today=caller.today, after=after, limit=PAGE_ROWS
            )
            rows += page
            if len(page) < PAGE_ROWS:
                break
            after = (page[-1]["table_id"], page[-1]["match_key"], page[-1]["id"])
    await _look([table], caller, state)
    told = [_exported(row, table, caller) for row in rows]
    body = await asyncio.to_thread(export, table, told, language=caller.language)
    return file_response(body, f"{table.id}-{caller.today}.xlsx")


def _exported(row: reader.Row, table: LookupTable, caller: Caller) -> JSONObject:
    told, is_vi = lookups_json.row(row, table), caller.language == "vi"
    days = {name: row[name] for name in ("valid_from", "valid_to")}
    name = told["device_name"]
    return {
        **told["data"],
        **{member: told[member] for member in ("key", "source", "verified", "state")},
        "name": None if name is None else name["vi" if is_vi else "en"],
        **{member: day if day is None or not is_vi else f"{day:%d/%m/%Y}" for member, day in days.items()},
    }


@router.post("/imports", summary="Import a sheet of a lookup table", openapi_extra=SHEET_BODY, **SENT)
async def send(
    request: Request,
    caller: Annotated[Caller, Depends(SITE_REGISTRARS)],
    state: StateDep,
    asked: Annotated[LookupImportQuery, Query()],
) -> Response:
    """Write the rows of a sheet (.xlsx or CSV) into a table: all of them or, with a single fault, none.

    `errors` names each cell (422). `dry_run` only says what it would change, and every fault of it. Without it `why`
    is asked for, which each row's history tells.
    """
    state.rules.edits.take(caller.principal.name)
    table = asked_table(asked.table, caller, state)
    body = await read_file(request, FILE_BYTES_MAX)
    sheet = await row_imports.read_sheet(request, body, state, known(table), PASSED_OVER)
    async with state.context.database.connection() as connection:
        devices = await reader.read_devices(connection) if table.of_devices else {}
    plan = await asyncio.to_thread(plan_rows, sheet, table, devices)
    await _look([table], caller, state)
    return await row_imports.take(_desk(caller, state), plan, body, asked)


@router.get("/imports", summary="List imports of lookup tables", **responses_of(RowImportListModel))
async def list_imports(
    caller: Annotated[Caller, Depends(SITE_REGISTRARS)], state: StateDep, page: Annotated[WholeList, Query()]
) -> Response:
    """Return imports, the last one first."""
    return await row_imports.listed(_desk(caller, state), page)


@router.get("/imports/{code}", summary="One import of a table", **responses_of(OneLookupImportModel, tagged=True))
async def get_import(code: str, caller: Annotated[Caller, Depends(SITE_REGISTRARS)], state: StateDep) -> Response:
    """Return an import with its rows, each as it says it and as it was before."""
    answer = await row_imports.whole(_desk(caller, state), code)
    await _look(list(state.context.pack.lookups), caller, state)
    return answer


@router.post(
    "/imports/{code}/undo",
    summary="Undo an import of a lookup table",
    openapi_extra=body_of(EditReason),
    **responses_of(RowImportModel, tagged=True, refused=(409,)),
)
async def undo(
    request: Request,
    code: str,
    caller: Annotated[Caller, Depends(SITE_REGISTRARS)],
    version: SeenVersion,
    state: StateDep,
) -> Response:
    """Let every row of an import stand as before it; those that it brought are taken out.

    Refused as a whole (409, `errors` names them) for rows that were changed since.
    """
    state.rules.edits.take(caller.principal.name)
    body = await read_body(request, EditReason)
    return await row_imports.undone(_desk(caller, state), code, version=version, why=body.why)
