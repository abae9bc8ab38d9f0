"""Limits by device, class and area: what people look up, write, take out and take back; each change says why."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BeforeValidator, Field

from ioc.api.auth import READERS, RULE_EDITORS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import paging, responses
from ioc.api.http.body import STORABLE, Line, read_body, request_body
from ioc.api.http.filters import RulePage, many
from ioc.api.http.openapi_responses import responses_of
from ioc.api.http.row_filters import LimitFilters
from ioc.api.http.versions import SeenVersion
from ioc.api.routes.rules.rule_edits import EditReason
from ioc.api.serializers import limits as limits_json
from ioc.api.serializers.models.dated.limits import (
    DatedLimitModel,
    LimitHistoryModel,
    LimitListModel,
    LimitTableListModel,
)
from ioc.api.serializers.nouns import JSONObject
from ioc.api.wall.caller import Caller
from ioc.domain.dated.row import RowAction
from ioc.domain.rules.limit_row import LimitRow
from ioc.errors import InvalidInputError, NotFoundError, VersionConflictError
from ioc.limits.tables import LimitTable, fault_of
from ioc.packs.schema_place import read_day
from ioc.rules.loading.limit_tables import tables_of
from ioc.store.dated.changes import RowChange, RowDesk, change_rows, undo_row
from ioc.store.dated.rows import RowStep, read_history, row_of
from ioc.store.limits import reader
from ioc.store.limits.kind import LIMITS
from ioc.store.postgres.engine import Connection
from ioc.store.registry.devices import get_device

router = APIRouter(prefix="/limits", tags=["rules"])
Day = Annotated[date, BeforeValidator(read_day)]
Name = Annotated[Line, Field(min_length=1, max_length=64)]
CHANGED = responses_of(DatedLimitModel, tagged=True, refused=(409,))


class LimitForm(EditReason):
    """A limit as it shall stand, and why."""

    name: Name
    level: Annotated[str, Field(pattern=r"^(info|low|medium|high|critical)$"), STORABLE] | None = None
    device: Name | None = None
    device_class: Annotated[Name | None, Field(alias="class")] = None
    area: Name | None = None
    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: Annotated[Line, Field(max_length=32)]
    source: Annotated[Line, Field(min_length=1, max_length=400)]
    verified: bool = False
    valid_from: Day | None = None
    valid_to: Day | None = None


def limit_of(form: LimitForm) -> LimitRow:
    """Return the limit of a form.

    Raises:
        InvalidInputError: it is not of one thing, or ends before it begins.
    """
    row = LimitRow(**form.model_dump(exclude={"why"}))
    if sum(target is not None for target in row.targets.values()) != 1:
        raise InvalidInputError("a limit is of one device, of one class or of one area", field="device")
    if row.valid_from is not None and row.valid_to is not None and row.valid_to < row.valid_from:
        raise InvalidInputError("its last day is before its first", field="valid_to")
    return row


def desk_of(state: APIState) -> RowDesk[LimitRow]:
    """Return where limits are changed."""
    context = state.context
    return RowDesk(LIMITS, context.database, context.log, context.clock.now())


async def asked_tables(
    connection: Connection, state: APIState
) -> tuple[dict[str, LimitTable], list[Mapping[str, Any]]]:
    """Return the tables that rules ask for, and the bodies of these rules."""
    bodies = await reader.read_asking_rules(connection)
    return tables_of(bodies, state.context.pack.feeds, state.context.pack.zone), bodies


async def one_limit(identifier: str, caller: Caller, state: APIState, *, with_removed: bool = False) -> JSONObject:
    """Return a limit inside the caller's wall, one that was taken out only where that is asked.

    Raises:
        NotFoundError: there is none.
    """
    async with state.context.database.connection() as connection:
        row = await reader.get_limit(
            connection, identifier, caller.scope, today=caller.today, with_removed=with_removed
        )
    if row is None:
        raise NotFoundError("no such limit")
    return limits_json.limit(row, book=caller.book, today=caller.today)


@router.get("", summary="List limits", **responses_of(LimitListModel))
async def list_limits(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, filters: Annotated[LimitFilters, Query()]
) -> Response:
    """Return limits by table, each with its `state` on the day `on`, else today.

    `inherited=true`: those of the device, of its class and of its places. `removed=true`: those that were taken out.
    """
    after = responses.cursor_keys("limits", filters, (str, str))
    context = state.context
    async with context.database.connection() as connection:
        wanted = await _wanted(connection, filters, caller, state)
        rows = await reader.list_limits(
            connection, wanted, caller.scope, today=caller.today, after=(after[0], after[1]) if after else None,
            limit=filters.limit + 1,
        )  # fmt: skip
    following = responses.next_cursor("limits", filters, rows, ("name", "id"))
    items = [limits_json.limit(row, book=caller.book, today=caller.today) for row in rows[: filters.limit]]
    return responses.json_response({"items": items, "next": following})


async def _wanted(connection: Connection, filters: LimitFilters, caller: Caller, state: APIState) -> reader.LimitFilter:
    """Return the store's filter of the query.

    Raises:
        UnknownValueError: there is no such area.
        NotFoundError: no such device inside the wall, where its inherited limits are asked for.
    """
    names = many(filters.name)
    narrowed = caller.within(filters.area, None)
    places = None if filters.area is None else sorted({*(narrowed.areas or ()), *narrowed.zones})
    if not filters.inherited:
        return reader.LimitFilter(
            names, filters.device, filters.device_class, places, filters.on, removed=filters.removed
        )
    if filters.device is None:
        raise InvalidInputError("say of which device", field="device")
    now, feeds = state.context.clock.now(), state.context.pack.feeds
    device = await get_device(connection, filters.device, caller.scope, now=now, feeds=feeds)
    if device is None:
        raise NotFoundError("no such device")
    tables, _ = await asked_tables(connection, state)
    named = [name for name, table in tables.items() if device["feed"] in table.feeds]
    return reader.LimitFilter(
        named if names is None else [name for name in named if name in names], filters.device, device["device_class"],
        [code for code in (device["area"], device["zone"]) if code is not None], filters.on, with_inherited=True,
        removed=filters.removed,
    )  # fmt: skip


@router.get("/tables", summary="List the tables of limits", **responses_of(LimitTableListModel))
async def list_tables(caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return the tables that rules look their limits up in, and what a row of each may say."""
    del caller
    async with state.context.database.connection() as connection:
        tables, bodies = await asked_tables(connection, state)
    titles = limits_json.titles_of(bodies)
    return responses.json_response({"items": [limits_json.table(tables[name], titles) for name in sorted(tables)]})


@router.get("/{code}", summary="One limit", **responses_of(DatedLimitModel, tagged=True))
async def get_limit(code: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return one limit."""
    return _answer(await one_limit(code, caller, state))


@router.get("/{code}/history", summary="A limit's history", **responses_of(LimitHistoryModel))
async def history(
    code: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep, page: Annotated[RulePage, Query()]
) -> Response:
    """Return who changed a limit, when and why, newest first; also of one that was taken out."""
    route = f"limit-history-{code}"
    found = paging.read_cursor(route, {}, page.cursor, (paging.SmallNumber,))
    await one_limit(code, caller, state, with_removed=True)
    async with state.context.database.connection() as connection:
        rows = await read_history(connection, LIMITS, code, before=found[0] if found else None, limit=page.limit + 1)
    following = paging.make_cursor(route, {}, [rows[page.limit - 1]["number"]]) if len(rows) > page.limit else None
    return responses.json_response({"items": [limits_json.step(row) for row in rows[: page.limit]], "next": following})


@router.put("", summary="Write a limit", openapi_extra=request_body(LimitForm), **CHANGED)
async def put_limit(
    request: Request, caller: Annotated[Caller, Depends(RULE_EDITORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Write the limit of a table, level, target and first day; If-Match names the version seen, `"0"` for a new one."""
    state.rules.edits.take(caller.principal.name)
    form = await read_body(request, LimitForm)
    row = limit_of(form)
    await check_row(row, caller, state)
    await _change(RowChange(row, version), form.why, RowAction.PUT, caller, state)
    return _answer(await one_limit(row.id, caller, state))


async def check_row(row: LimitRow, caller: Caller, state: APIState) -> None:
    """Refuse a limit that no rule would ever look up.

    Raises:
        InvalidInputError: with the member and what to do.
    """
    async with state.context.database.connection() as connection:
        tables, _ = await asked_tables(connection, state)
        devices, classes = await reader.read_targets(connection)
    fault = fault_of(
        row, tables, devices=devices, classes=classes, areas=[unit.code for unit in caller.book.on(caller.today)],
        zones=[zone.code for zone in caller.book.zones],
    )  # fmt: skip
    if fault is not None:
        raise InvalidInputError(fault.vi if caller.language == "vi" else fault.told, field=fault.member)


@router.delete("/{code}", summary="Take a limit out", openapi_extra=request_body(EditReason), **CHANGED)
async def remove_limit(
    request: Request, code: str, caller: Annotated[Caller, Depends(RULE_EDITORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Take a limit out of its table, as if it had never been; its answer's version takes it back (`undo`).

    To end a limit, give it its last day.
    """
    state.rules.edits.take(caller.principal.name)
    body = await read_body(request, EditReason)
    async with state.context.database.connection() as connection:
        found = await reader.get_limit(connection, code, caller.scope, today=caller.today)
    if found is None:
        raise NotFoundError("no such limit")
    change = RowChange(row_of(LIMITS, found), version, removed=True)
    await _change(change, body.why, RowAction.REMOVE, caller, state)
    return _answer(await one_limit(code, caller, state, with_removed=True))


@router.post(
    "/{code}/undo", summary="Take a limit's last change back", openapi_extra=request_body(EditReason), **CHANGED
)
async def undo(
    request: Request, code: str, caller: Annotated[Caller, Depends(RULE_EDITORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Let a limit stand as before its newest change: the one before, or `removed` where there was none."""
    state.rules.edits.take(caller.principal.name)
    body = await read_body(request, EditReason)
    context = state.context
    step = RowStep(context.wall.now(), RowAction.UNDO, body.why, caller.principal.name, caller.address)
    await undo_row(desk_of(state), code, version=version, step=step)
    return _answer(await one_limit(code, caller, state, with_removed=True))


async def _change(change: RowChange[LimitRow], why: str, action: RowAction, caller: Caller, state: APIState) -> None:
    context = state.context
    step = RowStep(context.wall.now(), action, why, caller.principal.name, caller.address)
    try:
        await change_rows(desk_of(state), [change], step)
    except VersionConflictError as error:
        async with context.database.connection() as connection:
            row = await reader.get_limit(connection, change.row.id, caller.scope, today=caller.today)
        current = None if row is None else limits_json.limit(row, book=caller.book, today=caller.today)
        raise VersionConflictError(str(error), current=current) from error


def _answer(body: JSONObject) -> Response:
    return responses.json_response(body, headers={"ETag": f'"{body["version"]}"'})
