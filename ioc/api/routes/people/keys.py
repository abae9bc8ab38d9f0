"""Keys of machines other than devices: feeds, district systems, metrics, wall displays."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, Field

from ioc.api.auth import KEY_ISSUERS
from ioc.api.deps import StateDep
from ioc.api.http import responses
from ioc.api.http.body import Input, Line, read_body, request_body
from ioc.api.http.filters import WholeList
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers import people
from ioc.api.serializers.models.devices import IssuedKeyModel, KeyListModel
from ioc.api.wall.caller import Caller
from ioc.api.wall.write_side import NAMES_AREA, within
from ioc.domain.people.account import KeyKind
from ioc.errors import ForbiddenError, InvalidInputError
from ioc.store.postgres.scope import Scope
from ioc.store.registry import keys

router = APIRouter(prefix="/keys", tags=["keys"])


class NewKey(Input):
    """A key to make."""

    kind: Literal["feed", "district", "metrics", "display"]
    name: Annotated[Line, Field(min_length=1, max_length=100)]
    feed: Annotated[Line, Field(min_length=1, max_length=64)] | None = None
    area: Annotated[Line, Field(min_length=1, max_length=40), NAMES_AREA] | None = None
    expires_at: AwareDatetime | None = None


def check(body: NewKey, caller: Caller, *, feeds: Collection[str], now: datetime) -> None:
    """Accept a wanted key.

    Raises:
        InvalidInputError: feed, area or expiry make no sense. ForbiddenError: wider than who asks.
    """
    if body.kind == "feed" and (body.feed is None or body.feed not in feeds):
        raise InvalidInputError("a feed key names a feed of the pack", field="feed")
    if body.kind != "feed" and body.feed is not None:
        raise InvalidInputError("only a feed key names a feed", field="feed")
    if body.expires_at is not None and body.expires_at <= now:
        raise InvalidInputError("expires_at is over already", field="expires_at")
    if body.area is not None:
        caller.book.resolve(body.area, caller.today)
    elif caller.scope.areas is not None:
        raise ForbiddenError("a key reaches no further than you do: name an area of yours")


SHAPE = (datetime, str)


@router.get("", summary="List keys", **responses_of(KeyListModel))
async def list_keys(
    caller: Annotated[Caller, Depends(KEY_ISSUERS)], state: StateDep, page: Annotated[WholeList, Query()]
) -> Response:
    """Return keys without their secrets, newest first."""
    found = responses.cursor_keys("keys", page, SHAPE)
    before = (found[0], found[1]) if found else None
    async with state.context.database.connection() as connection:
        areas = None
        if caller.scope.areas is not None:
            areas = [area for area in await keys.key_areas(connection) if within(area, caller)]
        rows = await keys.list_keys(connection, areas=areas, before=before, limit=page.limit + 1)
    following = responses.next_cursor("keys", page, rows, ("created_at", "id"))
    return responses.json_response({"items": [people.key(row) for row in rows[: page.limit]], "next": following})


@router.post("", summary="Issue a key", openapi_extra=request_body(NewKey), **responses_of(IssuedKeyModel, status=201))
async def issue_key(request: Request, caller: Annotated[Caller, Depends(KEY_ISSUERS)], state: StateDep) -> Response:
    """Make a key and show it once."""
    body, now = await read_body(request, NewKey), state.context.wall.now()
    check(body, caller, feeds=state.context.pack.feeds, now=now)
    wanted = keys.KeyRequest(
        kind=KeyKind(body.kind),
        name=body.name,
        actor=caller.principal.name,
        feed=body.feed,
        area=body.area,
        expires_at=body.expires_at,
        address=caller.address,
    )
    key_id, secret = await keys.issue_key(state.context.database, wanted, scope=Scope(), now=now)
    return responses.json_response({"id": key_id, "key": secret, "kind": body.kind, "name": body.name}, status=201)


@router.delete("/{key}", summary="Revoke a key", **responses_of())
async def revoke_key(key: str, caller: Annotated[Caller, Depends(KEY_ISSUERS)], state: StateDep) -> Response:
    """End a key. Its open streams end within seconds."""
    await keys.revoke_key(
        state.context.database, key, actor=caller.principal.name, address=caller.address, now=state.context.wall.now()
    )
    return Response(status_code=204)
