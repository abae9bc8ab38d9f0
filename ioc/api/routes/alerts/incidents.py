"""Incidents: lists, and one with the moves of its alerts. Its alerts are `/alerts?incident=`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.auth import EVERYBODY, READERS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import paging, responses
from ioc.api.http.filters import HistoryPage, IncidentFilters
from ioc.api.http.openapi_responses import CSV_TYPE, responses_of
from ioc.api.serializers import nouns
from ioc.api.serializers.models.incidents import (
    IncidentChangesModel,
    IncidentHistoryModel,
    IncidentModel,
    IncidentPageModel,
)
from ioc.api.views import incidents as incidents_json
from ioc.api.views.changed_after import FollowedNoun, changes_response
from ioc.api.wall.caller import Caller
from ioc.domain.incidents.grouping import Grouping
from ioc.errors import NotFoundError
from ioc.store.alerts.reader import load_alerts
from ioc.store.incidents import reader as incidents
from ioc.store.postgres.engine import Connection

router = APIRouter(prefix="/incidents", tags=["alerts"])
SORT_KEYS = ("severity_rank", "taken", "opened_at", "id")
SHAPE = (paging.SmallNumber, bool, datetime, str)


async def told(
    connection: Connection, rows: Sequence[incidents.Row], caller: Caller, state: APIState
) -> list[nouns.JSONObject]:
    """Return incidents as the caller may see them, each with the line of its worst alert."""
    worst = await load_alerts(connection, [row["worst"] for row in rows]) if rows else {}
    grouping = Grouping(state.context.pack.incidents)
    said = {
        name: nouns.alert(row, book=caller.book, today=caller.today, masked=caller.principal.masked)
        for name, row in worst.items()
    }
    return [incidents_json.incident(row, said[row["worst"]], grouping) for row in rows]


async def find_incident(connection: Connection, incident: str, caller: Caller) -> incidents.Row:
    """Return an incident of which the caller sees an alert.

    Raises:
        NotFoundError: there is none; a foreign one and none at all are told the same.
    """
    row = await incidents.get_incident(connection, incident, caller.scope)
    if row is None:
        raise NotFoundError("no such incident")
    return row


@router.get("", summary="List incidents", **responses_of(IncidentPageModel | IncidentChangesModel, forms=(CSV_TYPE,)))
async def list_incidents(
    request: Request,
    caller: Annotated[Caller, Depends(EVERYBODY)],
    state: StateDep,
    filters: Annotated[IncidentFilters, Query()],
) -> Response:
    """Return incidents, the newest first; with `open=true` those with an open alert, what needs a person most first.

    With `changed_after`: what has changed after that position, in the order of changes (see docs/district.md).
    """
    scope = caller.within(filters.area, filters.zone)
    if filters.changed_after is not None:
        return await _list_changes(request, caller, state, filters)
    keys = responses.cursor_keys("incidents", filters, SHAPE if filters.open else (int,))
    async with state.context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        position = await responses.begin_snapshot(connection)
        limit = filters.limit + 1
        if filters.open:
            after = incidents.IncidentPageEnd(*keys) if keys else None
            rows = await incidents.list_open(connection, scope, after=after, limit=limit)
        else:
            before = keys[0] if keys else None
            over = filters.open is False
            rows = await incidents.list_newest(connection, scope, over=over, before=before, limit=limit)
        items = await told(connection, rows[: filters.limit], caller, state)
    following = responses.next_cursor("incidents", filters, rows, SORT_KEYS if filters.open else ("ordinal",))
    return responses.list_response(request, items, following=following, position=position, name="incidents")


async def _list_changes(request: Request, caller: Caller, state: APIState, filters: IncidentFilters) -> Response:
    """Answer `changed_after`."""
    scope = caller.within(filters.area, filters.zone)
    said: dict[str, nouns.JSONObject] = {}

    async def listed(connection: Connection, ids: Sequence[str]) -> Sequence[incidents.Row]:
        rows = await incidents.load_incidents(connection, ids, scope)
        if filters.open is not None:
            rows = [row for row in rows if (row["open_count"] > 0) == filters.open]
        said.update({item["id"]: item for item in await told(connection, rows, caller, state)})
        return rows

    async def load(connection: Connection, ids: Sequence[str]) -> dict[str, incidents.Row]:
        del connection, ids  # who sees no alert of one any more is told that it is gone
        return {}

    noun = FollowedNoun("incident", "incidents", listed, load, lambda row: said[row["id"]])
    return await changes_response(request, state.context.database, noun, filters=filters, scope=scope)


@router.get("/{incident}", summary="One incident", **responses_of(IncidentModel, tagged=True, conditional=True))
async def get_incident(
    request: Request, incident: str, caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep
) -> Response:
    """Return one incident, by id or by its number; 304 where If-None-Match names it as it is."""
    async with state.context.database.connection() as connection:
        row = await find_incident(connection, incident, caller)
        worst = (await load_alerts(connection, [row["worst"]]))[row["worst"]]
        [item] = await told(connection, [row], caller, state)
    reading = (worst["now"] or {}).get("position", 0)
    return responses.tagged_response(request, item, f'"{row["version"]}.{row["alert_count"]}.{reading}"')


@router.get("/{incident}/history", summary="Every move of an incident's alerts", **responses_of(IncidentHistoryModel))
async def get_incident_history(
    incident: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep, page: Annotated[HistoryPage, Query()]
) -> Response:
    """Return a page of what the engine and people did with its alerts, the newest first."""
    route = f"incident-history-{incident}"
    bound = page.model_dump()
    keys = paging.read_cursor(route, bound, page.cursor, (datetime, str, paging.SmallNumber))
    async with state.context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        position = await responses.begin_snapshot(connection)
        row = await find_incident(connection, incident, caller)
        before = (keys[0], keys[1], keys[2]) if keys else None
        moves = await incidents.read_history(connection, row["id"], caller.scope, before=before, limit=page.limit + 1)
    following = None
    if len(moves) > page.limit:
        last = moves[page.limit - 1]
        following = paging.make_cursor(route, bound, [last["log_time"], last["alert"], last["number"]])
    items = [incidents_json.incident_history(move) for move in moves[: page.limit]]
    return responses.json_response(nouns.page(items, following=following, position=position))
