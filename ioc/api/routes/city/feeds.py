"""Feeds: what each kind of device may say, field by field, and whether it is heard."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from ioc.api.auth import EVERYBODY
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers import nouns
from ioc.api.serializers.models.city import FeedListModel, FeedModel
from ioc.api.wall.caller import Caller
from ioc.errors import NotFoundError
from ioc.store.alerts import domains

router = APIRouter(prefix="/feeds", tags=["feeds"])


async def _feeds(caller: Caller, state: APIState) -> list[nouns.JSONObject]:
    names, seconds = state.context.feed_periods
    async with state.context.database.connection() as connection:
        pulse = await domains.feed_pulse(
            connection, caller.scope, now=state.context.clock.now(), feeds=names, seconds=seconds
        )
    made = []
    for spec in state.context.pack.feeds.values():
        if spec.id in caller.scope.hidden_feeds:
            continue
        row = pulse.get(spec.id)
        heard = row["last_log_time"] if row else None
        made.append(nouns.feed(spec, devices=row["devices"] if row else 0, last_log_time=heard))
    return made


@router.get("", summary="List feeds", **responses_of(FeedListModel))
async def list_feeds(caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return every feed of the pack; counts are of the devices inside the caller's wall."""
    return responses.json_response({"items": await _feeds(caller, state), "next": None})


@router.get("/{feed}", summary="One feed", **responses_of(FeedModel))
async def get_feed(feed: str, caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return one feed."""
    for found in await _feeds(caller, state):
        if found["id"] == feed:
            return responses.json_response(found)
    raise NotFoundError("no such feed")
