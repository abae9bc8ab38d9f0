"""What the routes of units and of contacts share: finding one inside the wall, changing it, and its history."""

import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import Response

from ioc.api.deps import APIState
from ioc.api.http import paging, responses
from ioc.api.http.filters import RulePage
from ioc.api.serializers import contacts as contacts_json
from ioc.api.serializers.nouns import JSONObject
from ioc.api.wall.caller import Caller
from ioc.domain.contacts.directory import DirectoryAction, DirectoryNoun
from ioc.errors import NotFoundError, VersionConflictError
from ioc.store.contacts import reader
from ioc.store.contacts.changes import DirectoryChange, change_entry, undo_entry
from ioc.store.contacts.rows import DirectoryStep, noun_of
from ioc.store.personal.values import open_personal


def new_id(noun: DirectoryNoun) -> str:
    """Return an id that nothing else has."""
    return f"{'un' if noun is DirectoryNoun.UNIT else 'ct'}-{secrets.token_hex(6)}"


async def entry_json(
    noun: DirectoryNoun, identifier: str, caller: Caller, state: APIState, *, with_removed: bool = False
) -> JSONObject:
    """Return a unit or a contact inside the caller's wall, one that was taken out only where that is asked.

    Raises:
        NotFoundError: there is none.
    """
    inside = reader.places_of(caller.scope, caller.book)
    async with state.context.database.connection() as connection:
        row = await reader.get_entry(connection, noun, identifier, inside=inside, with_removed=with_removed)
        persons: Mapping[str, Any] = {}
        if row is not None and noun is DirectoryNoun.CONTACT:
            persons = await open_personal(connection, [row["person"]])
    if row is None:
        raise NotFoundError(f"no such {noun}")
    if noun is DirectoryNoun.UNIT:
        return contacts_json.unit(row, book=caller.book, today=caller.today)
    return contacts_json.contact(row, persons)


async def change(
    wanted: DirectoryChange, action: DirectoryAction, why: str, caller: Caller, state: APIState, *, status: int = 200
) -> Response:
    """Write or take out a unit or contact, and answer with how it stands; a lost race carries the present state."""
    noun, identifier = noun_of(wanted.value), wanted.value.id
    try:
        await change_entry(state.context.database, wanted, step_of(action, why, caller, state), scope=caller.scope)
    except VersionConflictError as error:
        raise await _conflict(error, noun, identifier, caller, state) from error
    return answer(await entry_json(noun, identifier, caller, state, with_removed=True), status=status)


async def undo(
    noun: DirectoryNoun, identifier: str, version: int, why: str, caller: Caller, state: APIState
) -> Response:
    """Take back the newest step, and answer with how it then stands."""
    step = step_of(DirectoryAction.UNDO, why, caller, state)
    try:
        await undo_entry(state.context.database, noun, identifier, version=version, step=step, scope=caller.scope)
    except VersionConflictError as error:
        raise await _conflict(error, noun, identifier, caller, state) from error
    return answer(await entry_json(noun, identifier, caller, state, with_removed=True))


async def history(noun: DirectoryNoun, identifier: str, caller: Caller, state: APIState, page: RulePage) -> Response:
    """Return a page of the steps, the newest first; also of one that was taken out."""
    route = f"directory-{noun}-{identifier}"
    found = paging.read_cursor(route, {}, page.cursor, (paging.SmallNumber,))
    await entry_json(noun, identifier, caller, state, with_removed=True)
    before = found[0] if found else None
    async with state.context.database.connection() as connection:
        rows = await reader.read_history(connection, noun, identifier, before=before, limit=page.limit + 1)
    following = paging.make_cursor(route, {}, [rows[page.limit - 1]["number"]]) if len(rows) > page.limit else None
    items = [contacts_json.step(row) for row in rows[: page.limit]]
    return responses.json_response({"items": items, "next": following})


def step_of(action: DirectoryAction, why: str, caller: Caller, state: APIState) -> DirectoryStep:
    """Return who does it, when and why."""
    return DirectoryStep(state.context.wall.now(), action, why, caller.principal.name, caller.address)


def answer(body: JSONObject, *, status: int = 200) -> Response:
    """Return one with its version."""
    return responses.json_response(body, status=status, headers={"ETag": f'"{body["version"]}"'})


async def _conflict(
    error: VersionConflictError, noun: DirectoryNoun, identifier: str, caller: Caller, state: APIState
) -> VersionConflictError:
    try:
        current = await entry_json(noun, identifier, caller, state, with_removed=True)
    except NotFoundError:
        current = None
    return VersionConflictError(str(error), current=current)
