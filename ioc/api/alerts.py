"""Alerts: lists, one with its history and evidence, and what people do with them."""

import re
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from ioc.api import answer, wire
from ioc.api.alert_evidence import read_evidence
from ioc.api.auth import EVERYBODY, OPERATORS, READERS
from ioc.api.body import Input, Line, described, read_body
from ioc.api.caller import Caller
from ioc.api.deps import APIState, StateDep
from ioc.api.filters import AlertFilters, many
from ioc.api.problems import PreconditionRequiredError
from ioc.domain.alert import WorkAction
from ioc.errors import InvalidInputError, NotFoundError, VersionConflictError
from ioc.store import alerts
from ioc.store.alert_work import Work, do_work
from ioc.store.engine import Connection

router = APIRouter(prefix="/alerts", tags=["alerts"])
ETAG = re.compile(r'"([0-9]{1,9})"')
SHAPE = (datetime, str)


class Remark(Input):
    """Words that go with an action."""

    text: Annotated[Line, Field(max_length=4_000)] | None = None


class Comment(Input):
    """A comment: there must be words."""

    text: Annotated[Line, Field(min_length=1, max_length=4_000, pattern=r"\S")]


def seen_version(request: Request) -> int:
    """Return the version of If-Match.

    Raises:
        PreconditionRequiredError: there is none. InvalidInputError: it is not `"<number>"`.
    """
    header = request.headers.get("if-match")
    if header is None:
        raise PreconditionRequiredError('say which version you have seen: If-Match: "3"')
    match = ETAG.fullmatch(header.strip())
    if match is None:
        raise InvalidInputError('If-Match holds one version in quotes: "3"', field="If-Match")
    return int(match[1])


def rendered(row: alerts.Row, caller: Caller) -> wire.JSONObject:
    """Return an alert as the caller may see it."""
    return wire.alert(row, book=caller.book, today=caller.today, masked=caller.principal.masked)


def chosen(filters: AlertFilters) -> alerts.AlertFilter:
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
        text=filters.q,
        since=filters.since,
        until=filters.until,
    )


async def existing(connection: Connection, alert: str, caller: Caller) -> alerts.Row:
    """Return an alert inside the caller's wall.

    Raises:
        NotFoundError: there is none; a foreign one and none at all are told the same.
    """
    row = await alerts.get_alert(connection, alert, caller.scope)
    if row is None:
        raise NotFoundError("no such alert")
    return row


@router.get("", summary="List alerts")
async def list_alerts(
    request: Request,
    caller: Annotated[Caller, Depends(EVERYBODY)],
    state: StateDep,
    filters: Annotated[AlertFilters, Query()],
) -> Response:
    """Return alerts, newest opened first; `open` means firing or not yet taken note of."""
    keys = answer.cursor_keys("alerts", filters, SHAPE)
    scope = caller.within(filters.area, filters.zone)
    before = (keys[0], keys[1]) if keys else None
    async with state.parts.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        position = await answer.begin_snapshot(connection)
        rows = await alerts.list_alerts(connection, chosen(filters), scope, before=before, limit=filters.limit + 1)
    following = answer.next_cursor("alerts", filters, rows, ("opened_at", "id"))
    items = [rendered(row, caller) for row in rows[: filters.limit]]
    return answer.list_answer(request, items, following=following, position=position, name="alerts")


@router.get("/{alert}", summary="One alert")
async def get_alert(alert: str, caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return one alert, by id or by its number."""
    async with state.parts.database.connection() as connection:
        row = await existing(connection, alert, caller)
    return answer.json_answer(rendered(row, caller), headers={"ETag": f'"{row["version"]}"'})


@router.get("/{alert}/history", summary="Every move of an alert")
async def get_history(alert: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return the engine's moves and people's, oldest first."""
    async with state.parts.database.connection() as connection:
        row = await existing(connection, alert, caller)
        moves = await alerts.read_history(connection, row["id"])
    return answer.json_answer([wire.history(move) for move in moves])


@router.get("/{alert}/evidence", summary="Why an alert fired")
async def get_evidence(alert: str, caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return the rule, the clause, the limit with its source, the readings, and a chart of the device around it."""
    async with state.parts.database.connection() as connection:
        row = await existing(connection, alert, caller)
        return answer.json_answer(await read_evidence(connection, state, caller, row))


async def _work(request: Request, caller: Caller, state: APIState, *, alert: str, action: WorkAction) -> Response:
    """Do one action and return the alert after it; on a lost race the refusal carries the present one."""
    version = seen_version(request)
    if action is WorkAction.COMMENT:
        text: str | None = (await read_body(request, Comment)).text
    else:
        text = (await read_body(request, Remark)).text
    work = Work(alert, action, version, caller.principal.name, text, caller.address)
    database = state.parts.database
    try:
        now, wall = state.parts.clock.now(), state.parts.wall.now()
        found = await do_work(database, work, scope=caller.scope, now=now, wall=wall)
    except VersionConflictError as error:
        async with database.connection() as connection:
            row = await existing(connection, alert, caller)
        raise VersionConflictError(str(error), current=rendered(row, caller)) from error
    async with database.connection() as connection:
        row = await existing(connection, found, caller)
    return answer.json_answer(rendered(row, caller), headers={"ETag": f'"{row["version"]}"'})


@router.post("/{alert}/acknowledge", summary="Take note", openapi_extra=described(Remark))
async def acknowledge(
    request: Request, alert: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep
) -> Response:
    """Take note of an alert and own it."""
    return await _work(request, caller, state, alert=alert, action=WorkAction.ACKNOWLEDGE)


@router.post("/{alert}/comment", summary="Comment", openapi_extra=described(Comment))
async def comment(
    request: Request, alert: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep
) -> Response:
    """Write something down."""
    return await _work(request, caller, state, alert=alert, action=WorkAction.COMMENT)


@router.post("/{alert}/resolve", summary="Resolve", openapi_extra=described(Remark))
async def resolve(
    request: Request, alert: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep
) -> Response:
    """Say that it is done; refused (409) while the condition fires."""
    return await _work(request, caller, state, alert=alert, action=WorkAction.RESOLVE)


@router.post("/{alert}/reopen", summary="Reopen", openapi_extra=described(Remark))
async def reopen(
    request: Request, alert: str, caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep
) -> Response:
    """Undo an acknowledge or a resolve."""
    return await _work(request, caller, state, alert=alert, action=WorkAction.REOPEN)
