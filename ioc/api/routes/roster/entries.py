"""What the routes of the roster share: finding a shift inside the wall, changing it, and answering with it."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import Response

from ioc.api.deps import APIState
from ioc.api.http import responses
from ioc.api.serializers.nouns import JSONObject
from ioc.api.serializers.roster import shifts as roster_json
from ioc.api.wall.caller import Caller
from ioc.domain.roster.shift import ShiftAction
from ioc.errors import NotFoundError, VersionConflictError
from ioc.store.contacts import reader as directory
from ioc.store.personal.values import open_personal
from ioc.store.postgres.engine import Connection
from ioc.store.roster import reader
from ioc.store.roster.rows import ShiftStep, StoredShift


def new_id(prefix: str) -> str:
    """Return an id that nothing else has."""
    return f"{prefix}-{secrets.token_hex(6)}"


def step_of(action: ShiftAction, why: str, caller: Caller, state: APIState) -> ShiftStep:
    """Return who does it, when and why."""
    return ShiftStep(state.context.wall.now(), action, why, caller.principal.name, caller.address)


async def shift_row(identifier: str, caller: Caller, state: APIState, *, with_removed: bool = False) -> reader.Row:
    """Return a shift inside the caller's wall.

    Raises:
        NotFoundError: there is none.
    """
    inside = directory.places_of(caller.scope, caller.book)
    async with state.context.database.connection() as connection:
        row = await reader.get_shift(connection, identifier, inside=inside, with_removed=with_removed)
    if row is None:
        raise NotFoundError("no such shift")
    return row


async def shifts_json(connection: Connection, rows: Sequence[reader.Row]) -> list[JSONObject]:
    """Return shifts with the names of who stands in."""
    titles = await reader.contact_titles(connection, [one["contact"] for row in rows for one in row["overrides"]])
    persons = await open_personal(connection, [row["person"] for row in rows])
    return [roster_json.shift(row, titles=titles, persons=persons) for row in rows]


async def shift_json(identifier: str, caller: Caller, state: APIState, *, with_removed: bool = False) -> JSONObject:
    """Return a shift inside the caller's wall, one that was taken out only where that is asked.

    Raises:
        NotFoundError: there is none.
    """
    row = await shift_row(identifier, caller, state, with_removed=with_removed)
    async with state.context.database.connection() as connection:
        return (await shifts_json(connection, [row]))[0]


async def changed(
    identifier: str, work: Callable[[], Awaitable[StoredShift]], caller: Caller, state: APIState, *, status: int = 200
) -> Response:
    """Change a shift, and answer with how it stands; a lost race carries the present state."""
    try:
        await work()
    except VersionConflictError as error:
        current: Any = await shift_json(identifier, caller, state, with_removed=True)
        raise VersionConflictError(str(error), current=current) from error
    return answer(await shift_json(identifier, caller, state, with_removed=True), status=status)


def answer(body: JSONObject, *, status: int = 200) -> Response:
    """Return a shift with its version."""
    return responses.json_response(body, status=status, headers={"ETag": f'"{body["version"]}"'})
