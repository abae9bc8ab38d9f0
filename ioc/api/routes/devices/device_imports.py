"""Devices in sheets: the template, the registry as a workbook, and imports that are tried, applied and undone."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.auth import DEVICE_SHEET_SENDERS, READERS, REGISTRARS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import Reason, read_body, read_file
from ioc.api.http.body import request_body as body_of
from ioc.api.http.filters import (
    DeviceImportQuery,
    DeviceSheetFilters,
    TemplateQuery,
    WholeList,
    check_values,
    many,
)
from ioc.api.http.openapi_responses import CSV_TYPE, XLSX_FILE, XLSX_TYPE, responses_of
from ioc.api.http.versions import SeenVersion
from ioc.api.serializers import device_imports as imports_json
from ioc.api.serializers.models.devices import (
    DeviceImportListModel,
    DeviceImportModel,
    DeviceImportPreviewModel,
    OneDeviceImportModel,
    SentDeviceImportModel,
)
from ioc.api.serializers.nouns import moment
from ioc.api.wall.caller import Caller
from ioc.domain.device import Device
from ioc.domain.feed import DeviceHealth
from ioc.errors import (
    BodyTooLargeError,
    InvalidInputError,
    InvalidSheetError,
    NotFoundError,
    TransitionError,
    UnsupportedMediaTypeError,
    VersionConflictError,
)
from ioc.ingest.pipeline.location import Gazetteer
from ioc.registration.columns import KNOWN, PASSED_OVER
from ioc.registration.plan import ROWS_MAX, ImportPlan, RegistryView, plan_import
from ioc.registration.workbook import csv_template, export, template
from ioc.sheets.csv_sheet import read_csv
from ioc.sheets.sheet import FILE_BYTES_MAX, SheetBounds
from ioc.sheets.table import HEAD_ROWS_MAX, CellFault, SheetTable, read_table
from ioc.store.registry import device_imports, devices
from ioc.store.registry.device_import import DeviceSheet, import_devices, read_devices

router = APIRouter(prefix="/devices", tags=["devices"])
BOUNDS = SheetBounds(rows_max=ROWS_MAX + HEAD_ROWS_MAX, columns_max=60)
EXPORT_ROWS_MAX = 20_000
PAGE_ROWS = 1_000
FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
SHEET_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {XLSX_TYPE: FILE, CSV_TYPE: FILE}}}
TEMPLATE: dict[str, Any] = {"status_code": 200, "responses": {200: {"content": {XLSX_TYPE: FILE, CSV_TYPE: FILE}}}}
SENT = responses_of(SentDeviceImportModel, status=201, tagged=True, refused=(400, 409))
SENT["responses"][200] = {"model": DeviceImportPreviewModel, "description": "With `dry_run`: what it would change."}


@router.get("/template", summary="The sheet of devices to fill in", response_class=Response, **TEMPLATE)
async def get_template(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, asked: Annotated[TemplateQuery, Query()]
) -> Response:
    """Return the workbook to fill in, with the feeds that a device may be of; `form=csv`: its head alone."""
    name = "thiet-bi-mau" if caller.language == "vi" else "devices-template"
    if asked.form == "csv":
        return _file(csv_template(), f"{name}.csv", CSV_TYPE)
    feeds = {
        feed: spec.label for feed, spec in state.context.pack.feeds.items() if feed not in caller.scope.hidden_feeds
    }
    return _file(await asyncio.to_thread(template, feeds, language=caller.language), f"{name}.xlsx", XLSX_TYPE)


@router.get("/export", summary="Devices as a workbook", response_class=Response, **XLSX_FILE)
async def get_export(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, filters: Annotated[DeviceSheetFilters, Query()]
) -> Response:
    """Return what the list shows, all of it, as a workbook that an import reads again; its text is never a formula."""
    context = state.context
    check_values(filters, context.pack)
    chosen = devices.DeviceFilter(many(filters.feed), many(filters.status), filters.parent,
                                  caller.book.asked(filters.q, caller.today),
                                  low_battery=filters.low_battery)  # fmt: skip
    scope = caller.within(filters.area, filters.zone)
    rows: list[devices.Row] = []
    async with context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        after: str | None = None
        while True:
            page = await devices.list_devices(
                connection, chosen, scope, now=context.clock.now(), feeds=context.pack.feeds, after=after,
                limit=PAGE_ROWS,
            )  # fmt: skip
            rows += page
            if len(rows) > EXPORT_ROWS_MAX:
                raise BodyTooLargeError(f"more than {EXPORT_ROWS_MAX} devices: narrow it by feed or area")
            if len(page) < PAGE_ROWS:
                break
            after = page[-1]["id"]
    told = [_exported(row, caller) for row in rows]
    body = await asyncio.to_thread(export, told, language=caller.language)
    return _file(body, f"thiet-bi-{caller.today}.xlsx" if caller.language == "vi" else f"devices-{caller.today}.xlsx")


def _exported(row: devices.Row, caller: Caller) -> Mapping[str, Any]:
    area = caller.book.find(row["area"], caller.today) if row["area"] is not None else None
    name = None if area is None else area.name.vi if caller.language == "vi" else area.name.en
    seen = None if row["last_seen"] is None else moment(row["last_seen"])
    health = {str(kind): row[f"{kind}_value"] for kind in DeviceHealth}
    return {**row, "area_name": name, "last_seen": seen, **health}


def _file(body: bytes, name: str, kind: str = XLSX_TYPE) -> Response:
    return Response(body, 200, {"Content-Disposition": f'attachment; filename="{name}"'}, kind)


@router.post("/imports", summary="Import a sheet of devices", openapi_extra=SHEET_BODY, **SENT)
async def send(
    request: Request,
    caller: Annotated[Caller, Depends(DEVICE_SHEET_SENDERS)],
    state: StateDep,
    asked: Annotated[DeviceImportQuery, Query()],
) -> Response:
    """Register and change devices by a sheet (.xlsx or CSV): all of it or, with a single fault, nothing.

    A filled cell sets, an empty one leaves, `-` clears. `errors` names each cell (422). `dry_run` only says what it
    would change, and every fault of it. `keys`: each new device gets its key, shown in this answer alone.
    """
    body = await read_file(request, FILE_BYTES_MAX)
    table = await _table(request, body, state)
    async with state.context.database.connection() as connection:
        known = await read_devices(connection)
    plan = await asyncio.to_thread(plan_import, table, _registry(known, caller, state))
    if asked.dry_run:
        return responses.json_response(imports_json.preview(plan, known))
    if plan.fault_count:
        raise InvalidSheetError(
            f"{plan.fault_count} faults: nothing was taken", faults=_told(plan.faults, caller.language)
        )
    if not plan.does_something:
        raise InvalidInputError("every row is as the registry has it: there is nothing to import", field="sheet")
    return await _apply(plan, body, asked, caller, state)


async def _apply(plan: ImportPlan, body: bytes, asked: DeviceImportQuery, caller: Caller, state: APIState) -> Response:
    context = state.context
    unchanged = len(plan.rows) - len(plan.created) - len(plan.changed)
    sheet = DeviceSheet(caller.principal.name, caller.address, asked.name, body, unchanged)
    try:
        done = await import_devices(
            context.database, context.log, plan.created, plan.changed, sheet=sheet, keys=asked.keys,
            now=context.clock.now(), wall=context.wall.now(),
        )  # fmt: skip
    except VersionConflictError as error:
        raise TransitionError(str(error)) from error  # the sender has named no version: 412 would say so
    async with context.database.connection() as connection:
        row = await device_imports.get_import(connection, done.id, caller.scope)
        rows = await device_imports.import_rows(connection, done.id)
    assert row is not None, "it was stored a moment ago"
    keys = [{"device": device, "key": key} for device, key in done.keys.items()]
    told = {**imports_json.whole_import(row, rows), "keys": keys}
    return responses.json_response(told, status=201, headers={"ETag": f'"{row["version"]}"'})


def _registry(known: Mapping[str, Device], caller: Caller, state: APIState) -> RegistryView:
    units = caller.book.on(caller.today)
    return RegistryView(
        known, state.context.pack.feeds.keys(), frozenset(unit.code for unit in units), Gazetteer(units),
        now=state.context.clock.now(), box=state.context.pack.box, scope=caller.scope,
    )  # fmt: skip


async def _table(request: Request, body: bytes, state: APIState) -> SheetTable:
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
    return read_table(rows, KNOWN, given=PASSED_OVER)


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


@router.get("/imports", summary="List imports of devices", **responses_of(DeviceImportListModel))
async def list_imports(
    caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep, page: Annotated[WholeList, Query()]
) -> Response:
    """Return imports, the last one first; those that touched a device beyond the caller's wall are not among them."""
    keys = responses.cursor_keys("device-imports", page, (int,))
    async with state.context.database.connection() as connection:
        rows = await device_imports.list_imports(
            connection, caller.scope, before=keys[0] if keys else None, limit=page.limit + 1
        )
    following = responses.next_cursor("device-imports", page, rows, ("number",))
    items = [imports_json.one_import(row) for row in rows[: page.limit]]
    return responses.json_response({"items": items, "next": following})


@router.get(
    "/imports/{device_import}", summary="One import of devices", **responses_of(OneDeviceImportModel, tagged=True)
)
async def get_import(device_import: str, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep) -> Response:
    """Return an import with its devices."""
    async with state.context.database.connection() as connection:
        row = await device_imports.get_import(connection, device_import, caller.scope)
        if row is None:
            raise NotFoundError("no such import")
        rows = await device_imports.import_rows(connection, device_import)
    told = imports_json.whole_import(row, rows)
    return responses.json_response(told, headers={"ETag": f'"{row["version"]}"'})


@router.post(
    "/imports/{device_import}/undo",
    summary="Undo an import of devices",
    openapi_extra=body_of(Reason),
    **responses_of(DeviceImportModel, tagged=True, refused=(409,)),
)
async def undo(
    request: Request,
    device_import: str,
    caller: Annotated[Caller, Depends(REGISTRARS)],
    version: SeenVersion,
    state: StateDep,
) -> Response:
    """Bring back what stood before an import, without the devices that it registered.

    Refused as a whole (409, `errors` names them) for devices that were changed since, and for new ones that have sent
    readings, have limits or maintenance windows of their own, or others below them.
    """
    body = await read_body(request, Reason)
    context = state.context
    wanted = device_imports.UndoRequest(
        device_import, version, caller.principal.name, caller.address, caller.scope, body.reason
    )
    try:
        await device_imports.undo_import(
            context.database, context.log, wanted, now=context.clock.now(), wall=context.wall.now()
        )
    except VersionConflictError as error:
        raise VersionConflictError(str(error), current=await _current(device_import, caller, state)) from error
    told = await _current(device_import, caller, state)
    return responses.json_response(told, headers={"ETag": f'"{told["version"]}"'})


async def _current(identifier: str, caller: Caller, state: APIState) -> Mapping[str, Any]:
    async with state.context.database.connection() as connection:
        row = await device_imports.get_import(connection, identifier, caller.scope)
    if row is None:
        raise NotFoundError("no such import")
    return imports_json.one_import(row)
