"""Events: the log as people and district systems read it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api import answer, wire
from ioc.api.auth import READERS
from ioc.api.caller import Caller
from ioc.api.deps import APIState, StateDep
from ioc.api.filters import EventFilters, many
from ioc.errors import NotFoundError
from ioc.store import events

router = APIRouter(prefix="/events", tags=["events"])


def feeds_of(state: APIState, feed: str | None, domain: str | None) -> Sequence[str] | None:
    """Return the feeds that the filters feed and domain leave, null for no filter."""
    named, of_domain = many(feed), many(domain)
    if of_domain is None:
        return named
    inside = [spec.id for spec in state.parts.pack.feeds.values() if spec.domain in of_domain]
    return inside if named is None else [name for name in named if name in inside]


@router.get("", summary="List events")
async def list_events(
    request: Request,
    caller: Annotated[Caller, Depends(READERS)],
    state: StateDep,
    filters: Annotated[EventFilters, Query()],
) -> Response:
    """Return events, newest in the log first; a revision is a line of its own."""
    keys = answer.cursor_keys("events", filters, (int,))
    chosen = events.EventFilter(
        feeds_of(state, filters.feed, filters.domain), many(filters.device), filters.since, filters.until
    )
    scope = caller.within(filters.area, filters.zone)
    async with state.parts.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        position = await answer.begin_snapshot(connection)
        rows = await events.list_events(
            connection, chosen, scope, before=keys[0] if keys else None, limit=filters.limit + 1
        )
    following = answer.next_cursor("events", filters, rows, ("position",))
    items = [wire.event(row) for row in rows[: filters.limit]]
    return answer.list_answer(request, items, following=following, position=position, name="events")


@router.get("/{key}", summary="One event")
async def get_event(key: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return the newest revision of one event by its key (32 hex letters)."""
    try:
        identity = bytes.fromhex(key)
    except ValueError:
        identity = b""
    async with state.parts.database.connection() as connection:
        row = await events.get_event(connection, identity, caller.scope) if len(identity) == 16 else None  # noqa: PLR2004
    if row is None:
        raise NotFoundError("no such event")
    return answer.json_answer(wire.event(row))
