"""Maintenance windows: from when to when a device may be silent."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BeforeValidator, Field

from ioc.api.auth import READERS, REGISTRARS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import Input, Line, NotNull, read_body, request_body
from ioc.api.http.filters import MaintenanceFilters, Moment, many
from ioc.api.http.openapi_responses import responses_of
from ioc.api.http.versions import SeenVersion
from ioc.api.routes.devices.devices import find_device
from ioc.api.serializers.maintenance import window_json
from ioc.api.serializers.models.devices import MaintenanceWindowListModel, MaintenanceWindowModel
from ioc.api.wall.caller import Caller
from ioc.domain.maintenance.window import MaintenancePlan, Repeat
from ioc.errors import NotFoundError, VersionConflictError
from ioc.packs.schema_place import read_day
from ioc.store.audit.trail import Author
from ioc.store.maintenance import windows
from ioc.store.maintenance.rows import OF_PLAN, plan_of

router = APIRouter(tags=["devices"])
REASON_CHARS_MAX = 300
Day = Annotated[date, BeforeValidator(read_day)]
Reason = Annotated[Line, Field(min_length=1, max_length=REASON_CHARS_MAX)]
CHANGED = responses_of(MaintenanceWindowModel, tagged=True, refused=(409,))


def _repeat(value: Any) -> Any:
    return Repeat(value) if isinstance(value, str) and value in set(Repeat) else value


RepeatName = Annotated[Repeat, BeforeValidator(_repeat)]


class NewWindow(Input):
    """When a device may be silent, and why."""

    starts_at: Moment
    ends_at: Moment
    reason: Reason
    with_children: bool = False
    repeat: RepeatName = Repeat.NEVER
    repeat_until: Day | None = None


class WindowChange(Input):
    """What of a window changes; what is not sent stays as it is."""

    starts_at: Annotated[Moment | None, NotNull()] = None
    ends_at: Annotated[Moment | None, NotNull()] = None
    reason: Annotated[Reason | None, NotNull()] = None
    with_children: Annotated[bool | None, NotNull()] = None
    repeat: Annotated[RepeatName | None, NotNull()] = None
    repeat_until: Day | None = None


async def find_window(identifier: str, caller: Caller, state: APIState) -> Mapping[str, Any]:
    """Return a window inside the caller's wall.

    Raises:
        NotFoundError: there is none.
    """
    async with state.context.database.connection() as connection:
        wanted = windows.WindowFilter(id=identifier)
        rows = await windows.list_windows(connection, wanted, caller.scope, after=None, limit=1)
    if not rows:
        raise NotFoundError("no such maintenance window")
    return rows[0]


def author_of(caller: Caller, state: APIState) -> Author:
    """Return who plans."""
    context = state.context
    return Author(caller.principal.name, caller.address, context.clock.now(), context.wall.now())


def _answer(row: Mapping[str, Any], *, status: int = 200) -> Response:
    headers = {"ETag": f'"{row["version"]}"'}
    if status == 201:  # noqa: PLR2004 - created
        headers["Location"] = f"/api/v1/maintenance/{row['id']}"
    return responses.json_response(window_json(row), status=status, headers=headers)


@router.get("/maintenance", summary="List maintenance windows", **responses_of(MaintenanceWindowListModel))
async def list_windows(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, filters: Annotated[MaintenanceFilters, Query()]
) -> Response:
    """Return windows, the newest start first; of one device with `device`, those that count now with `state`."""
    found = responses.cursor_keys("maintenance", filters, (datetime, str))
    wanted = windows.WindowFilter(filters.device, many(filters.state))
    async with state.context.database.connection() as connection:
        rows = await windows.list_windows(
            connection, wanted, caller.scope, after=(found[0], found[1]) if found else None, limit=filters.limit + 1
        )
    following = responses.next_cursor("maintenance", filters, rows, ("starts_at", "id"))
    return responses.json_response({"items": [window_json(row) for row in rows[: filters.limit]], "next": following})


@router.get(
    "/maintenance/{window}", summary="One maintenance window", **responses_of(MaintenanceWindowModel, tagged=True)
)
async def get_window(window: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return one window."""
    return _answer(await find_window(window, caller, state))


@router.post(
    "/devices/{device}/maintenance",
    summary="Plan maintenance of a device",
    openapi_extra=request_body(NewWindow),
    **responses_of(MaintenanceWindowModel, status=201, tagged=True, refused=(409,)),
)
async def plan_window(
    request: Request, device: str, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep
) -> Response:
    """Plan when a device may be silent; the house begins and ends it by itself, within seconds of its time."""
    body = await read_body(request, NewWindow)
    await find_device(device, caller, state)
    plan = MaintenancePlan(device, **body.model_dump())
    context = state.context
    made = await windows.plan_window(context.database, plan, author_of(caller, state), zone=context.pack.zone)
    return _answer(await find_window(made, caller, state), status=201)


@router.patch(
    "/maintenance/{window}", summary="Change a maintenance window", openapi_extra=request_body(WindowChange), **CHANGED
)
async def change_window(
    request: Request, window: str, caller: Annotated[Caller, Depends(REGISTRARS)], version: SeenVersion, state: StateDep
) -> Response:
    """Change what was sent; of a window that runs only its end, its repeats and its reason."""
    body = await read_body(request, WindowChange)
    row = await find_window(window, caller, state)
    plan = plan_of({**{name: row[name] for name in OF_PLAN}, **body.model_dump(exclude_unset=True)})
    context = state.context
    try:
        await windows.change_window(
            context.database, context.log, window, plan, author_of(caller, state), version=version,
            zone=context.pack.zone,
        )  # fmt: skip
    except VersionConflictError as error:
        current = window_json(await find_window(window, caller, state))
        raise VersionConflictError(str(error), current=current) from error
    return _answer(await find_window(window, caller, state))


@router.delete("/maintenance/{window}", summary="End a maintenance window", **CHANGED)
async def end_window(
    window: str, caller: Annotated[Caller, Depends(REGISTRARS)], version: SeenVersion, state: StateDep
) -> Response:
    """End it for good; what it kept silent is expected to report again."""
    await find_window(window, caller, state)
    context = state.context
    try:
        await windows.end_window(context.database, context.log, window, author_of(caller, state), version=version)
    except VersionConflictError as error:
        current = window_json(await find_window(window, caller, state))
        raise VersionConflictError(str(error), current=current) from error
    return _answer(await find_window(window, caller, state))
