"""Units of the directory: who acts for which domains and areas, when, and who is above them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.auth import OPERATORS, REGISTRARS
from ioc.api.deps import StateDep
from ioc.api.http import responses
from ioc.api.http.body import Reasoned, read_body, request_body
from ioc.api.http.filters import RulePage, check_values
from ioc.api.http.openapi_responses import responses_of
from ioc.api.http.versions import SeenVersion
from ioc.api.routes.contacts import entries
from ioc.api.routes.contacts.forms import UnitFilters, UnitForm, unit_of_form
from ioc.api.serializers import contacts as contacts_json
from ioc.api.serializers.models.contacts import DirectoryHistoryModel, UnitListModel, UnitModel
from ioc.api.wall.caller import Caller
from ioc.domain.contacts.directory import DirectoryAction, DirectoryNoun
from ioc.errors import NotFoundError
from ioc.store.contacts import reader
from ioc.store.contacts.changes import DirectoryChange
from ioc.store.contacts.rows import read_stored

router = APIRouter(prefix="/units", tags=["contacts"])
CHANGED = responses_of(UnitModel, tagged=True, refused=(409,))


@router.get("", summary="List units", **responses_of(UnitListModel))
async def list_units(
    caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep, filters: Annotated[UnitFilters, Query()]
) -> Response:
    """Return the units that act in the caller's places, by id; `area` and `domain`: those that serve them.

    `removed=true`: those that were taken out.
    """
    check_values(filters, state.context.pack)
    places = None
    if filters.area is not None:
        places = reader.places_of(caller.within(filters.area, None), caller.book)
    wanted = reader.DirectoryFilter(domain=filters.domain, places=places, removed=filters.removed)
    keys = responses.cursor_keys("units", filters, (str,))
    inside = reader.places_of(caller.scope, caller.book)
    async with state.context.database.connection() as connection:
        rows = await reader.list_units(
            connection, wanted, inside=inside, after=keys[0] if keys else None, limit=filters.limit + 1
        )
    following = responses.next_cursor("units", filters, rows, ("id",))
    items = [contacts_json.unit(row, book=caller.book, today=caller.today) for row in rows[: filters.limit]]
    return responses.json_response({"items": items, "next": following})


@router.post(
    "", summary="Add a unit", openapi_extra=request_body(UnitForm),
    **responses_of(UnitModel, status=201, tagged=True, refused=(409,)),
)  # fmt: skip
async def add_unit(request: Request, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep) -> Response:
    """Add a unit of the site."""
    form = await read_body(request, UnitForm)
    identifier = entries.new_id(DirectoryNoun.UNIT)
    unit = unit_of_form(identifier, form, pack=state.context.pack, book=caller.book, today=caller.today)
    return await entries.change(DirectoryChange(unit, 0), DirectoryAction.PUT, form.why, caller, state, status=201)


@router.get("/{unit}", summary="One unit", **responses_of(UnitModel, tagged=True))
async def get_unit(unit: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep) -> Response:
    """Return one unit."""
    return entries.answer(await entries.entry_json(DirectoryNoun.UNIT, unit, caller, state))


@router.get("/{unit}/history", summary="A unit's history", **responses_of(DirectoryHistoryModel))
async def get_history(
    unit: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep, page: Annotated[RulePage, Query()]
) -> Response:
    """Return who changed a unit, when and why, newest first; also of one that was taken out."""
    return await entries.history(DirectoryNoun.UNIT, unit, caller, state, page)


@router.put("/{unit}", summary="Correct a unit", openapi_extra=request_body(UnitForm), **CHANGED)
async def put_unit(
    request: Request, unit: str, caller: Annotated[Caller, Depends(REGISTRARS)], version: SeenVersion, state: StateDep
) -> Response:
    """Write a unit anew; from then on it is the site's, and a pack does not overwrite it."""
    form = await read_body(request, UnitForm)
    await entries.entry_json(DirectoryNoun.UNIT, unit, caller, state)
    value = unit_of_form(unit, form, pack=state.context.pack, book=caller.book, today=caller.today)
    return await entries.change(DirectoryChange(value, version), DirectoryAction.PUT, form.why, caller, state)


@router.delete("/{unit}", summary="Take a unit out", openapi_extra=request_body(Reasoned), **CHANGED)
async def remove_unit(
    request: Request, unit: str, caller: Annotated[Caller, Depends(REGISTRARS)], version: SeenVersion, state: StateDep
) -> Response:
    """Take a unit out, and with it its contacts; its answer's version brings both back (`undo`)."""
    form = await read_body(request, Reasoned)
    await entries.entry_json(DirectoryNoun.UNIT, unit, caller, state)
    async with state.context.database.connection() as connection:
        stored = (await read_stored(connection, DirectoryNoun.UNIT, [unit])).get(unit)
    if stored is None:
        raise NotFoundError("no such unit")
    change = DirectoryChange(stored.value, version, removed=True)
    return await entries.change(change, DirectoryAction.REMOVE, form.why, caller, state)


@router.post("/{unit}/undo", summary="Take a unit's last change back", openapi_extra=request_body(Reasoned), **CHANGED)
async def undo(
    request: Request, unit: str, caller: Annotated[Caller, Depends(REGISTRARS)], version: SeenVersion, state: StateDep
) -> Response:
    """Let a unit stand as before its newest change."""
    form = await read_body(request, Reasoned)
    return await entries.undo(DirectoryNoun.UNIT, unit, version, form.why, caller, state)
