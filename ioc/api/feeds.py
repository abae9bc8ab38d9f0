"""Feeds: what each kind of device may say, field by field, and whether it is heard."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from ioc.api import answer, wire
from ioc.api.auth import EVERYBODY
from ioc.api.caller import Caller
from ioc.api.deps import APIState, StateDep
from ioc.errors import NotFoundError
from ioc.store import domains

router = APIRouter(prefix="/feeds", tags=["feeds"])


async def _feeds(caller: Caller, state: APIState) -> list[wire.JSONObject]:
    names, seconds = state.parts.feed_periods
    async with state.parts.database.connection() as connection:
        pulse = await domains.feed_pulse(
            connection, caller.scope, now=state.parts.clock.now(), feeds=names, seconds=seconds
        )
    made = []
    for spec in state.parts.pack.feeds.values():
        if spec.id in caller.scope.hidden_feeds:
            continue
        row = pulse.get(spec.id)
        heard = row["last_log_time"] if row else None
        made.append(wire.feed(spec, devices=row["devices"] if row else 0, last_log_time=heard))
    return made


@router.get("", summary="List feeds")
async def list_feeds(caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return every feed of the pack; counts are of the devices inside the caller's wall."""
    return answer.json_answer({"items": await _feeds(caller, state), "next": None})


@router.get("/{feed}", summary="One feed")
async def get_feed(feed: str, caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return one feed."""
    for found in await _feeds(caller, state):
        if found["id"] == feed:
            return answer.json_answer(found)
    raise NotFoundError("no such feed")
