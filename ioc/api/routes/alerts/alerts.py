"""Alerts: lists, and one with its history and evidence."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.auth import EVERYBODY, OPERATORS, READERS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import paging, responses
from ioc.api.http.filters import AlertFilters, AlertHistoryPage, WholeList, check_values, many
from ioc.api.http.openapi_responses import CSV_TYPE, GEOJSON_TYPE, responses_of
from ioc.api.routes.alerts.evidence import read_events, read_evidence
from ioc.api.serializers import nouns
from ioc.api.serializers.models.alerts import (
    AlertChangesModel,
    AlertHistoryModel,
    AlertModel,
    AlertPageModel,
    AssigneeListModel,
)
from ioc.api.serializers.models.events import EventListModel
from ioc.api.serializers.models.evidence import EvidenceModel
from ioc.api.views.assignees import read_assignees
from ioc.api.views.changed_after import FollowedNoun, changes_response
from ioc.api.wall.caller import Caller
from ioc.errors import NotFoundError
from ioc.store.alerts import reader as alerts
from ioc.store.audit.trail import AuditEntry
from ioc.store.postgres.engine import Connection

router = APIRouter(prefix="/alerts", tags=["alerts"])
SORT_KEYS = ("open", "severity_rank", "taken", "opened_at", "id")
SHAPE = (bool, int, bool, datetime, str)


def alert_json(row: alerts.Row, caller: Caller) -> nouns.JSONObject:
    """Return an alert as the caller may see it."""
    return nouns.alert(row, book=caller.book, today=caller.today, masked=caller.principal.masked)


def alert_filter(filters: AlertFilters, caller: Caller) -> alerts.AlertFilter:
    """Return the store's filter of the query."""
    return alerts.AlertFilter(
        open=filters.open,
        states=many(filters.state),
        conditions=many(filters.condition),
        severities=many(filters.severity),
        domains=many(filters.domain),
        rules=many(filters.rule),
        devices=many(filters.device),
        feeds=many(filters.feed),
        assignee=filters.assignee,
        incident=filters.incident,
        silenced=filters.silenced,
        asked=caller.book.asked(filters.q, caller.today),
        since=filters.since,
        until=filters.until,
    )


async def find_alert(connection: Connection, alert: str, caller: Caller) -> alerts.Row:
    """Return an alert inside the caller's wall.

    Raises:
        NotFoundError: there is none; a foreign one and none at all are told the same.
    """
    row = await alerts.get_alert(connection, alert, caller.scope)
    if row is None:
        raise NotFoundError("no such alert")
    return row


@router.get(
    "", summary="List alerts", **responses_of(AlertPageModel | AlertChangesModel, forms=(CSV_TYPE, GEOJSON_TYPE))
)
async def list_alerts(
    request: Request,
    caller: Annotated[Caller, Depends(EVERYBODY)],
    state: StateDep,
    filters: Annotated[AlertFilters, Query()],
) -> Response:
    """Return alerts, what needs a person most first; `open` means firing or not yet taken note of.

    `sort=attention`: open ones by severity, then what nobody has taken, then what waits longest; after them those that
    are over, newest first. `newest` and `oldest` go by when they opened.

    With `changed_after`: what has changed after that position, in the order of changes (see docs/district.md).
    """
    check_values(filters, state.context.pack)
    if filters.changed_after is not None:
        return await _list_changes(request, caller, state, filters)
    keys = responses.cursor_keys("alerts", filters, SHAPE)
    scope = caller.within(filters.area, filters.zone)
    after = alerts.AlertPageEnd(*keys) if keys else None
    async with state.context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        position = await responses.begin_snapshot(connection)
        rows = await alerts.list_alerts(
            connection, alert_filter(filters, caller), scope, sort=filters.sort, after=after, limit=filters.limit + 1
        )
    following = responses.next_cursor("alerts", filters, rows, SORT_KEYS)
    items = [alert_json(row, caller) for row in rows[: filters.limit]]
    return responses.list_response(request, items, following=following, position=position, name="alerts")


async def _list_changes(request: Request, caller: Caller, state: APIState, filters: AlertFilters) -> Response:
    """Answer `changed_after`."""
    scope = caller.within(filters.area, filters.zone)

    async def listed(connection: Connection, ids: Sequence[str]) -> Sequence[alerts.Row]:
        wanted = replace(alert_filter(filters, caller), ids=ids)
        return await alerts.list_alerts(connection, wanted, scope, sort="newest", after=None, limit=len(ids))

    noun = FollowedNoun("alert", "alerts", listed, alerts.load_alerts, lambda row: alert_json(row, caller))
    return await changes_response(request, state.context.database, noun, filters=filters, scope=scope)


@router.get("/{alert}", summary="One alert", **responses_of(AlertModel, tagged=True, conditional=True))
async def get_alert(
    request: Request, alert: str, caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep
) -> Response:
    """Return one alert, by id or by its number; 304 where If-None-Match names it as it is."""
    async with state.context.database.connection() as connection:
        row = await find_alert(connection, alert, caller)
    return responses.tagged_response(request, alert_json(row, caller), nouns.alert_etag(row))


@router.get("/{alert}/history", summary="Every move of an alert", **responses_of(AlertHistoryModel))
async def get_history(
    alert: str,
    caller: Annotated[Caller, Depends(READERS)],
    state: StateDep,
    page: Annotated[AlertHistoryPage, Query()],
) -> Response:
    """Return a page of the engine's moves and people's, oldest first, or newest; `total` counts all of these kinds."""
    route = f"alert-history-{alert}"
    bound = page.model_dump()
    keys = paging.read_cursor(route, bound, page.cursor, (paging.SmallNumber,))
    async with state.context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        position = await responses.begin_snapshot(connection)
        row = await find_alert(connection, alert, caller)
        chosen = alerts.HistoryFilter(row["id"], many(page.kind))
        moves = await alerts.read_history(
            connection, chosen, newest=page.sort == "newest", after=keys[0] if keys else None, limit=page.limit + 1
        )
        total = await alerts.count_history(connection, chosen)
    more = len(moves) > page.limit
    following = paging.make_cursor(route, bound, [moves[page.limit - 1]["number"]]) if more else None
    items = [nouns.history(move) for move in moves[: page.limit]]
    return responses.json_response({**nouns.page(items, following=following, position=position), "total": total})


@router.get("/{alert}/evidence", summary="Why an alert fired", **responses_of(EvidenceModel))
async def get_evidence(alert: str, caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return the rule, the clause, the limit with its source, the readings, and a chart of the device around it.

    With what lookup tables say of its device and codes; who is told a row of a restricted one is in the audit trail.
    """
    async with state.context.database.connection() as connection:
        row = await find_alert(connection, alert, caller)
        told, restricted = await read_evidence(connection, state, caller, row)
    if restricted:
        detail = {"rows": restricted}
        look = AuditEntry(caller.principal.name, "lookup.look", row["id"], caller.address, detail)
        await state.looks.note(look)
    return responses.json_response(told)


@router.get("/{alert}/events", summary="What was sent that an alert rests on", **responses_of(EventListModel))
async def get_events(alert: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return the events that its newest evidence rests on, newest first, at most 50: a report with all its words."""
    async with state.context.database.connection() as connection:
        row = await find_alert(connection, alert, caller)
        rows = await read_events(connection, caller, row)
    feeds = state.context.pack.feeds
    return responses.json_response({"items": [nouns.event(found, feeds) for found in rows], "next": None})


@router.get("/{alert}/assignees", summary="Who may handle an alert", **responses_of(AssigneeListModel))
async def get_assignees(
    alert: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep, page: Annotated[WholeList, Query()]
) -> Response:
    """Return the people to whom an alert may be handed, by user name: who may handle alerts, where this one is."""
    route = f"assignees-{alert}"
    found = responses.cursor_keys(route, page, (str,))
    after = found[0] if found else ""
    async with state.context.database.connection() as connection:
        row = await find_alert(connection, alert, caller)
        people = await read_assignees(connection, row, caller, state.context.restricted_feeds)
    rows = [one for one in people if one["username"] > after][: page.limit + 1]
    following = responses.next_cursor(route, page, rows, ("username",))
    items = [{name: one[name] for name in ("username", "name", "role", "area")} for one in rows[: page.limit]]
    return responses.json_response({"items": items, "next": following})
