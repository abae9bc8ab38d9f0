"""Limits in sheets: the template, the tables as a workbook, and imports that are tried, applied and undone."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.auth import READERS, RULE_EDITORS
from ioc.api.deps import APIState, StateDep
from ioc.api.http.body import read_body, read_file
from ioc.api.http.body import request_body as body_of
from ioc.api.http.filters import TemplateQuery, WholeList, many
from ioc.api.http.openapi_responses import CSV_TYPE, XLSX_FILE, responses_of
from ioc.api.http.row_filters import LimitSheetFilters, RowImportQuery
from ioc.api.http.versions import SeenVersion
from ioc.api.routes.dated import row_imports
from ioc.api.routes.dated.limits import asked_tables, desk_of
from ioc.api.routes.dated.row_imports import SHEET_BODY, TEMPLATE, ImportDesk, file_response
from ioc.api.routes.rules.rule_edits import EditReason
from ioc.api.serializers import limits as limits_json
from ioc.api.serializers.models.dated.imports import (
    OneLimitImportModel,
    RowImportListModel,
    RowImportModel,
    RowImportPreviewModel,
)
from ioc.api.wall.caller import Caller
from ioc.domain.feed import Label
from ioc.domain.rules.limit_row import LimitRow
from ioc.errors import BodyTooLargeError
from ioc.limits.columns import KNOWN, PASSED_OVER
from ioc.limits.plan import LimitReferences, plan_limits
from ioc.limits.workbook import csv_template, export, template
from ioc.sheets.sheet import FILE_BYTES_MAX
from ioc.store.limits import reader
from ioc.store.postgres.engine import Connection

router = APIRouter(prefix="/limits", tags=["rules"])
EXPORT_ROWS_MAX = 20_000
PAGE_ROWS = 1_000
SENT = responses_of(OneLimitImportModel, status=201, tagged=True, refused=(400, 409))
SENT["responses"][200] = {"model": RowImportPreviewModel, "description": "With `dry_run`: what it would change."}


@router.get("/template", summary="The sheet of limits to fill in", response_class=Response, **TEMPLATE)
async def get_template(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, asked: Annotated[TemplateQuery, Query()]
) -> Response:
    """Return the workbook to fill in, with the tables that rules ask for; `form=csv`: its head alone."""
    name = "gioi-han-mau" if caller.language == "vi" else "limits-template"
    if asked.form == "csv":
        return file_response(csv_template(), f"{name}.csv", CSV_TYPE)
    async with state.context.database.connection() as connection:
        tables, bodies = await asked_tables(connection, state)
    titles = limits_json.titles_of(bodies)
    told = [
        {
            "name": table.name,
            "titles": [titles[rule] for rule in table.rules if rule in titles],
            "units": sorted(table.units),
            "targets": table.targets,
        }
        for _, table in sorted(tables.items())
    ]
    return file_response(await asyncio.to_thread(template, told, language=caller.language), f"{name}.xlsx")


@router.get("/export", summary="Limits as a workbook", response_class=Response, **XLSX_FILE)
async def get_export(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, filters: Annotated[LimitSheetFilters, Query()]
) -> Response:
    """Return the limits that the caller sees as a workbook that an import reads again; its text is never a formula."""
    wanted = reader.LimitFilter(many(filters.name), on=filters.on)
    rows: list[reader.Row] = []
    async with state.context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        tables, bodies = await asked_tables(connection, state)
        after: tuple[str, str] | None = None
        while True:
            page = await reader.list_limits(
                connection, wanted, caller.scope, today=caller.today, after=after, limit=PAGE_ROWS
            )
            rows += page
            if len(rows) > EXPORT_ROWS_MAX:
                raise BodyTooLargeError(f"more than {EXPORT_ROWS_MAX} limits: name a table")
            if len(page) < PAGE_ROWS:
                break
            after = (page[-1]["name"], page[-1]["id"])
    titles = limits_json.titles_of(bodies)
    told = [
        _exported(row, caller, [titles[rule] for rule in tables[row["name"]].rules] if row["name"] in tables else [])
        for row in rows
    ]
    body = await asyncio.to_thread(export, told, language=caller.language)
    return file_response(
        body, f"gioi-han-{caller.today}.xlsx" if caller.language == "vi" else f"limits-{caller.today}.xlsx"
    )


def _exported(row: reader.Row, caller: Caller, titles: list[Label]) -> Mapping[str, Any]:
    told, is_vi = limits_json.limit(row, book=caller.book, today=caller.today), caller.language == "vi"
    target = told["device_name"] or told["area_name"]
    days = {name: row[name] for name in ("valid_from", "valid_to")}
    return {
        **told,
        "rules": ", ".join(title.vi if is_vi else title.en for title in titles),
        "target": told["class"] if target is None else target["vi" if is_vi else "en"],
        **{name: day if day is None or not is_vi else f"{day:%d/%m/%Y}" for name, day in days.items()},
    }


def _desk(caller: Caller, state: APIState) -> ImportDesk[LimitRow]:
    return ImportDesk(desk_of(state), caller, state, dict)


@router.post("/imports", summary="Import a sheet of limits", openapi_extra=SHEET_BODY, **SENT)
async def send(
    request: Request,
    caller: Annotated[Caller, Depends(RULE_EDITORS)],
    state: StateDep,
    asked: Annotated[RowImportQuery, Query()],
) -> Response:
    """Write the limits of a sheet (.xlsx or CSV): all of them or, with a single fault, none.

    `errors` names each cell (422). `dry_run` only says what it would change, and every fault of it. Without it `why`
    is asked for, which each limit's history tells.
    """
    state.rules.edits.take(caller.principal.name)
    body = await read_file(request, FILE_BYTES_MAX)
    table = await row_imports.read_sheet(request, body, state, KNOWN, PASSED_OVER)
    async with state.context.database.connection() as connection:
        plan = await asyncio.to_thread(plan_limits, table, await _around(connection, caller, state))
    return await row_imports.take(_desk(caller, state), plan, body, asked)


async def _around(connection: Connection, caller: Caller, state: APIState) -> LimitReferences:
    tables, _ = await asked_tables(connection, state)
    devices, classes = await reader.read_targets(connection)
    return LimitReferences(
        tables, devices, classes, [unit.code for unit in caller.book.on(caller.today)],
        [zone.code for zone in caller.book.zones],
    )  # fmt: skip


@router.get("/imports", summary="List imports of limits", **responses_of(RowImportListModel))
async def list_imports(
    caller: Annotated[Caller, Depends(RULE_EDITORS)], state: StateDep, page: Annotated[WholeList, Query()]
) -> Response:
    """Return imports, the last one first."""
    return await row_imports.listed(_desk(caller, state), page)


@router.get("/imports/{code}", summary="One import of limits", **responses_of(OneLimitImportModel, tagged=True))
async def get_import(code: str, caller: Annotated[Caller, Depends(RULE_EDITORS)], state: StateDep) -> Response:
    """Return an import with its limits, each as it says it and as it was before."""
    return await row_imports.whole(_desk(caller, state), code)


@router.post(
    "/imports/{code}/undo",
    summary="Undo an import of limits",
    openapi_extra=body_of(EditReason),
    **responses_of(RowImportModel, tagged=True, refused=(409,)),
)
async def undo(
    request: Request, code: str, caller: Annotated[Caller, Depends(RULE_EDITORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Let every limit of an import stand as before it; those that it brought are taken out.

    Refused as a whole (409, `errors` names them) for limits that were changed since.
    """
    state.rules.edits.take(caller.principal.name)
    body = await read_body(request, EditReason)
    return await row_imports.undone(_desk(caller, state), code, version=version, why=body.why)
