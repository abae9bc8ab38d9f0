"""Events: the log as people and district systems read it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ioc.api.auth import OPERATORS, READERS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import STORABLE, Input, read_body, request_body
from ioc.api.http.filters import EventFilters, check_values, many
from ioc.api.http.openapi_responses import CSV_TYPE, GEOJSON_TYPE, responses_of
from ioc.api.serializers import nouns
from ioc.api.serializers.media import medium_json
from ioc.api.serializers.models.events import EventPageModel, NeighbourListModel, OneEventModel, UnmaskedModel
from ioc.api.wall.caller import Caller
from ioc.domain.event import Flag
from ioc.domain.people.personal import is_reference
from ioc.errors import NotFoundError
from ioc.rules.language.geometry import distance_m
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.log import reader as events
from ioc.store.media.reader import media_of_events
from ioc.store.personal.values import open_personal
from ioc.store.postgres.engine import Connection

router = APIRouter(prefix="/events", tags=["events"])
KEY_BYTES = 16
NEIGHBOURS_MAX = 50


class NeighbourQuery(BaseModel):
    """How far around an event to look."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    radius_m: Annotated[int, Field(ge=1, le=5_000)] = 300


class RevealReason(Input):
    """Why somebody must see what is withheld."""

    reason: Annotated[str, Field(min_length=3, max_length=500, pattern=r"\S.*\S"), STORABLE]


def feeds_of(state: APIState, feed: str | None, domain: str | None) -> Sequence[str] | None:
    """Return the feeds that the filters feed and domain leave, null for no filter."""
    named, of_domain = many(feed), many(domain)
    if of_domain is None:
        return named
    inside = [spec.id for spec in state.context.pack.feeds.values() if spec.domain in of_domain]
    return inside if named is None else [name for name in named if name in inside]


@router.get("", summary="List events", **responses_of(EventPageModel, forms=(CSV_TYPE, GEOJSON_TYPE)))
async def list_events(
    request: Request,
    caller: Annotated[Caller, Depends(READERS)],
    state: StateDep,
    filters: Annotated[EventFilters, Query()],
) -> Response:
    """Return events, newest in the log first; a revision is a line of its own."""
    check_values(filters, state.context.pack)
    keys = responses.cursor_keys("events", filters, (int,))
    chosen = events.EventFilter(
        feeds_of(state, filters.feed, filters.domain), many(filters.device), filters.since, filters.until
    )
    scope = caller.within(filters.area, filters.zone)
    async with state.context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        position = await responses.begin_snapshot(connection)
        rows = await events.list_events(
            connection, chosen, scope, before=keys[0] if keys else None, limit=filters.limit + 1
        )
    following = responses.next_cursor("events", filters, rows, ("position",))
    items = [nouns.event(row, state.context.pack.feeds) for row in rows[: filters.limit]]
    return responses.list_response(request, items, following=following, position=position, name="events")


async def find_event(connection: Connection, key: str, caller: Caller) -> events.Row:
    """Return the newest revision of an event inside the caller's wall.

    Raises:
        NotFoundError: there is none; a foreign one and none at all are told the same.
    """
    try:
        identity = bytes.fromhex(key)
    except ValueError:
        identity = b""
    row = await events.get_event(connection, identity, caller.scope) if len(identity) == KEY_BYTES else None
    if row is None:
        raise NotFoundError("no such event")
    return row


@router.get("/{key}", summary="One event", **responses_of(OneEventModel))
async def get_event(key: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return the newest revision of one event by its key (32 hex letters), with what is attached to it."""
    async with state.context.database.connection() as connection:
        row = await find_event(connection, key, caller)
        media = await media_of_events(connection, [row["key"]])
    shown = [] if Flag.WITHDRAWN in row["flags"] else media.get(bytes(row["key"]), [])
    event = nouns.event(row, state.context.pack.feeds)
    return responses.json_response({**event, "media": [medium_json(each) for each in shown]})


@router.get("/{key}/neighbours", summary="Events of its kind around it", **responses_of(NeighbourListModel))
async def list_neighbours(
    key: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep, around: Annotated[NeighbourQuery, Query()]
) -> Response:
    """Return the feed's events of a week before and after it within a distance, nearest first, at most 50."""
    async with state.context.database.connection() as connection:
        row = await find_event(connection, key, caller)
        rows = await events.list_around(connection, row, caller.scope, metres=around.radius_m)
    found = [(distance_m((row["lon"], row["lat"]), (other["lon"], other["lat"])), other) for other in rows]
    near = sorted((pair for pair in found if pair[0] <= around.radius_m), key=lambda pair: pair[0])
    items = [
        {**nouns.event(other, state.context.pack.feeds), "distance_m": round(distance, 1)}
        for distance, other in near[:NEIGHBOURS_MAX]
    ]
    return responses.json_response({"items": items, "next": None, "total": len(near)})


@router.post(
    "/{event}/unmask",
    summary="See what is withheld",
    openapi_extra=request_body(RevealReason),
    **responses_of(UnmaskedModel),
)
async def unmask(
    request: Request, event: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep
) -> Response:
    """Return the withheld fields of one event; who saw them, and why, is in the audit trail before they are sent."""
    body = await read_body(request, RevealReason)
    async with state.context.database.transaction() as connection:
        row = await find_event(connection, event, caller)
        spec, data = state.context.pack.feeds.get(row["feed"]), row["data"] or {}
        held = {name: value for name, value in data.items() if spec is not None and spec.withholds(name)}
        opened = await open_personal(connection, held.values())
        erased = sorted(name for name, value in held.items() if is_reference(value) and value not in opened)
        shown = {
            name: opened[value] if is_reference(value) else value for name, value in held.items() if name not in erased
        }
        detail = {"reason": body.reason, "fields": sorted(shown), "feed": row["feed"]}
        entry = AuditEntry(caller.principal.name, "event.unmask", event, caller.address, detail)
        await append_audit(connection, entry, state.context.wall.now())
    return responses.json_response({"key": event, "fields": shown, "erased": erased})
