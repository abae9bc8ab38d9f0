"""Shifts: who of a unit is on duty from when to when; swapped, stood in for, taken out and back."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.auth import OPERATORS, REGISTRARS
from ioc.api.deps import StateDep
from ioc.api.http import paging, responses
from ioc.api.http.body import Reasoned, read_body, request_body
from ioc.api.http.filters import RulePage, check_values
from ioc.api.http.openapi_responses import responses_of
from ioc.api.http.versions import SeenVersion
from ioc.api.routes.roster import entries
from ioc.api.routes.roster.forms import (
    OverrideForm,
    ShiftFilters,
    ShiftForm,
    SwapForm,
    check_times,
    window_of,
)
from ioc.api.serializers.roster import shifts as roster_json
from ioc.api.serializers.roster.models import ShiftHistoryModel, ShiftListModel, ShiftModel
from ioc.api.wall.caller import Caller
from ioc.domain.roster.shift import Override, Shift, ShiftAction, ShiftRole, shift_of
from ioc.errors import InvalidInputError
from ioc.store.contacts import reader as directory
from ioc.store.roster import reader
from ioc.store.roster.changes import SeenShift, override_shift, put_shift, remove_shift, swap_shifts, undo_shift

router = APIRouter(prefix="/shifts", tags=["roster"])
CHANGED = responses_of(ShiftModel, tagged=True, refused=(409,))


@router.get("", summary="List shifts", **responses_of(ShiftListModel))
async def list_shifts(
    caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep, filters: Annotated[ShiftFilters, Query()]
) -> Response:
    """Return the shifts that touch a stretch of time, by their beginning: seven days from now unless it says otherwise.

    `removed=true`: those that were taken out.
    """
    check_values(filters, state.context.pack)
    start, end = window_of(filters, state.context.clock.now())
    places = None
    if filters.area is not None:
        places = directory.places_of(caller.within(filters.area, None), caller.book)
    wanted = reader.ShiftFilter(
        starts_before=end, ends_after=start, unit=filters.unit, domain=filters.domain, places=places,
        removed=filters.removed,
    )  # fmt: skip
    keys = responses.cursor_keys("shifts", filters, (datetime, str))
    inside = directory.places_of(caller.scope, caller.book)
    async with state.context.database.connection() as connection:
        rows = await reader.list_shifts(
            connection, wanted, inside=inside, after=(keys[0], keys[1]) if keys else None, limit=filters.limit + 1
        )
        items = await entries.shifts_json(connection, rows[: filters.limit])
    following = responses.next_cursor("shifts", filters, rows, ("starts_at", "id"))
    return responses.json_response({"items": items, "next": following})


@router.post(
    "", summary="Add a shift", openapi_extra=request_body(ShiftForm),
    **responses_of(ShiftModel, status=201, tagged=True, refused=(409,)),
)  # fmt: skip
async def add_shift(request: Request, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep) -> Response:
    """Put a contact of a unit on duty. One contact is on one shift at a time."""
    form = await read_body(request, ShiftForm)
    check_times(form.starts_at, form.ends_at, state.context.clock.now())
    value = _shift(entries.new_id("sh"), form)
    step = entries.step_of(ShiftAction.PUT, form.why, caller, state)
    return await entries.changed(
        value.id, lambda: put_shift(state.context.database, value, step, version=0, scope=caller.scope), caller, state,
        status=201,
    )  # fmt: skip


@router.get("/{shift}", summary="One shift", **responses_of(ShiftModel, tagged=True))
async def get_shift(shift: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep) -> Response:
    """Return one shift."""
    return entries.answer(await entries.shift_json(shift, caller, state))


@router.get("/{shift}/history", summary="A shift's history", **responses_of(ShiftHistoryModel))
async def get_history(
    shift: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep, page: Annotated[RulePage, Query()]
) -> Response:
    """Return who changed a shift, when and why, newest first; also of one that was taken out."""
    route = f"shift-{shift}"
    found = paging.read_cursor(route, {}, page.cursor, (paging.SmallNumber,))
    await entries.shift_row(shift, caller, state, with_removed=True)
    async with state.context.database.connection() as connection:
        rows = await reader.read_history(connection, shift, before=found[0] if found else None, limit=page.limit + 1)
        bodies = [row["body"] for row in rows if row["body"] is not None]
        named = [one for body in bodies for one in (body["contact"], *(each["contact"] for each in body["overrides"]))]
        titles = await reader.contact_titles(connection, named)
    following = paging.make_cursor(route, {}, [rows[page.limit - 1]["number"]]) if len(rows) > page.limit else None
    items = [roster_json.step(row, titles) for row in rows[: page.limit]]
    return responses.json_response({"items": items, "next": following})


@router.put("/{shift}", summary="Correct a shift", openapi_extra=request_body(ShiftForm), **CHANGED)
async def put(
    request: Request, shift: str, caller: Annotated[Caller, Depends(REGISTRARS)], version: SeenVersion, state: StateDep
) -> Response:
    """Write a shift anew; who stands in for a part of it stays."""
    form = await read_body(request, ShiftForm)
    check_times(form.starts_at, form.ends_at, state.context.clock.now())
    old = shift_of(await entries.shift_row(shift, caller, state))
    if any(one.starts_at < form.starts_at or one.ends_at > form.ends_at for one in old.overrides):
        raise InvalidInputError("somebody stands in outside these times: take that back first", field="starts_at")
    value = replace(_shift(shift, form), overrides=old.overrides, pattern=old.pattern)
    step = entries.step_of(ShiftAction.PUT, form.why, caller, state)
    return await entries.changed(
        shift, lambda: put_shift(state.context.database, value, step, version=version, scope=caller.scope), caller,
        state,
    )  # fmt: skip


@router.delete("/{shift}", summary="Take a shift out", openapi_extra=request_body(Reasoned), **CHANGED)
async def remove(
    request: Request, shift: str, caller: Annotated[Caller, Depends(REGISTRARS)], version: SeenVersion, state: StateDep
) -> Response:
    """Take a shift out; its answer's version brings it back (`undo`)."""
    form = await read_body(request, Reasoned)
    await entries.shift_row(shift, caller, state)
    step, seen = entries.step_of(ShiftAction.REMOVE, form.why, caller, state), SeenShift(shift, version)
    return await entries.changed(
        shift, lambda: remove_shift(state.context.database, seen, step, scope=caller.scope), caller, state
    )


@router.post(
    "/{shift}/undo", summary="Take a shift's last change back", openapi_extra=request_body(Reasoned), **CHANGED
)
async def undo(
    request: Request, shift: str, caller: Annotated[Caller, Depends(REGISTRARS)], version: SeenVersion, state: StateDep
) -> Response:
    """Let a shift stand as before its newest change; a swap is taken back on both its shifts."""
    form = await read_body(request, Reasoned)
    await entries.shift_row(shift, caller, state, with_removed=True)
    step, seen = entries.step_of(ShiftAction.UNDO, form.why, caller, state), SeenShift(shift, version)
    return await entries.changed(
        shift, lambda: undo_shift(state.context.database, seen, step, scope=caller.scope), caller, state
    )


@router.post("/{shift}/swap", summary="Swap two shifts", openapi_extra=request_body(SwapForm), **CHANGED)
async def swap(
    request: Request, shift: str, caller: Annotated[Caller, Depends(REGISTRARS)], version: SeenVersion, state: StateDep
) -> Response:
    """Exchange the contacts of two shifts of one unit (đổi ca)."""
    form = await read_body(request, SwapForm)
    for identifier in (shift, form.other):
        await entries.shift_row(identifier, caller, state)
    step = entries.step_of(ShiftAction.SWAP, form.why, caller, state)
    one, other = SeenShift(shift, version), SeenShift(form.other, form.other_version)
    return await entries.changed(
        shift, lambda: swap_shifts(state.context.database, one, other, step, scope=caller.scope), caller, state
    )


@router.post(
    "/{shift}/override", summary="Have somebody stand in for a part of a shift",
    openapi_extra=request_body(OverrideForm), **CHANGED,
)  # fmt: skip
async def override(
    request: Request, shift: str, caller: Annotated[Caller, Depends(REGISTRARS)], version: SeenVersion, state: StateDep
) -> Response:
    """Have another contact of the unit stand in for a part of a shift (trực thay)."""
    form = await read_body(request, OverrideForm)
    await entries.shift_row(shift, caller, state)
    step, seen = entries.step_of(ShiftAction.OVERRIDE, form.why, caller, state), SeenShift(shift, version)
    part = Override(form.contact, form.starts_at, form.ends_at)
    return await entries.changed(
        shift, lambda: override_shift(state.context.database, seen, part, step, scope=caller.scope), caller, state
    )


def _shift(identifier: str, form: ShiftForm) -> Shift:
    return Shift(
        id=identifier, unit=form.unit, contact=form.contact, role=ShiftRole(form.role), starts_at=form.starts_at,
        ends_at=form.ends_at,
    )  # fmt: skip
