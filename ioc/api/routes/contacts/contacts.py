"""Contacts of the directory: the functions of units that can be called, and the ways to reach them."""

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
from ioc.api.routes.contacts.forms import ContactFilters, ContactForm, contact_of_form, person_of_form
from ioc.api.serializers import contacts as contacts_json
from ioc.api.serializers.models.contacts import ContactListModel, ContactModel, DirectoryHistoryModel
from ioc.api.wall.caller import Caller
from ioc.domain.contacts.directory import DirectoryAction, DirectoryNoun
from ioc.errors import NotFoundError
from ioc.store.contacts import reader
from ioc.store.contacts.changes import DirectoryChange
from ioc.store.contacts.rows import read_stored
from ioc.store.personal.values import open_personal

router = APIRouter(prefix="/contacts", tags=["contacts"])
CHANGED = responses_of(ContactModel, tagged=True, refused=(409,))


@router.get("", summary="List contacts", **responses_of(ContactListModel))
async def list_contacts(
    caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep, filters: Annotated[ContactFilters, Query()]
) -> Response:
    """Return the contacts of units that act in the caller's places, by id. `removed=true`: those taken out."""
    check_values(filters, state.context.pack)
    places = None
    if filters.area is not None:
        places = reader.places_of(caller.within(filters.area, None), caller.book)
    wanted = reader.DirectoryFilter(domain=filters.domain, places=places, unit=filters.unit, removed=filters.removed)
    keys = responses.cursor_keys("contacts", filters, (str,))
    inside = reader.places_of(caller.scope, caller.book)
    async with state.context.database.connection() as connection:
        rows = await reader.list_contacts(
            connection, wanted, inside=inside, after=keys[0] if keys else None, limit=filters.limit + 1
        )
        persons = await open_personal(connection, [row["person"] for row in rows])
    following = responses.next_cursor("contacts", filters, rows, ("id",))
    items = [contacts_json.contact(row, persons) for row in rows[: filters.limit]]
    return responses.json_response({"items": items, "next": following})


@router.post(
    "", summary="Add a contact", openapi_extra=request_body(ContactForm),
    **responses_of(ContactModel, status=201, tagged=True, refused=(409,)),
)  # fmt: skip
async def add_contact(request: Request, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep) -> Response:
    """Add a contact of a unit. The name of a person lies apart, where it can be erased."""
    form = await read_body(request, ContactForm)
    value = contact_of_form(entries.new_id(DirectoryNoun.CONTACT), form, pack=state.context.pack)
    change = DirectoryChange(value, 0, person=person_of_form(form))
    return await entries.change(change, DirectoryAction.PUT, form.why, caller, state, status=201)


@router.get("/{contact}", summary="One contact", **responses_of(ContactModel, tagged=True))
async def get_contact(contact: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep) -> Response:
    """Return one contact."""
    return entries.answer(await entries.entry_json(DirectoryNoun.CONTACT, contact, caller, state))


@router.get("/{contact}/history", summary="A contact's history", **responses_of(DirectoryHistoryModel))
async def get_history(
    contact: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep, page: Annotated[RulePage, Query()]
) -> Response:
    """Return who changed a contact, when and why, newest first; also of one that was taken out."""
    return await entries.history(DirectoryNoun.CONTACT, contact, caller, state, page)


@router.put("/{contact}", summary="Correct a contact", openapi_extra=request_body(ContactForm), **CHANGED)
async def put_contact(
    request: Request,
    contact: str,
    caller: Annotated[Caller, Depends(REGISTRARS)],
    version: SeenVersion,
    state: StateDep,
) -> Response:
    """Write a contact anew."""
    form = await read_body(request, ContactForm)
    await entries.entry_json(DirectoryNoun.CONTACT, contact, caller, state)
    value = contact_of_form(contact, form, pack=state.context.pack)
    change = DirectoryChange(value, version, person=person_of_form(form))
    return await entries.change(change, DirectoryAction.PUT, form.why, caller, state)


@router.delete("/{contact}", summary="Take a contact out", openapi_extra=request_body(Reasoned), **CHANGED)
async def remove_contact(
    request: Request,
    contact: str,
    caller: Annotated[Caller, Depends(REGISTRARS)],
    version: SeenVersion,
    state: StateDep,
) -> Response:
    """Take a contact out; its answer's version brings it back (`undo`)."""
    form = await read_body(request, Reasoned)
    await entries.entry_json(DirectoryNoun.CONTACT, contact, caller, state)
    async with state.context.database.connection() as connection:
        stored = (await read_stored(connection, DirectoryNoun.CONTACT, [contact])).get(contact)
    if stored is None:
        raise NotFoundError("no such contact")
    change = DirectoryChange(stored.value, version, removed=True)
    return await entries.change(change, DirectoryAction.REMOVE, form.why, caller, state)


@router.post(
    "/{contact}/undo", summary="Take a contact's last change back", openapi_extra=request_body(Reasoned), **CHANGED
)
async def undo(
    request: Request,
    contact: str,
    caller: Annotated[Caller, Depends(REGISTRARS)],
    version: SeenVersion,
    state: StateDep,
) -> Response:
    """Let a contact stand as before its newest change."""
    form = await read_body(request, Reasoned)
    return await entries.undo(DirectoryNoun.CONTACT, contact, version, form.why, caller, state)
