"""One action on many alerts at once, each answered by itself: done, lost to whoever was first, or refused with why."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BeforeValidator, Field

from ioc.api.auth import BULK_HANDLERS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import WHOLE, Input, Line, read_body, request_body
from ioc.api.http.filters import Moment
from ioc.api.http.openapi_responses import responses_of
from ioc.api.http.problems import problem_of
from ioc.api.routes.alerts.alerts import alert_json, find_alert
from ioc.api.routes.alerts.work import perform
from ioc.api.serializers.models.alerts import BulkWorkModel
from ioc.api.wall.caller import Caller
from ioc.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
    TransitionError,
    VersionConflictError,
)
from ioc.store.alerts.work import Work
from ioc.work.transitions import WORK_TRANSITIONS, WorkAction

router = APIRouter(prefix="/alerts", tags=["alerts"])
ALERTS_MAX = 100
"""Alerts that one request may name: each is a transaction of its own."""
VERSION_MAX = 999_999_999


def _action(value: Any) -> Any:
    return WorkAction(value) if isinstance(value, str) and value in set(WorkAction) else value


class SeenAlert(Input):
    """An alert, in the version that was seen."""

    id: Annotated[Line, Field(min_length=1, max_length=64)]
    version: Annotated[int, WHOLE, Field(ge=1, le=VERSION_MAX)]


class BulkWork(Input):
    """One action with what it carries, and the alerts that it is done to."""

    action: Annotated[WorkAction, BeforeValidator(_action)]
    text: Annotated[Line, Field(max_length=4_000)] | None = None
    assignee: Annotated[Line, Field(min_length=1, max_length=64)] | None = None
    until: Moment | None = None
    seen: Annotated[list[SeenAlert], Field(min_length=1, max_length=ALERTS_MAX, alias="alerts")]


@router.post(
    "/bulk",
    summary="One action on many alerts",
    name="work_on_many",
    openapi_extra=request_body(BulkWork),
    **responses_of(BulkWorkModel),
)
async def work_on_many(
    request: Request, caller: Annotated[Caller, Depends(BULK_HANDLERS)], state: StateDep
) -> Response:
    """Do one action to each of at most 100 alerts, in the order in which they are named.

    Each is answered by itself, as its own route would have: `done` with the alert after it, `lost` with the present one
    where somebody, or the condition, was first, `refused` with the code and the words of why. The body says once what
    the action must carry (422 without).
    """
    said = await read_body(request, BulkWork)
    if len({one.id for one in said.seen}) < len(said.seen):
        raise InvalidInputError("an alert is named twice: name each once", field="alerts")
    row = WORK_TRANSITIONS[said.action]
    if not caller.principal.has(row.capability):
        raise ForbiddenError(f"this action needs the capability {row.capability}")
    carried = {"text": (said.text or "").strip(), "assignee": said.assignee, "until": said.until}
    for need in sorted(row.needs):
        if not carried[need]:
            raise InvalidInputError(f"{said.action} asks for {need}", field=str(need))
    items = [await _one(state, caller, said, one) for one in said.seen]
    return responses.json_response({"items": items})


async def _one(state: APIState, caller: Caller, said: BulkWork, one: SeenAlert) -> Mapping[str, Any]:
    """Do it to one alert, and return what came of it."""
    who = caller.principal
    needs = WORK_TRANSITIONS[said.action].needs
    work = Work(
        one.id, said.action, one.version, who.name, said.text, caller.address, None,
        said.assignee if "assignee" in needs else None, said.until if "until" in needs else None, who.capabilities,
    )  # fmt: skip
    told: dict[str, Any] = {"id": one.id, "outcome": "done", "alert": None, "code": None, "detail": None}
    try:
        return {**told, "alert": alert_json(await perform(state, caller, work), caller)}
    except VersionConflictError as error:
        told |= {"outcome": "lost", "code": problem_of(error).code, "detail": str(error)}
        async with state.context.database.connection() as connection:
            return {**told, "alert": alert_json(await find_alert(connection, one.id, caller), caller)}
    except (TransitionError, NotFoundError, ForbiddenError, InvalidInputError, StoreUnavailableError) as error:
        # Those before it are done, so each that follows is told apart, also where the database went away meanwhile.
        return {**told, "outcome": "refused", "code": problem_of(error).code, "detail": str(error)}
