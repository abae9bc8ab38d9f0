"""Rules as they are in force, in plain words and as YAML."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from ioc.api import answer, wire, wire_rules
from ioc.api.auth import READERS
from ioc.api.caller import Caller
from ioc.api.deps import APIState, StateDep
from ioc.errors import NotFoundError
from ioc.store import alerts, domains

router = APIRouter(prefix="/rules", tags=["rules"])


async def _rules(caller: Caller, state: APIState) -> list[wire.JSONObject]:
    async with state.parts.database.connection() as connection:
        rows = await domains.list_rule_items(connection)
        opened = await alerts.count_open_by_rule(connection, caller.scope)
    written = {(rule.id, rule.hash): rule.yaml for rule in state.parts.pack.rules}
    codes = wire_rules.codes_of(state.parts.pack)
    return [
        wire_rules.rule(
            row,
            feeds=state.parts.pack.feeds,
            open_alerts=opened.get(row["id"], 0),
            text=written.get((row["id"], row["hash"])),
            codes=codes,
        )
        for row in rows
    ]


@router.get("", summary="List rules")
async def list_rules(caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return the rules in force; open alerts are counted inside the caller's wall."""
    return answer.json_answer({"items": await _rules(caller, state), "next": None})


@router.get("/{rule}", summary="One rule")
async def get_rule(rule: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return one rule."""
    for found in await _rules(caller, state):
        if found["id"] == rule:
            return answer.json_answer(found)
    raise NotFoundError("no such rule")
