"""Backtests of a rule: asking for one, how far it is, what it found, and cancelling it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, BeforeValidator, Field

from ioc.api.auth import PEOPLE, RULE_EDITORS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import paging, responses
from ioc.api.http.body import Input, read_body, request_body
from ioc.api.http.filters import RulePage, read_moment
from ioc.api.http.openapi_responses import responses_of
from ioc.api.routes.rules.rule_edits import BODY_BYTES_MAX, RuleText, require_sound
from ioc.api.serializers import nouns
from ioc.api.serializers.models.backtests import BacktestListModel, BacktestModel
from ioc.api.wall.caller import Caller
from ioc.errors import NotFoundError
from ioc.store.rules import backtests
from ioc.store.rules.backtest_log import BacktestLog
from ioc.store.rules.backtests import NewBacktest, Row, progress_of

of_rules = APIRouter(prefix="/rules", tags=["rules"])
router = APIRouter(prefix="/backtests", tags=["rules"])


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time has an offset, such as 2026-10-11T00:00:00+07:00")
    return moment


Instant = Annotated[datetime, BeforeValidator(read_moment), AfterValidator(_aware)]


class NewTrial(Input):
    """What to try, over [`from`, `to`). ``yaml`` absent: the form in force, alone."""

    yaml: RuleText | None = None
    start: Annotated[Instant, Field(alias="from")]
    end: Annotated[Instant, Field(alias="to")]
    include_history: bool = False


def backtest_json(row: Row, *, result: bool = False) -> nouns.JSONObject:
    """Return a backtest; its result where it is asked for and there is one."""
    found: dict[str, Any] = {
        "id": row["id"],
        "rule": row["rule"],
        "version": row["version"],
        "hash": row["hash"],
        "state": row["state"],
        "progress": progress_of(row),
        "from": nouns.moment(row["span_from"]),
        "to": nouns.moment(row["span_to"]),
        "include_history": row["include_history"],
        "asked_by": row["asked_by"],
        "asked_at": nouns.moment(row["asked_at"]),
        "started_at": nouns.moment(row["started_at"]),
        "ended_at": nouns.moment(row["ended_at"]),
        "reason": row["reason"],
        "moves": row["moves"],
    }
    return {**found, "result": row["result"]} if result else found


def sees(caller: Caller) -> bool:
    """Tell whether a person may see backtests: they hold evidence of every area and feed."""
    return caller.scope.areas is None and caller.scope.restricted and not caller.scope.hidden_feeds


@of_rules.post(
    "/{rule}/backtest",
    summary="Ask for a backtest",
    openapi_extra=request_body(NewTrial),
    **responses_of(BacktestModel, status=202, refused=(409,)),
)
async def ask(
    request: Request, rule: str, caller: Annotated[Caller, Depends(RULE_EDITORS)], state: StateDep
) -> Response:
    """Put a backtest into the queue: 202 with where it is. The rule need not be in force, nor saved."""
    state.rules.checks.take(caller.principal.name)
    body = await read_body(request, NewTrial, bytes_max=BODY_BYTES_MAX)
    start, end = backtests.checked_span(body.start, body.end, state.context.clock.now())
    present = await BacktestLog(state.context.database).rule(rule)
    if body.yaml is not None:
        form = require_sound(await state.rules.check(body.yaml, identifier=rule))
        same = present is not None and present["hash"] == form.hash
        version = present["version"] if present is not None and same else None
        tried: tuple[Any, str, int | None] = (form.body, form.hash, version)
    elif present is not None:
        tried, present = (present["body"], present["hash"], present["version"]), None
    else:
        raise NotFoundError("no such rule: send its text as `yaml`")
    new = NewBacktest(
        rule=rule, body=tried[0], hash=tried[1], version=tried[2], present=present, span_from=start, span_to=end,
        include_history=body.include_history,
    )  # fmt: skip
    row = await backtests.ask(
        state.context.database, new, actor=caller.principal.name, address=caller.address, now=state.context.wall.now()
    )
    headers = {"Location": f"/api/v1/backtests/{row['id']}"}
    return responses.json_response(backtest_json(row, result=True), status=202, headers=headers)


@of_rules.get("/{rule}/backtests", summary="Backtests of a rule", **responses_of(BacktestListModel))
async def list_of_rule(
    rule: str, caller: Annotated[Caller, Depends(PEOPLE)], state: StateDep, page: Annotated[RulePage, Query()]
) -> Response:
    """Return the newest first, without their results; none to people with an area."""
    route = f"backtests-{rule}"
    keys = paging.read_cursor(route, {}, page.cursor, (datetime, str))
    if not sees(caller):
        return responses.json_response({"items": [], "next": None})
    async with state.context.database.connection() as connection:
        before = (keys[0], keys[1]) if keys else None
        rows = await backtests.list_of_rule(connection, rule, before=before, limit=page.limit + 1)
    last = rows[page.limit - 1] if len(rows) > page.limit else None
    following = paging.make_cursor(route, {}, [last["asked_at"], last["id"]]) if last is not None else None
    return responses.json_response({"items": [backtest_json(row) for row in rows[: page.limit]], "next": following})


@router.get("/{backtest}", summary="One backtest", **responses_of(BacktestModel))
async def get_backtest(backtest: str, caller: Annotated[Caller, Depends(PEOPLE)], state: StateDep) -> Response:
    """Return one, with its result when it is done."""
    return responses.json_response(backtest_json(await _one(backtest, caller, state), result=True))


@router.post("/{backtest}/cancel", summary="Cancel a backtest", **responses_of(BacktestModel, refused=(409,)))
async def cancel(backtest: str, caller: Annotated[Caller, Depends(RULE_EDITORS)], state: StateDep) -> Response:
    """End one that waits or runs, within two seconds; 409 when it has ended."""
    row = await backtests.ask_cancel(
        state.context.database, backtest, actor=caller.principal.name, address=caller.address,
        now=state.context.wall.now(),
    )  # fmt: skip
    return responses.json_response(backtest_json(row, result=True))


async def _one(identifier: str, caller: Caller, state: APIState) -> Row:
    if not sees(caller):
        raise NotFoundError("no such backtest")
    async with state.context.database.connection() as connection:
        return await backtests.get(connection, identifier)
