"""Drills: what can be trained, starting one and stopping it, and how those before were handled."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from ioc.api.auth import DRILLERS, PEOPLE
from ioc.api.context import DrillHost
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import Input, Line, read_body, request_body
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers import nouns
from ioc.api.serializers.models.drills import DrillListModel, DrillRunModel
from ioc.api.wall.caller import Caller
from ioc.errors import NotFoundError, TransitionError
from ioc.store.operations.drill_runs import list_runs

router = APIRouter(prefix="/drills", tags=["drills"])


class NewDrill(Input):
    """A drill to start. ``speed``: at most so many of its seconds in a second; absent: the scenario's own."""

    scenario: Annotated[Line, Field(min_length=1, max_length=64)]
    speed: Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)] | None = None


def host_of(state: APIState) -> DrillHost:
    """Return who runs drills here.

    Raises:
        TransitionError: this instance is a drill itself.
    """
    if state.context.drills is None:
        raise TransitionError("this is a drill: start another one from the real instance")
    return state.context.drills


def drill_json(row: Mapping[str, Any], live: Mapping[str, Any] | None) -> nouns.JSONObject:
    """Return one drill; while it runs with its clock, how far it has come, and the port of its screens."""
    now = live if live is not None and live["id"] == row["id"] else {}
    return {
        "id": row["id"],
        "scenario": row["scenario"],
        "title": row["title"],
        "speed": row["speed"],
        "start": nouns.moment(row["starts"]),
        "end": nouns.moment(row["ends"]),
        "started_by": row["started_by"],
        "started_at": nouns.moment(row["started_at"]),
        "ended_at": nouns.moment(row["ended_at"]),
        "state": row["state"],
        "problem": row["problem"],
        "score": row["score"],
        "clock": now.get("clock"),
        "progress": now.get("progress"),
        "port": now.get("port"),
    }


@router.get("", summary="Drills and scenarios", **responses_of(DrillListModel))
async def list_drills(caller: Annotated[Caller, Depends(PEOPLE)], state: StateDep) -> Response:
    """Return the newest drills first, and the scenarios that can be started here (none inside a drill)."""
    del caller
    host = state.context.drills
    async with state.context.database.connection() as connection:
        rows = await list_runs(connection)
    live = None if host is None else host.live()
    return responses.json_response(
        {
            "items": [drill_json(row, live) for row in rows],
            "next": None,
            "scenarios": [] if host is None else host.scenarios(),
        }
    )


@router.post(
    "",
    summary="Start a drill",
    openapi_extra=request_body(NewDrill),
    **responses_of(DrillRunModel, status=201, refused=(409,)),
)
async def start_drill(request: Request, caller: Annotated[Caller, Depends(DRILLERS)], state: StateDep) -> Response:
    """Start one; 409 while another runs. Its screens are ready some seconds later, on the port that the list says."""
    body, host = await read_body(request, NewDrill), host_of(state)
    identifier = await host.start(body.scenario, body.speed, actor=caller.principal.name, address=caller.address)
    return await _one(identifier, state, status=201)


@router.post("/{drill}/stop", summary="Stop a drill", **responses_of(DrillRunModel, refused=(409,)))
async def stop_drill(drill: str, caller: Annotated[Caller, Depends(DRILLERS)], state: StateDep) -> Response:
    """End it now and score what was handled; 409 when it does not run."""
    await host_of(state).stop(drill, actor=caller.principal.name, address=caller.address)
    return await _one(drill, state)


async def _one(identifier: str, state: APIState, *, status: int = 200) -> Response:
    async with state.context.database.connection() as connection:
        rows = await list_runs(connection)
    row = next((row for row in rows if row["id"] == identifier), None)
    if row is None:
        raise NotFoundError("no such drill")
    live = None if state.context.drills is None else state.context.drills.live()
    return responses.json_response(drill_json(row, live), status=status)
