"""Rules: the form in force beside the pack's, in plain words and as YAML, how each does, its history."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ioc.api.auth import PEOPLE, READERS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import paging, responses
from ioc.api.http.filters import RulePage, WholeList
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers import nouns
from ioc.api.serializers import rule_state as rule_state_json
from ioc.api.serializers import rules as rules_json
from ioc.api.serializers.models.rules import MonitoredListModel, RuleHistoryModel, RuleListModel, RuleModel
from ioc.api.wall.caller import Caller
from ioc.errors import NotFoundError
from ioc.store.alerts import reader as alerts
from ioc.store.postgres.engine import Connection
from ioc.store.rules import reader as rules_read

router = APIRouter(prefix="/rules", tags=["rules"])


async def around_of(connection: Connection, caller: Caller, state: APIState) -> rule_state_json.RuleSetting:
    """Return what rules are shown against."""
    context = state.context
    return rule_state_json.RuleSetting(
        feeds=context.pack.feeds,
        codes=rules_json.codes_of(context.pack),
        today=context.today(),
        now=context.clock.now(),
        heard=await rules_read.feeds_heard(connection),
        language=caller.language,
        masked=caller.principal.masked,
    )


async def one_rule(rule: str, caller: Caller, state: APIState) -> nouns.JSONObject:
    """Return one rule as JSON.

    Raises:
        NotFoundError: there is none.
    """
    async with state.context.database.connection() as connection:
        row = await rules_read.get_rule(connection, rule)
        if row is None:
            raise NotFoundError("no such rule")
        opened = await alerts.count_open_by_rule(connection, caller.scope)
        around = await around_of(connection, caller, state)
    return rule_state_json.rule(row, around, open_alerts=opened.get(rule, 0))


def rule_response(found: nouns.JSONObject, *, status: int = 200) -> Response:
    """Return a rule with its version as the ETag, and where it is when it is new."""
    headers = {"ETag": f'"{found["version"]}"'}
    if status == 201:  # noqa: PLR2004 - created
        headers["Location"] = f"/api/v1/rules/{found['id']}"
    return responses.json_response(found, status=status, headers=headers)


@router.get("", summary="List rules", **responses_of(RuleListModel))
async def list_rules(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, page: Annotated[WholeList, Query()]
) -> Response:
    """Return rules by id; open alerts are counted inside the caller's wall."""
    keys = responses.cursor_keys("rules", page, (str,))
    async with state.context.database.connection() as connection:
        rows = await rules_read.list_rules(connection, after=keys[0] if keys else None, limit=page.limit + 1)
        opened = await alerts.count_open_by_rule(connection, caller.scope)
        around = await around_of(connection, caller, state)
    following = responses.next_cursor("rules", page, rows, ("id",))
    shown = rows[: page.limit]
    items = [rule_state_json.rule(row, around, open_alerts=opened.get(row["id"], 0)) for row in shown]
    return responses.json_response({"items": items, "next": following})


@router.get("/{rule}", summary="One rule", **responses_of(RuleModel, tagged=True))
async def get_rule(rule: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return one rule."""
    return rule_response(await one_rule(rule, caller, state))


@router.get("/{rule}/history", summary="Every change of a rule", **responses_of(RuleHistoryModel))
async def get_history(
    rule: str, caller: Annotated[Caller, Depends(PEOPLE)], state: StateDep, page: Annotated[RulePage, Query()]
) -> Response:
    """Return who changed a rule, when, why and how, newest first; also of a rule that was deleted."""
    route = f"rule-history-{rule}"
    keys = paging.read_cursor(route, {}, page.cursor, (paging.SmallNumber,))
    async with state.context.database.connection() as connection:
        before = keys[0] if keys else None
        rows = await rules_read.read_history(connection, rule, before=before, limit=page.limit + 1)
        around = await around_of(connection, caller, state)
    if not rows and before is None:
        raise NotFoundError("no such rule")
    following = paging.make_cursor(route, {}, [rows[page.limit - 1]["number"]]) if len(rows) > page.limit else None
    items = [rule_state_json.step(row, around) for row in rows[: page.limit]]
    return responses.json_response({"items": items, "next": following})


@router.get("/{rule}/monitored", summary="What a rule in monitor mode saw", **responses_of(MonitoredListModel))
async def get_monitored(
    rule: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep, page: Annotated[RulePage, Query()]
) -> Response:
    """Return what a rule in monitor mode would have raised, newest first, inside the caller's wall."""
    route = f"rule-monitored-{rule}"
    keys = paging.read_cursor(route, {}, page.cursor, (int, paging.SmallNumber))
    before = (keys[0], keys[1]) if keys else None
    async with state.context.database.connection() as connection:
        if await rules_read.get_rule(connection, rule) is None:
            raise NotFoundError("no such rule")
        rows = await rules_read.read_monitored(connection, rule, caller.scope, before=before, limit=page.limit + 1)
    last = rows[page.limit - 1] if len(rows) > page.limit else None
    following = paging.make_cursor(route, {}, [last["position"], last["number"]]) if last is not None else None
    items = [rule_state_json.monitored_move(row, masked=caller.principal.masked) for row in rows[: page.limit]]
    return responses.json_response({"items": items, "next": following})
