"""Devices that send and that nobody has registered: what they say, adopting one with what it has sent, ignoring one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from ioc.api.auth import INTAKE_READERS, SITE_REGISTRARS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import Input, Why, read_body, request_body
from ioc.api.http.filters import UnknownDeviceFilters
from ioc.api.http.openapi_responses import responses_of
from ioc.api.routes.devices.devices import Code, DevicePlace, device_json, find_device, new_device
from ioc.api.routes.devices.releases import release_door, release_step
from ioc.api.serializers import dead_letters as letters_json
from ioc.api.serializers.models.dead_letters import AdoptionModel, UnknownDevicePageModel
from ioc.api.wall.caller import Caller
from ioc.errors import InvalidInputError, NotFoundError
from ioc.store.log import releases
from ioc.store.registry import adoption
from ioc.store.registry import unknown_devices as unknown

router = APIRouter(prefix="/devices/unknown", tags=["devices"])
ADOPTED = "adopted: the device was unknown until now"


class AdoptForm(DevicePlace):
    """What the registry shall say of the device.

    Without a name it is called by its id, without an area it lies in the unit that holds its place.
    """

    feed: Annotated[Code | None, Field(description="Needed where it has sent for several feeds")] = None
    why: Why | None = None


class IgnoreForm(Input):
    """Why a device is ignored."""

    reason: Why


async def _feeds(device: str, caller: Caller, state: APIState) -> tuple[str, ...]:
    """Return for which feeds a device has sent that nobody has registered.

    Raises:
        NotFoundError: there is none inside the caller's wall.
    """
    async with state.context.database.connection() as connection:
        feeds = await unknown.feeds_of_unknown(connection, device, caller.scope)
    if not feeds:
        raise NotFoundError("no such unknown device: it is registered by now, or none of its dead letters is kept")
    return tuple(feeds)


@router.get("", summary="List unknown devices", **responses_of(UnknownDevicePageModel))
async def list_unknown(
    caller: Annotated[Caller, Depends(INTAKE_READERS)],
    state: StateDep,
    filters: Annotated[UnknownDeviceFilters, Query()],
) -> Response:
    """Return devices that nobody has registered by what they sent, who sent last first, each with its newest letters.

    Made of the newest 50,000 such letters. `ignored=true`: those that somebody ignores. With an area one sees the
    letters that name a `lat` and `lon` inside of it; where the others come from nobody knows.
    """
    keys = responses.cursor_keys("unknown-devices", filters, (int,))
    async with state.context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        page = await unknown.list_unknown(
            connection, caller.scope, ignored=filters.ignored, before=keys[0] if keys else None, limit=filters.limit + 1
        )
    following = responses.next_cursor("unknown-devices", filters, page.rows, ("newest",))
    context = state.context
    place = letters_json.PlaceReader(context.pack.box, None if context.release is None else context.release.area_at)
    items = [
        letters_json.unknown_device(row, page.samples, place, book=caller.book, today=caller.today)
        for row in page.rows[: filters.limit]
    ]
    told = {"devices": page.devices, "letters": page.letters, "truncated": page.truncated}
    return responses.json_response({"items": items, **told, "next": following})


@router.post(
    "/{unknown_device}/adopt", summary="Adopt an unknown device", openapi_extra=request_body(AdoptForm),
    **responses_of(AdoptionModel, status=201, refused=(409,)),
)  # fmt: skip
async def adopt(
    request: Request, unknown_device: str, caller: Annotated[Caller, Depends(SITE_REGISTRARS)], state: StateDep
) -> Response:
    """Register a device, and let in what it has sent, oldest first.

    The first of it with this answer; the `release` goes on (`/dead-letters/releases/{release}/continue`) until `done`.
    Taking the release back takes the device back too.
    """
    body = await read_body(request, AdoptForm)
    feeds = await _feeds(unknown_device, caller, state)
    feed = body.feed or (feeds[0] if len(feeds) == 1 else None)
    if feed not in feeds:
        raise InvalidInputError(f"it has sent for {', '.join(feeds)}: name one of them", field="feed")
    door, context = release_door(state), state.context
    await door.open()
    if body.area is None and body.lat is not None and body.lon is not None:
        body = body.model_copy(update={"area": door.area_at(body.lat, body.lon)})
    device = new_device(body, unknown_device, feed, caller, state)
    person = releases.Requester(caller.principal.name, caller.address, body.why or ADOPTED)
    number = await adoption.adopt(
        context.database, context.log, device, person, scope=caller.scope, now=context.clock.now(),
        wall=context.wall.now(),
    )  # fmt: skip
    await door.open()  # so that what it has sent is read with the registry that knows it
    told = await release_step(number, {}, person, caller, state)
    row = await find_device(unknown_device, caller, state)
    headers = {"Location": f"/api/v1/devices/{unknown_device}"}
    return responses.json_response({"device": device_json(row, caller, state), **told}, status=201, headers=headers)


@router.post(
    "/{unknown_device}/ignore", summary="Ignore an unknown device", openapi_extra=request_body(IgnoreForm),
    **responses_of(refused=(409,)),
)  # fmt: skip
async def ignore(
    request: Request, unknown_device: str, caller: Annotated[Caller, Depends(SITE_REGISTRARS)], state: StateDep
) -> Response:
    """Leave a device out of the list for 30 days; what it sends stays a dead letter, and is counted."""
    body = await read_body(request, IgnoreForm)
    await _feeds(unknown_device, caller, state)
    step = unknown.IgnoreStep(caller.principal.name, caller.address, body.reason)
    await unknown.ignore(state.context.database, unknown_device, step, wall=state.context.wall.now())
    return Response(status_code=204)


@router.post("/{unknown_device}/ignore/undo", summary="Stop ignoring a device", **responses_of())
async def stop_ignoring(
    unknown_device: str, caller: Annotated[Caller, Depends(SITE_REGISTRARS)], state: StateDep
) -> Response:  # fmt: skip
    """Show a device in the list again."""
    await _feeds(unknown_device, caller, state)
    step = unknown.IgnoreStep(caller.principal.name, caller.address)
    await unknown.stop_ignoring(state.context.database, unknown_device, step, wall=state.context.wall.now())
    return Response(status_code=204)
