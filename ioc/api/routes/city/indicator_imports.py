"""Figures of indicators that people send in a sheet: checked cell by cell, approved by another account, undone."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, TypeAdapter, ValidationError

from ioc.api.auth import APPROVERS, PEOPLE, SHEET_SENDERS
from ioc.api.context import ManualDoor
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import Reason, read_body, read_file
from ioc.api.http.body import request_body as body_of
from ioc.api.http.filters import ImportFilters, ImportQuery, many
from ioc.api.http.openapi_responses import XLSX_TYPE, responses_of
from ioc.api.http.versions import SeenVersion
from ioc.api.routes.city.indicators import local_day, visible
from ioc.api.serializers import indicators as indicators_json
from ioc.api.serializers.models.indicators import (
    ImportPreviewModel,
    IndicatorImportListModel,
    IndicatorImportModel,
    OneIndicatorImportModel,
)
from ioc.api.wall.caller import Caller
from ioc.domain.event import Message
from ioc.domain.indicators.indicator import ImportState
from ioc.domain.manual_entry import ManualReading
from ioc.errors import (
    InvalidInputError,
    InvalidSheetError,
    NotFoundError,
    QueueFullError,
    UnsupportedMediaTypeError,
    VersionConflictError,
)
from ioc.indicators.check import ROWS_MAX, check_sheet
from ioc.indicators.columns import GIVEN, columns_of
from ioc.sheets.sheet import FILE_BYTES_MAX
from ioc.sheets.table import Cell, CellFault, Column, SheetRow, SheetTable, read_table
from ioc.store.indicators import approval, imports
from ioc.store.indicators.figures import figure_json, read_figures

router = APIRouter(prefix="/indicators", tags=["indicators"])
TEXT_CHARS_MAX = 400
Value = float | str | bool | None
ROWS: TypeAdapter[list[dict[str, Value]]] = TypeAdapter(
    Annotated[
        list[Annotated[dict[Annotated[str, Field(max_length=64)], Value], Field(max_length=60)]],
        Field(min_length=1, max_length=ROWS_MAX),
    ]
)
JSON_ROWS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["rows"],
    "properties": {
        "rows": {
            "type": "array",
            "minItems": 1,
            "maxItems": ROWS_MAX,
            "items": {
                "type": "object",
                "description": "Columns of the template by their id: indicator, period, plan, actual, unit, agency.",
                "additionalProperties": {"type": ["number", "string", "boolean", "null"]},
            },
        }
    },
}
SHEET_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}},
            "application/json": {"schema": JSON_ROWS},
        },
    }
}
CHANGED = responses_of(OneIndicatorImportModel, tagged=True, refused=(409,))
SENT = responses_of(IndicatorImportModel, status=201, tagged=True, refused=(400, 409))
SENT["responses"][200] = {"model": ImportPreviewModel, "description": "With `dry_run`: what it would bring."}


@router.post("/import", summary="Send a sheet of figures", openapi_extra=SHEET_BODY, **SENT)
async def send(
    request: Request,
    caller: Annotated[Caller, Depends(SHEET_SENDERS)],
    state: StateDep,
    asked: Annotated[ImportQuery, Query()],
) -> Response:
    """Check a sheet (.xlsx, or rows as JSON) and keep it until another account approves it.

    With a single fault nothing is kept: `errors` names each cell (422). `dry_run` only says what it would bring, and
    every fault of it.
    """
    body = await read_file(request, FILE_BYTES_MAX)
    indicators = {one.code: one for one in visible(state, caller.scope)}
    columns = columns_of(indicators.values())
    sheet = await _sheet(request, body, columns, state)
    checked = check_sheet(sheet, indicators, columns, local_day(state))
    if asked.dry_run:
        async with state.context.database.connection() as connection:
            figures = await read_figures(connection, sorted({row.indicator for row in checked.rows}))
        return responses.json_response(indicators_json.preview(sheet, checked, columns, figures))
    if checked.fault_count:
        raise InvalidSheetError(
            f"{checked.fault_count} faults: nothing was taken", faults=_told(checked.faults, caller.language)
        )
    submission = imports.SheetSubmission(caller.principal.name, caller.address, asked.name, body)
    identifier = await imports.send_import(
        state.context.database, submission, checked.rows, wall=state.context.wall.now()
    )
    async with state.context.database.connection() as connection:
        row = await imports.get_import(connection, identifier)
    assert row is not None, "it was stored a moment ago"
    return responses.json_response(indicators_json.one_import(row), status=201, headers={"ETag": f'"{row["version"]}"'})


@router.get("/imports", summary="List imports of figures", **responses_of(IndicatorImportListModel))
async def list_imports(
    caller: Annotated[Caller, Depends(PEOPLE)], state: StateDep, filters: Annotated[ImportFilters, Query()]
) -> Response:
    """Return imports, the last sent first; who does not see every area sees those that they sent."""
    keys = responses.cursor_keys("indicator-imports", filters, (int,))
    async with state.context.database.connection() as connection:
        rows = await imports.list_imports(
            connection,
            state=many(filters.state),
            sent_by=None if caller.scope.areas is None else caller.principal.name,
            before=keys[0] if keys else None,
            limit=filters.limit + 1,
        )
    following = responses.next_cursor("indicator-imports", filters, rows, ("number",))
    items = [indicators_json.one_import(row) for row in rows[: filters.limit]]
    return responses.json_response({"items": items, "next": following})


@router.get("/imports/{code}", summary="One import of figures", **responses_of(OneIndicatorImportModel, tagged=True))
async def get_import(code: str, caller: Annotated[Caller, Depends(PEOPLE)], state: StateDep) -> Response:
    """Return an import with its rows, and what stands or stood in their place."""
    return await _answer(code, caller, state)


@router.post("/imports/{code}/approve", summary="Approve an import of figures", **CHANGED)
async def approve(
    code: str, caller: Annotated[Caller, Depends(APPROVERS)], version: SeenVersion, state: StateDep
) -> Response:
    """Let an import count: figures stand, and each actual is an event of its feed. Who sent it cannot (403)."""
    return await _decided(approval.Decision(code, version, caller.principal.name, caller.address), caller, state)


@router.post("/imports/{code}/reject", summary="Reject an import of figures", openapi_extra=body_of(Reason), **CHANGED)
async def reject(
    request: Request, code: str, caller: Annotated[Caller, Depends(APPROVERS)], version: SeenVersion, state: StateDep
) -> Response:
    """Refuse an import, with the reason: nothing of it will count."""
    body = await read_body(request, Reason)
    decision = approval.Decision(code, version, caller.principal.name, caller.address, body.reason)
    return await _decided(decision, caller, state, deed="reject")


@router.post("/imports/{code}/undo", summary="Undo an import of figures", openapi_extra=body_of(Reason), **CHANGED)
async def undo(
    request: Request, code: str, caller: Annotated[Caller, Depends(APPROVERS)], version: SeenVersion, state: StateDep
) -> Response:
    """Bring back what stood before an approved import: former figures, events withdrawn or as they were."""
    body = await read_body(request, Reason)
    decision = approval.Decision(code, version, caller.principal.name, caller.address, body.reason)
    return await _decided(decision, caller, state, deed="undo")


async def _sheet(request: Request, body: bytes, columns: Sequence[Column], state: APIState) -> SheetTable:
    """Return the table of a body: of a workbook, or of rows as JSON.

    Raises:
        UnsupportedMediaTypeError: it is neither. UnreadableBodyError, InvalidInputError: it cannot be read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == XLSX_TYPE:
        return read_table(await state.sheets.read(body), columns, given=GIVEN)
    if kind == "application/json":
        return _json_table(body, columns)
    raise UnsupportedMediaTypeError(f"send an .xlsx file as {XLSX_TYPE}, or application/json")


def _json_table(body: bytes, columns: Sequence[Column]) -> SheetTable:
    """Return rows that came as JSON as a table; a place is `rows[0].plan`."""
    try:
        told = orjson.loads(body)
        if not isinstance(told, dict) or set(told) != {"rows"}:
            raise InvalidInputError('send {"rows": [{"indicator": ..., "period": ..., "actual": ...}]}', field="rows")
        rows = ROWS.validate_python(told["rows"])
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"][:2])
        message = f"rows: at most {ROWS_MAX}, each an object of numbers and texts"
        raise InvalidInputError(message, field=f"rows.{where}"[:80]) from error
    except ValueError as error:
        raise InvalidInputError("the body is not strict JSON") from error
    known = {column.id for column in columns}
    unknown = next((name for row in rows for name in row if name not in known), None)
    if unknown is not None:
        raise InvalidInputError(f"there is no column {unknown:.40}; there are {', '.join(sorted(known))}", field="rows")
    return SheetTable(
        tuple(
            SheetRow(
                number + 1, {name: Cell(f"rows[{number}].{name}", _told_value(value)) for name, value in row.items()}
            )
            for number, row in enumerate(rows)
        )
    )


def _told_value(value: Value) -> Value:
    return value.replace("\x00", "")[:TEXT_CHARS_MAX].strip() or None if isinstance(value, str) else value


def _told(faults: Sequence[CellFault], language: str) -> list[Mapping[str, str]]:
    """Return faults as a problem names them, in the caller's language."""
    return [
        {
            "field": one.place or one.column or "sheet",
            "code": one.code,
            "message": one.message.vi if language == "vi" else one.message.en,
        }
        for one in faults
    ]


def _door(state: APIState) -> ManualDoor:
    if state.context.manual is None:
        raise QueueFullError("this process takes nothing in")
    return state.context.manual


async def _decided(decision: approval.Decision, caller: Caller, state: APIState, *, deed: str = "approve") -> Response:
    """Approve, reject or undo, and answer with the import as it then is."""
    context = state.context
    door = _door(state)
    now = context.clock.now()

    async def prepare(reading: ManualReading) -> Message:
        return await door.imported(reading, now=now)

    desk = approval.Desk(
        context.database, context.log, prepare, {one.code: one for one in context.pack.indicators},
        context.pack.feeds, context.pack.zone, now, context.wall.now(),
    )  # fmt: skip
    stored: list[Message] = []
    try:
        if deed == "reject":
            await approval.reject(desk, decision)
        else:
            stored = await (approval.approve if deed == "approve" else approval.undo)(desk, decision)
    except VersionConflictError as error:
        async with context.database.connection() as connection:
            row = await imports.get_import(connection, decision.identifier)
        current = None if row is None else indicators_json.one_import(row)
        raise VersionConflictError(str(error), current=current) from error
    for message in stored:
        door.count(message)
    return await _answer(decision.identifier, caller, state)


async def _answer(identifier: str, caller: Caller, state: APIState) -> Response:
    """Return an import with its rows, as its ETag says it.

    Raises:
        NotFoundError: there is none, or the caller neither sees every area nor has sent it.
    """
    async with state.context.database.connection() as connection:
        row = await imports.get_import(connection, identifier)
        if row is None or (caller.scope.areas is not None and row["sent_by"] != caller.principal.name):
            raise NotFoundError("no such import")
        rows = await imports.import_rows(connection, identifier)
        figures = {}
        if row["state"] == ImportState.PENDING:
            figures = await read_figures(connection, sorted({each.indicator for each, _ in rows}))
    told = [
        indicators_json.import_row(
            each, before if before is not None else figure_json(figures.get((each.indicator, each.period.code)))
        )
        for each, before in rows
    ]
    return responses.json_response(
        {**indicators_json.one_import(row), "rows": told}, headers={"ETag": f'"{row["version"]}"'}
    )
