"""Duty modes: people declare them, with the civil-defence level and its decision; nothing declares one by itself."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from ioc.api.auth import EVERYBODY, SITE_REGISTRARS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import Line, Reasoned, read_body, request_body
from ioc.api.http.filters import Moment, WholeList
from ioc.api.http.openapi_responses import responses_of
from ioc.api.http.versions import SeenVersion
from ioc.api.routes.roster.entries import new_id
from ioc.api.serializers.roster.models import DutyModeListModel, DutyModeModel
from ioc.api.serializers.roster.modes import duty_mode as mode_json
from ioc.api.wall.caller import Caller
from ioc.domain.plain_name import plain_name
from ioc.domain.roster.mode import DutyMode, ModeDeclaration
from ioc.errors import InvalidInputError, NotFoundError, VersionConflictError
from ioc.store.audit.trail import Author
from ioc.store.roster.modes import declare_mode, end_mode, get_mode, list_modes

router = APIRouter(prefix="/duty-modes", tags=["roster"])
CHANGED = responses_of(DutyModeModel, tagged=True, refused=(409,))
LENGTH_MAX = timedelta(days=366)
BACK_MAX, AHEAD_MAX = timedelta(days=7), timedelta(days=92)


class ModeForm(Reasoned):
    """A duty mode, and why."""

    mode: Literal["reinforced", "emergency"]
    level: Literal[1, 2, 3] | None = None
    """The civil-defence level that an authority has declared: 1 commune, 2 province, 3 national; null: none."""
    decision: Annotated[Line, Field(max_length=120)] | None = None
    """The number of its decision; needed with a level."""
    starts_at: Moment | None = None
    """Null: now."""
    ends_at: Moment | None = None
    """Null: until somebody ends it."""


@router.get("", summary="Duty modes", **responses_of(DutyModeListModel))
async def get_modes(
    caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep, filters: Annotated[WholeList, Query()]
) -> Response:
    """Return the duty modes that were declared, the newest start first; where none holds the mode is the normal one."""
    del caller
    keys = responses.cursor_keys("duty-modes", filters, (datetime, str))
    async with state.context.database.connection() as connection:
        rows = await list_modes(connection, after=(keys[0], keys[1]) if keys else None, limit=filters.limit + 1)
    following = responses.next_cursor("duty-modes", filters, rows, ("starts_at", "id"))
    return responses.json_response({"items": [mode_json(row) for row in rows[: filters.limit]], "next": following})


@router.post(
    "", summary="Declare a duty mode", openapi_extra=request_body(ModeForm),
    **responses_of(DutyModeModel, status=201, tagged=True, refused=(409,)),
)  # fmt: skip
async def declare(request: Request, caller: Annotated[Caller, Depends(SITE_REGISTRARS)], state: StateDep) -> Response:
    """Declare a duty mode for the whole site; one that holds ends when the new one begins."""
    form = await read_body(request, ModeForm)
    author = _author(caller, state)
    decision = None if form.decision is None else plain_name(form.decision) or None
    if form.level is not None and decision is None:
        raise InvalidInputError("a civil-defence level is declared by a decision: give its number", field="decision")
    starts_at = form.starts_at or author.now
    if not -BACK_MAX <= starts_at - author.now <= AHEAD_MAX:
        raise InvalidInputError("a mode begins within the last 7 or the next 92 days", field="starts_at")
    if form.ends_at is not None and not timedelta(0) < form.ends_at - starts_at <= LENGTH_MAX:
        raise InvalidInputError("a mode ends after it begins, and within a year", field="ends_at")
    if form.ends_at is not None and form.ends_at <= author.now:
        raise InvalidInputError("it would be over already", field="ends_at")
    declared = ModeDeclaration(
        id=new_id("dm"), mode=DutyMode(form.mode), level=form.level, decision=decision, starts_at=starts_at,
        ends_at=form.ends_at, why=form.why,
    )  # fmt: skip
    await declare_mode(state.context.database, declared, author)
    return await _answer(declared.id, state, status=201)


@router.post("/{duty_mode}/end", summary="End a duty mode", openapi_extra=request_body(Reasoned), **CHANGED)
async def end(
    request: Request,
    duty_mode: str,
    caller: Annotated[Caller, Depends(SITE_REGISTRARS)],
    version: SeenVersion,
    state: StateDep,
) -> Response:
    """End a duty mode now, or take one back that has not begun."""
    form = await read_body(request, Reasoned)
    try:
        await end_mode(state.context.database, duty_mode, _author(caller, state), version=version, why=form.why)
    except VersionConflictError as error:
        raise VersionConflictError(str(error), current=await _mode(duty_mode, state)) from error
    return await _answer(duty_mode, state)


def _author(caller: Caller, state: APIState) -> Author:
    return Author(caller.principal.name, caller.address, state.context.clock.now(), state.context.wall.now())


async def _mode(identifier: str, state: APIState) -> dict[str, object]:
    async with state.context.database.connection() as connection:
        row = await get_mode(connection, identifier)
    if row is None:
        raise NotFoundError("no such duty mode")
    return mode_json(row)


async def _answer(identifier: str, state: APIState, *, status: int = 200) -> Response:
    body = await _mode(identifier, state)
    return responses.json_response(body, status=status, headers={"ETag": f'"{body["version"]}"'})
