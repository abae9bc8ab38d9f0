"""Rules: the form in force beside the pack's, in plain words and as YAML, how each does, its history."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ioc.api import answer, paging, wire, wire_rule_state, wire_rules
from ioc.api.auth import PEOPLE, READERS
from ioc.api.caller import Caller
from ioc.api.deps import APIState, StateDep
from ioc.api.filters import RulePage
from ioc.errors import NotFoundError
from ioc.store import alerts, rules_read
from ioc.store.engine import Connection

router = APIRouter(prefix="/rules", tags=["rules"])


async def around_of(connection: Connection, caller: Caller, state: APIState) -> wire_rule_state.Around:
    """Return what rules are shown against."""
    parts = state.parts
    return wire_rule_state.Around(
        feeds=parts.pack.feeds,
        codes=wire_rules.codes_of(parts.pack),
        today=parts.today(),
        now=parts.clock.now(),
        heard=await rules_read.feeds_heard(connection),
        language=caller.language,
        masked=caller.principal.masked,
    )


async def one_rule(rule: str, caller: Caller, state: APIState) -> wire.JSONObject:
    """Return one rule as JSON.

    Raises:
        NotFoundError: there is none.
    """
    async with state.parts.database.connection() as connection:
        row = await rules_read.get_rule(connection, rule)
        if row is None:
            raise NotFoundError("no such rule")
        opened = await alerts.count_open_by_rule(connection, caller.scope)
        around = await around_of(connection, caller, state)
    return wire_rule_state.rule(row, around, open_alerts=opened.get(rule, 0))


def rule_answer(found: wire.JSONObject, *, status: int = 200) -> Response:
    """Return a rule with its version as the ETag, and where it is when it is new."""
    headers = {"ETag": f'"{found["version"]}"'}
    if status == 201:  # noqa: PLR2004 - created
        headers["Location"] = f"/api/v1/rules/{found['id']}"
    return answer.json_answer(found, status=status, headers=headers)


@router.get("", summary="List rules")
async def list_rules(caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return every rule; open alerts are counted inside the caller's wall."""
    async with state.parts.database.connection() as connection:
        rows = await rules_read.list_rules(connection)
        opened = await alerts.count_open_by_rule(connection, caller.scope)
        around = await around_of(connection, caller, state)
    items = [wire_rule_state.rule(row, around, open_alerts=opened.get(row["id"], 0)) for row in rows]
    return answer.json_answer({"items": items, "next": None})


@router.get("/{rule}", summary="One rule")
async def get_rule(rule: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return one rule."""
    return rule_answer(await one_rule(rule, caller, state))


@router.get("/{rule}/history", summary="Every change of a rule")
async def get_history(
    rule: str, caller: Annotated[Caller, Depends(PEOPLE)], state: StateDep, page: Annotated[RulePage, Query()]
) -> Response:
    """Return who changed a rule, when, why and how, newest first; also of a rule that was deleted."""
    route = f"rule-history-{rule}"
    keys = paging.read_cursor(route, {}, page.cursor, (int,))
    async with state.parts.database.connection() as connection:
        before = keys[0] if keys else None
        rows = await rules_read.read_history(connection, rule, before=before, limit=page.limit + 1)
        around = await around_of(connection, caller, state)
    if not rows and before is None:
        raise NotFoundError("no such rule")
    following = paging.make_cursor(route, {}, [rows[page.limit - 1]["number"]]) if len(rows) > page.limit else None
    items = [wire_rule_state.step(row, around) for row in rows[: page.limit]]
    return answer.json_answer({"items": items, "next": following})


@router.get("/{rule}/monitored", summary="What a rule in monitor mode saw")
async def get_monitored(
    rule: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep, page: Annotated[RulePage, Query()]
) -> Response:
    """Return what a rule in monitor mode would have raised, newest first, inside the caller's wall."""
    route = f"rule-monitored-{rule}"
    keys = paging.read_cursor(route, {}, page.cursor, (int, int))
    before = (keys[0], keys[1]) if keys else None
    async with state.parts.database.connection() as connection:
        if await rules_read.get_rule(connection, rule) is None:
            raise NotFoundError("no such rule")
        rows = await rules_read.read_monitored(connection, rule, caller.scope, before=before, limit=page.limit + 1)
    last = rows[page.limit - 1] if len(rows) > page.limit else None
    following = paging.make_cursor(route, {}, [last["position"], last["number"]]) if last is not None else None
    items = [wire_rule_state.monitored(row, masked=caller.principal.masked) for row in rows[: page.limit]]
    return answer.json_answer({"items": items, "next": following})
