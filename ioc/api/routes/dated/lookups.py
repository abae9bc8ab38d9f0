"""Rows of lookup tables: what people look up, write, take out and take back; each change says why."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BeforeValidator, Field

from ioc.api.auth import READERS, SITE_REGISTRARS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import paging, responses
from ioc.api.http.body import Line, read_body, request_body
from ioc.api.http.filters import RulePage, many
from ioc.api.http.openapi_responses import responses_of
from ioc.api.http.row_filters import LookupFilters
from ioc.api.http.versions import SeenVersion
from ioc.api.routes.rules.rule_edits import EditReason
from ioc.api.serializers import lookups as lookups_json
from ioc.api.serializers.models.dated.lookups import (
    LookupHistoryModel,
    LookupRowListModel,
    LookupRowModel,
    LookupTableListModel,
)
from ioc.api.serializers.nouns import JSONObject
from ioc.api.views.alert_lookups import shown_tables
from ioc.api.wall.caller import Caller
from ioc.domain.dated.row import RowAction, RowFault
from ioc.domain.lookups.row import LookupRow
from ioc.domain.lookups.table import KEY_CHARS_MAX, VALUE_CHARS_MAX, LookupTable
from ioc.domain.search import words_of
from ioc.errors import InvalidInputError, NotFoundError, UnknownValueError, VersionConflictError
from ioc.lookups.check import fault_of, make_row, unknown_table
from ioc.packs.schema_dated import COLUMNS_MAX
from ioc.packs.schema_place import read_day
from ioc.store.audit.trail import AuditEntry
from ioc.store.dated.changes import RowChange, RowDesk, change_rows, undo_row
from ioc.store.dated.rows import RowStep, read_history, row_of
from ioc.store.lookups import reader
from ioc.store.lookups.kind import LOOKUPS

router = APIRouter(prefix="/lookups", tags=["lookups"])
Day = Annotated[date, BeforeValidator(read_day)]
CHANGED = responses_of(LookupRowModel, tagged=True, refused=(409,))
LOOK = "lookup.look"


class LookupForm(EditReason):
    """A row as it shall stand, and why; `data` has its values by column."""

    table: Annotated[Line, Field(min_length=1, max_length=64)]
    row_key: Annotated[Line, Field(alias="key", min_length=1, max_length=KEY_CHARS_MAX)]
    data: Annotated[dict[str, Line | float | None], Field(max_length=COLUMNS_MAX)]
    source: Annotated[Line, Field(min_length=1, max_length=VALUE_CHARS_MAX)]
    verified: bool = False
    valid_from: Day | None = None
    valid_to: Day | None = None


def desk_of(state: APIState) -> RowDesk[LookupRow]:
    """Return where rows of lookup tables are changed."""
    context = state.context
    return RowDesk(LOOKUPS, context.database, context.log, context.clock.now())


def told(fault: RowFault, caller: Caller) -> InvalidInputError:
    """Return the refusal of a fault, in the caller's language."""
    return InvalidInputError(fault.vi if caller.language == "vi" else fault.told, field=fault.member)


async def one_row(identifier: str, caller: Caller, state: APIState, *, with_removed: bool = False) -> JSONObject:
    """Return a row inside the caller's wall, one that was taken out only where that is asked.

    Raises:
        NotFoundError: there is none.
    """
    tables = {table.id: table for table in shown_tables(state.context, caller)}
    async with state.context.database.connection() as connection:
        row = await reader.get_row(
            connection, identifier, list(tables), caller.scope, today=caller.today, with_removed=with_removed
        )
    if row is None:
        raise NotFoundError("no such row")
    return lookups_json.row(row, tables[row["table_id"]])


async def note_look(rows: Sequence[JSONObject], caller: Caller, state: APIState) -> None:
    """Write down who is told restricted rows, before they are."""
    seen = [row for row in rows if row["restricted"]]
    if not seen:
        return
    named = seen[0]["id"] if len(seen) == 1 else ", ".join(sorted({row["table"] for row in seen}))
    detail = {"rows": [row["id"] for row in seen]}
    await state.looks.note(AuditEntry(caller.principal.name, LOOK, named, caller.address, detail))


@router.get("", summary="List rows of lookup tables", **responses_of(LookupRowListModel))
async def list_rows(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, filters: Annotated[LookupFilters, Query()]
) -> Response:
    """Return rows by table and key, each with its `state` on the day `on`, else today.

    `key` is compared as its table compares keys; `q` searches keys and names of devices. `removed=true`: those that
    were taken out. Who is told rows of a restricted table is in the audit trail.
    """
    after = responses.cursor_keys("lookups", filters, (str, str, str))
    tables = {table.id: table for table in _asked_tables(filters, caller, state)}
    wanted = reader.LookupFilter(
        list(tables),
        None if filters.key is None else [(one.id, one.match_key(filters.key)) for one in tables.values()],
        filters.device,
        words_of(filters.q or ""),
        "".join(words_of(filters.q or "")).upper(),
        filters.on,
        removed=filters.removed,
    )
    async with state.context.database.connection() as connection:
        rows = await reader.list_rows(
            connection, wanted, caller.scope, today=caller.today,
            after=(after[0], after[1], after[2]) if after else None, limit=filters.limit + 1,
        )  # fmt: skip
    following = responses.next_cursor("lookups", filters, rows, ("table_id", "match_key", "id"))
    items = [lookups_json.row(row, tables[row["table_id"]]) for row in rows[: filters.limit]]
    await note_look(items, caller, state)
    return responses.json_response({"items": items, "next": following})


def _asked_tables(filters: LookupFilters, caller: Caller, state: APIState) -> list[LookupTable]:
    """Return the tables of the query.

    Raises:
        UnknownValueError: there is no such table for this caller.
    """
    shown, asked = shown_tables(state.context, caller), many(filters.table)
    for name in asked or ():
        if name not in {table.id for table in shown}:
            raise UnknownValueError(unknown_table(name, shown).told, field="table")
    return shown if asked is None else [table for table in shown if table.id in asked]


@router.get("/tables", summary="List the lookup tables", **responses_of(LookupTableListModel))
async def list_tables(caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return the tables that the pack declares, with their columns and the number of their rows."""
    async with state.context.database.connection() as connection:
        counts = await reader.count_rows(connection, caller.scope)
    known = {table.id for table in state.context.pack.lookups}
    items = [lookups_json.table(table, counts.get(table.id, 0)) for table in shown_tables(state.context, caller)]
    left_over = sum(count for name, count in counts.items() if name not in known)
    return responses.json_response({"items": items, "left_over": left_over})


@router.get("/{code}", summary="One row of a lookup table", **responses_of(LookupRowModel, tagged=True))
async def get_row(code: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return one row."""
    row = await one_row(code, caller, state)
    await note_look([row], caller, state)
    return _answer(row)


@router.get("/{code}/history", summary="A row's history", **responses_of(LookupHistoryModel))
async def history(
    code: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep, page: Annotated[RulePage, Query()]
) -> Response:
    """Return who changed a row, when and why, newest first; also of one that was taken out."""
    route = f"lookup-history-{code}"
    found = paging.read_cursor(route, {}, page.cursor, (paging.SmallNumber,))
    row = await one_row(code, caller, state, with_removed=True)
    async with state.context.database.connection() as connection:
        rows = await read_history(connection, LOOKUPS, code, before=found[0] if found else None, limit=page.limit + 1)
    following = paging.make_cursor(route, {}, [rows[page.limit - 1]["number"]]) if len(rows) > page.limit else None
    of = next(table for table in state.context.pack.lookups if table.id == row["table"])
    await note_look([row], caller, state)
    items = [lookups_json.step(step, of) for step in rows[: page.limit]]
    return responses.json_response({"items": items, "next": following})


@router.put("", summary="Write a row of a lookup table", openapi_extra=request_body(LookupForm), **CHANGED)
async def put_row(
    request: Request, caller: Annotated[Caller, Depends(SITE_REGISTRARS)], version: SeenVersion, state: StateDep
) -> Response:
    """Write the row of a table, key and first day; If-Match names the version seen, `"0"` for a new one."""
    state.rules.edits.take(caller.principal.name)
    form = await read_body(request, LookupForm)
    row = await _row_of(form, caller, state)
    await _change(RowChange(row, version), form.why, RowAction.PUT, caller, state)
    return _answer(await one_row(row.id, caller, state))


async def _row_of(form: LookupForm, caller: Caller, state: APIState) -> LookupRow:
    """Return the row of a form.

    Raises:
        InvalidInputError: with the member at fault, and what to do.
    """
    tables = state.context.pack.lookups
    table = next((one for one in tables if one.id == form.table), None)
    if table is None:
        raise told(unknown_table(form.table, tables), caller)
    given: dict[str, Any] = form.model_dump(exclude={"why", "table", "row_key"})
    row = make_row(table, key=form.row_key, **given)
    async with state.context.database.connection() as connection:
        devices = await reader.read_devices(connection, [row.key]) if table.of_devices else {}
    fault = fault_of(row, table, devices=devices)
    if fault is not None:
        raise told(fault, caller)
    return row


@router.delete("/{code}", summary="Take a row out", openapi_extra=request_body(EditReason), **CHANGED)
async def remove_row(
    request: Request,
    code: str,
    caller: Annotated[Caller, Depends(SITE_REGISTRARS)],
    version: SeenVersion,
    state: StateDep,
) -> Response:
    """Take a row out of its table, as if it had never been; its answer's version takes it back (`undo`).

    To end a row, give it its last day.
    """
    state.rules.edits.take(caller.principal.name)
    body = await read_body(request, EditReason)
    async with state.context.database.connection() as connection:
        names = [table.id for table in state.context.pack.lookups]
        found = await reader.get_row(connection, code, names, caller.scope, today=caller.today)
    if found is None:
        raise NotFoundError("no such row")
    change = RowChange(row_of(LOOKUPS, found), version, removed=True)
    await _change(change, body.why, RowAction.REMOVE, caller, state)
    return _answer(await one_row(code, caller, state, with_removed=True))


@router.post("/{code}/undo", summary="Take a row's last change back", openapi_extra=request_body(EditReason), **CHANGED)
async def undo(
    request: Request,
    code: str,
    caller: Annotated[Caller, Depends(SITE_REGISTRARS)],
    version: SeenVersion,
    state: StateDep,
) -> Response:
    """Let a row stand as before its newest change: the one before, or `removed` where there was none."""
    state.rules.edits.take(caller.principal.name)
    body = await read_body(request, EditReason)
    await one_row(code, caller, state, with_removed=True)
    step = RowStep(state.context.wall.now(), RowAction.UNDO, body.why, caller.principal.name, caller.address)
    try:
        await undo_row(desk_of(state), code, version=version, step=step)
    except VersionConflictError as error:
        current = await one_row(code, caller, state, with_removed=True)
        raise VersionConflictError(str(error), current=current) from error
    return _answer(await one_row(code, caller, state, with_removed=True))


async def _change(change: RowChange[LookupRow], why: str, action: RowAction, caller: Caller, state: APIState) -> None:
    step = RowStep(state.context.wall.now(), action, why, caller.principal.name, caller.address)
    try:
        await change_rows(desk_of(state), [change], step)
    except VersionConflictError as error:
        try:
            current = await one_row(change.row.id, caller, state)
        except NotFoundError:
            current = None
        raise VersionConflictError(str(error), current=current) from error


def _answer(body: JSONObject) -> Response:
    return responses.json_response(body, headers={"ETag": f'"{body["version"]}"'})
