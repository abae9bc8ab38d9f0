"""Silences: which alerts make no sound and leave the default list, from when to when, and why."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.auth import OPERATORS, READERS, SILENCERS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import read_body, request_body
from ioc.api.http.filters import many
from ioc.api.http.openapi_responses import responses_of
from ioc.api.http.versions import SeenVersion
from ioc.api.routes.silences.answers import preview_json, silence_json
from ioc.api.routes.silences.forms import (
    PreviewFilters,
    SilenceChange,
    SilenceFilters,
    SilenceForm,
    changed_members,
    plan_of_form,
    plan_of_preview,
)
from ioc.api.serializers.models.alerts import SilenceListModel, SilenceModel, SilencePreviewModel
from ioc.api.views.open_hours import PackCalendar
from ioc.api.wall.caller import Caller
from ioc.domain.people.capabilities import Capability
from ioc.errors import NotFoundError, VersionConflictError
from ioc.store.contacts.reader import places_of
from ioc.store.silences import changes, reader
from ioc.store.silences.rows import plan_of

router = APIRouter(prefix="/silences", tags=["silences"])
CHANGED = responses_of(SilenceModel, tagged=True, refused=(409,))


async def find_silence(identifier: str, caller: Caller, state: APIState) -> Mapping[str, Any]:
    """Return a silence that hides something inside the caller's wall.

    Raises:
        NotFoundError: there is none.
    """
    wanted = reader.SilenceFilter(id=identifier)
    inside = places_of(caller.scope, caller.book)
    async with state.context.database.connection() as connection:
        rows = await reader.list_silences(connection, wanted, caller.scope, inside=inside, after=None, limit=1)
    if not rows:
        raise NotFoundError("no such silence")
    return rows[0]


def author_of(caller: Caller, state: APIState) -> changes.SilenceAuthor:
    """Return who does it, and what they may."""
    context, who = state.context, caller.principal
    return changes.SilenceAuthor(
        who.name, caller.address, context.clock.now(), context.wall.now(), caller.scope, who.has(Capability.SILENCE)
    )


async def _answer(identifier: str, caller: Caller, state: APIState, *, status: int = 200) -> Response:
    row = await find_silence(identifier, caller, state)
    headers = {"ETag": f'"{row["version"]}"'}
    if status == 201:  # noqa: PLR2004 - created
        headers["Location"] = f"/api/v1/silences/{row['id']}"
    return responses.json_response(silence_json(row, caller.scope), status=status, headers=headers)


async def _conflict(error: VersionConflictError, identifier: str, caller: Caller, state: APIState) -> Exception:
    current = silence_json(await find_silence(identifier, caller, state), caller.scope)
    return VersionConflictError(str(error), current=current)


@router.get("", summary="List silences", **responses_of(SilenceListModel))
async def list_silences(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, filters: Annotated[SilenceFilters, Query()]
) -> Response:
    """Return the silences that hide something of the caller's areas, those that end last first.

    Each says how many open alerts of theirs it `hides` now.
    """
    found = responses.cursor_keys("silences", filters, (datetime, str))
    wanted = reader.SilenceFilter(many(filters.state), filters.owner)
    async with state.context.database.connection() as connection:
        rows = await reader.list_silences(
            connection, wanted, caller.scope, inside=places_of(caller.scope, caller.book),
            after=(found[0], found[1]) if found else None, limit=filters.limit + 1,
        )  # fmt: skip
    following = responses.next_cursor("silences", filters, rows, ("ends_at", "id"))
    items = [silence_json(row, caller.scope) for row in rows[: filters.limit]]
    return responses.json_response({"items": items, "next": following})


@router.get("/preview", summary="What a silence would hide", **responses_of(SilencePreviewModel))
async def get_preview(
    caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep, filters: Annotated[PreviewFilters, Query()]
) -> Response:
    """Return which open alerts these matchers would hide now, and how many such opened in the last seven days."""
    context = state.context
    now = context.clock.now()
    plan = plan_of_preview(filters, now=now, pack=context.pack, book=caller.book, today=caller.today)
    async with context.database.connection() as connection:
        made = await reader.preview_silence(connection, plan, caller.scope, now)
    return responses.json_response(preview_json(made, book=caller.book, today=caller.today))


@router.post(
    "", summary="Silence alerts", openapi_extra=request_body(SilenceForm),
    **responses_of(SilenceModel, status=201, tagged=True, refused=(409,)),
)  # fmt: skip
async def add_silence(request: Request, caller: Annotated[Caller, Depends(SILENCERS)], state: StateDep) -> Response:
    """Silence alerts: they are evaluated and kept as ever, make no sound and leave the default list.

    Who handles alerts may silence one device for eight hours, once, and no critical alert; a shift leader everything.
    """
    form, context = await read_body(request, SilenceForm), state.context
    plan = plan_of_form(
        form, now=context.clock.now(), pack=context.pack, book=caller.book, today=caller.today
    )  # fmt: skip
    made = await changes.add_silence(context.database, plan, author_of(caller, state), PackCalendar(context.pack))
    return await _answer(made, caller, state, status=201)


@router.get("/{silence}", summary="One silence", **responses_of(SilenceModel, tagged=True))
async def get_silence(silence: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return one silence."""
    return await _answer(silence, caller, state)


@router.patch("/{silence}", summary="Change a silence", openapi_extra=request_body(SilenceChange), **CHANGED)
async def change_silence(
    request: Request, silence: str, caller: Annotated[Caller, Depends(OPERATORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Change what was sent, such as `to` to make it longer; what it no longer hides appears at once."""
    form, context = await read_body(request, SilenceChange), state.context
    row = await find_silence(silence, caller, state)
    members = changed_members(form, pack=context.pack, book=caller.book, today=caller.today)
    plan = replace(plan_of(row), **members)
    try:
        await changes.change_silence(
            context.database, silence, plan, author_of(caller, state), PackCalendar(context.pack), version=version
        )
    except VersionConflictError as error:
        raise await _conflict(error, silence, caller, state) from error
    return await _answer(silence, caller, state)


@router.delete("/{silence}", summary="End a silence", **CHANGED)
async def end_silence(
    silence: str, caller: Annotated[Caller, Depends(OPERATORS)], version: SeenVersion, state: StateDep
) -> Response:
    """End it now: what its alerts have become meanwhile appears at once. `undo` brings it back."""
    await find_silence(silence, caller, state)
    try:
        await changes.end_silence(state.context.database, silence, author_of(caller, state), version=version)
    except VersionConflictError as error:
        raise await _conflict(error, silence, caller, state) from error
    return await _answer(silence, caller, state)


@router.post("/{silence}/undo", summary="Take a silence's last change back", **CHANGED)
async def undo(
    silence: str, caller: Annotated[Caller, Depends(OPERATORS)], version: SeenVersion, state: StateDep
) -> Response:
    """Let a silence stand as before its newest change; one that was only just made ends."""
    context = state.context
    await find_silence(silence, caller, state)
    try:
        await changes.undo_silence(
            context.database, silence, author_of(caller, state), PackCalendar(context.pack), version=version
        )
    except VersionConflictError as error:
        raise await _conflict(error, silence, caller, state) from error
    return await _answer(silence, caller, state)
