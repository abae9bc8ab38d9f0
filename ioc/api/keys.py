"""Keys of machines other than devices: feeds, district systems, metrics, wall displays."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, Field

from ioc.api import answer, wire
from ioc.api.auth import ADMINS
from ioc.api.body import Input, Line, described, read_body
from ioc.api.caller import Caller
from ioc.api.deps import StateDep
from ioc.domain.account import KeyKind
from ioc.errors import ForbiddenError, InvalidInputError
from ioc.store import keys
from ioc.store.scope import Scope

router = APIRouter(prefix="/keys", tags=["keys"])


class NewKey(Input):
    """A key to make."""

    kind: Literal["feed", "district", "metrics", "display"]
    name: Annotated[Line, Field(min_length=1, max_length=100)]
    feed: Annotated[Line, Field(max_length=64)] | None = None
    area: Annotated[Line, Field(min_length=1, max_length=40)] | None = None
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
    codes = caller.book.resolve(body.area, caller.today) if body.area is not None else None
    own = caller.scope.areas
    if own is not None and (codes is None or not codes <= own):
        raise ForbiddenError("a key reaches no further than you do: name an area of yours")


@router.get("", summary="List keys")
async def list_keys(caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Return keys without their secrets, newest first."""
    async with state.parts.database.connection() as connection:
        rows = await keys.list_keys(connection)
    seen = [row for row in rows if _inside(row["area"], caller)]
    return answer.json_answer({"items": [wire.key(row) for row in seen], "next": None})


def _inside(area: str | None, caller: Caller) -> bool:
    """Tell whether a key's area lies inside the caller's wall."""
    own = caller.scope.areas
    if own is None:
        return True
    try:
        return area is not None and caller.book.resolve(area, caller.today) <= own
    except InvalidInputError:
        return False


@router.post("", summary="Issue a key", openapi_extra=described(NewKey))
async def issue_key(request: Request, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Make a key and show it once."""
    body, now = await read_body(request, NewKey), state.parts.wall.now()
    check(body, caller, feeds=state.parts.pack.feeds, now=now)
    wanted = keys.KeyRequest(
        kind=KeyKind(body.kind),
        name=body.name,
        actor=caller.principal.name,
        feed=body.feed,
        area=body.area,
        expires_at=body.expires_at,
        address=caller.address,
    )
    key_id, secret = await keys.issue_key(state.parts.database, wanted, scope=Scope(), now=now)
    return answer.json_answer({"id": key_id, "key": secret, "kind": body.kind, "name": body.name}, status=201)


@router.delete("/{key}", summary="Revoke a key", status_code=204)
async def revoke_key(key: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """End a key. Its open streams end within seconds."""
    async with state.parts.database.connection() as connection:
        rows = await keys.list_keys(connection)
    hidden = {row["id"] for row in rows if not _inside(row["area"], caller)}
    await keys.revoke_key(
        state.parts.database,
        "" if key in hidden else key,
        actor=caller.principal.name,
        address=caller.address,
        now=state.parts.wall.now(),
    )
    return Response(status_code=204)
