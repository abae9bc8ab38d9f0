"""Devices: the registry with what each last said, its changes, and the keys that devices publish with."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from ioc.api.auth import EVERYBODY, REGISTRARS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import STORABLE, WHOLE, Input, Line, NotNull, read_body, request_body
from ioc.api.http.filters import DeviceFilters, WholeList, check_values, many
from ioc.api.http.openapi_responses import CSV_TYPE, GEOJSON_TYPE, responses_of
from ioc.api.http.versions import SeenVersion
from ioc.api.serializers import nouns, people
from ioc.api.serializers.models.devices import (
    DeviceChangesModel,
    DeviceModel,
    DevicePageModel,
    IssuedDeviceKeyModel,
    KeyListModel,
    RotatedDeviceKeyModel,
)
from ioc.api.views.changed_after import FollowedNoun, changes_response
from ioc.api.wall.caller import Caller
from ioc.api.wall.write_side import NAMES_AREA, NAMES_DEVICE
from ioc.domain.device import DEVICE_CLASS, DEVICE_ID, RESERVED_IDS, Device, DeviceState
from ioc.domain.feed import Label
from ioc.domain.people.account import KeyKind
from ioc.domain.places.location import Box, check_point
from ioc.errors import ForbiddenError, InvalidInputError, NotFoundError, VersionConflictError
from ioc.store.postgres.engine import Connection
from ioc.store.registry import device_work, devices, keys

router = APIRouter(prefix="/devices", tags=["devices"])
Name = Annotated[Line, Field(min_length=1, max_length=200)]
Code = Annotated[Line, Field(min_length=1, max_length=64)]
Degrees = Annotated[float, Field(allow_inf_nan=False)]
"""What of them can be is said by the site's box, with what to do."""
Period = Annotated[int, Field(ge=1, le=31 * 86_400), WHOLE]
STATES = tuple(str(state) for state in DeviceState)


class NameText(Input):
    """A name in both languages; English falls back to Vietnamese."""

    vi: Name
    en: Name | None = None


class DevicePlace(Input):
    """What of a device people may set; what is not sent stays as it is."""

    name: NameText | None = None
    area: Annotated[Code, NAMES_AREA] | None = None
    lat: Degrees | None = None
    lon: Degrees | None = None
    parent: Annotated[Code, NAMES_DEVICE] | None = None
    owner: Code | None = None
    place: Name | None = None
    expected_period_seconds: Period | None = None
    critical: Annotated[bool | None, NotNull()] = None
    gateway: Annotated[bool | None, NotNull()] = None
    device_class: Annotated[str, Field(pattern=f"^{DEVICE_CLASS.pattern}$"), STORABLE] | None = None
    state: Annotated[Literal["active", "maintenance", "retired"] | None, NotNull()] = None


class NewDevice(DevicePlace):
    """A new device."""

    id: Annotated[str, Field(pattern=f"^{DEVICE_ID.pattern}$"), STORABLE]
    name: NameText
    feed: Code


class KeyName(Input):
    """What to call a key."""

    name: Annotated[Line, Field(max_length=100)] = ""


class KeyHandover(Input):
    """How long the old key goes on beside the new one: until the device has been to a technician."""

    old_hours: Annotated[int, Field(ge=0, le=366 * 24), WHOLE] = 168


def device_json(row: devices.Row, caller: Caller, state: APIState) -> nouns.JSONObject:
    """Return a device as the caller may see it."""
    feeds = state.context.pack.feeds
    return nouns.device(row, book=caller.book, today=caller.today, feeds=feeds, masked=caller.principal.masked)


async def find_device(device: str, caller: Caller, state: APIState) -> devices.Row:
    """Return a device inside the caller's wall.

    Raises:
        NotFoundError: there is none.
    """
    context = state.context
    async with context.database.connection() as connection:
        row = await devices.get_device(
            connection, device, caller.scope, now=context.clock.now(), feeds=context.pack.feeds
        )
    if row is None:
        raise NotFoundError("no such device")
    return row


def place_values(body: DevicePlace, caller: Caller, box: Box) -> dict[str, Any]:
    """Return the columns that a body sets, with the zone that follows from the area.

    Raises:
        InvalidInputError: no such area today, half a position, or one outside of ``box``.
        ForbiddenError: an area outside the caller's wall.
    """
    values = body.model_dump(exclude_unset=True, include=set(DevicePlace.model_fields) - {"name"})
    if body.name is not None:
        values["name_vi"], values["name_en"] = body.name.vi, body.name.en or body.name.vi
    if ("lat" in values) != ("lon" in values) or (values.get("lat") is None) != (values.get("lon") is None):
        raise InvalidInputError("lat and lon come together", field="lat")
    check_point(values.get("lat"), values.get("lon"), box)
    if "area" in values:
        area = values["area"]
        if area is not None and caller.book.find(area, caller.today) is None:
            raise InvalidInputError("no such area today", field="area")
        values["zone"] = caller.book.zone_of(area)
        if not caller.scope.sees(area=area, zone=values["zone"]):
            raise ForbiddenError("this area is not yours")
    return values


def new_device(body: DevicePlace, identifier: str, feed: str, caller: Caller, state: APIState) -> Device:
    """Return the device that a body makes; one without a name is called by its id.

    Raises:
        InvalidInputError: no such feed, or what :func:`place_values` says. ForbiddenError: no area of the caller's.
    """
    if identifier in RESERVED_IDS:
        raise InvalidInputError(f"the id {identifier} is reserved: choose another", field="id")
    if feed not in state.context.pack.feeds:
        raise InvalidInputError("no such feed", field="feed")
    if body.area is None and caller.scope.areas is not None:
        raise ForbiddenError("name an area of yours")
    values = {
        name: value for name, value in place_values(body, caller, state.context.pack.box).items() if value is not None
    }
    label = Label(values.pop("name_vi", identifier), values.pop("name_en", identifier))
    return Device(id=identifier, feed=feed, name=label, registered_at=state.context.clock.now(), **values)


def device_filter(filters: DeviceFilters, caller: Caller) -> devices.DeviceFilter:
    """Return the store's filter of the query."""
    return devices.DeviceFilter(many(filters.feed), many(filters.status), filters.parent,
                                caller.book.asked(filters.q, caller.today),
                                low_battery=filters.low_battery)  # fmt: skip


@router.get(
    "", summary="List devices", **responses_of(DevicePageModel | DeviceChangesModel, forms=(CSV_TYPE, GEOJSON_TYPE))
)
async def list_devices(
    request: Request,
    caller: Annotated[Caller, Depends(EVERYBODY)],
    state: StateDep,
    filters: Annotated[DeviceFilters, Query()],
) -> Response:
    """Return devices by id, with status and main value; with `changed_after` those that changed after it, as alerts."""
    check_values(filters, state.context.pack)
    if filters.changed_after is not None:
        return await _list_changes(request, caller, state, filters)
    context, keys_after = state.context, responses.cursor_keys("devices", filters, (str,))
    wanted = device_filter(filters, caller)
    scope = caller.within(filters.area, filters.zone)
    async with context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        position = await responses.begin_snapshot(connection)
        rows = await devices.list_devices(
            connection,
            wanted,
            scope,
            now=context.clock.now(),
            feeds=context.pack.feeds,
            after=keys_after[0] if keys_after else None,
            limit=filters.limit + 1,
        )
    following = responses.next_cursor("devices", filters, rows, ("id",))
    items = [device_json(row, caller, state) for row in rows[: filters.limit]]
    return responses.list_response(request, items, following=following, position=position, name="devices")


async def _list_changes(request: Request, caller: Caller, state: APIState, filters: DeviceFilters) -> Response:
    """Answer `changed_after`."""
    scope = caller.within(filters.area, filters.zone)
    now, feeds = state.context.clock.now(), state.context.pack.feeds

    async def listed(connection: Connection, ids: Sequence[str]) -> Sequence[devices.Row]:
        wanted = replace(device_filter(filters, caller), ids=ids)
        return await devices.list_devices(connection, wanted, scope, now=now, feeds=feeds, after=None, limit=len(ids))

    async def load(connection: Connection, ids: Sequence[str]) -> Mapping[str, devices.Row]:
        return await devices.load_devices(connection, ids, now=now, feeds=feeds)

    noun = FollowedNoun("device", "devices", listed, load, lambda row: device_json(row, caller, state))
    return await changes_response(request, state.context.database, noun, filters=filters, scope=scope)


@router.get("/{device}", summary="One device", **responses_of(DeviceModel, tagged=True))
async def get_device(device: str, caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return one device."""
    row = await find_device(device, caller, state)
    return responses.json_response(device_json(row, caller, state), headers={"ETag": f'"{row["version"]}"'})


@router.post(
    "",
    summary="Register a device",
    openapi_extra=request_body(NewDevice),
    **responses_of(DeviceModel, status=201, tagged=True, refused=(409,)),
)
async def create_device(request: Request, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep) -> Response:
    """Register a device; its key is made apart."""
    body = await read_body(request, NewDevice)
    device, now = new_device(body, body.id, body.feed, caller, state), state.context.clock.now()
    await device_work.create_device(
        state.context.database, state.context.log, device, actor=caller.principal.name, address=caller.address, now=now,
        wall=state.context.wall.now(), scope=caller.scope,
    )  # fmt: skip
    row = await find_device(body.id, caller, state)
    headers = {"Location": f"/api/v1/devices/{body.id}", "ETag": f'"{row["version"]}"'}
    return responses.json_response(device_json(row, caller, state), status=201, headers=headers)


@router.patch(
    "/{device}",
    summary="Change a device",
    openapi_extra=request_body(DevicePlace),
    **responses_of(DeviceModel, tagged=True),
)
async def patch_device(
    request: Request,
    device: str,
    caller: Annotated[Caller, Depends(REGISTRARS)],
    version: SeenVersion,
    state: StateDep,
) -> Response:
    """Change what was sent; If-Match names the version seen."""
    body = await read_body(request, DevicePlace)
    await find_device(device, caller, state)
    try:
        await device_work.patch_device(
            state.context.database,
            state.context.log,
            device,
            place_values(body, caller, state.context.pack.box),
            version=version,
            actor=caller.principal.name,
            address=caller.address,
            scope=caller.scope,
            now=state.context.clock.now(),
            wall=state.context.wall.now(),
        )
    except VersionConflictError as error:
        row = await find_device(device, caller, state)
        raise VersionConflictError(str(error), current=device_json(row, caller, state)) from error
    row = await find_device(device, caller, state)
    return responses.json_response(device_json(row, caller, state), headers={"ETag": f'"{row["version"]}"'})


@router.get("/{device}/keys", summary="A device's keys", **responses_of(KeyListModel))
async def list_keys(
    device: str, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep, page: Annotated[WholeList, Query()]
) -> Response:
    """Return the keys of a device, without their secrets."""
    route = f"device-keys-{device}"
    found = responses.cursor_keys(route, page, (datetime, str))
    await find_device(device, caller, state)
    before = (found[0], found[1]) if found else None
    async with state.context.database.connection() as connection:
        rows = await keys.list_keys(connection, device=device, before=before, limit=page.limit + 1)
    following = responses.next_cursor(route, page, rows, ("created_at", "id"))
    return responses.json_response({"items": [people.key(row) for row in rows[: page.limit]], "next": following})


@router.post(
    "/{device}/keys",
    summary="Issue a device key",
    openapi_extra=request_body(KeyName),
    **responses_of(IssuedDeviceKeyModel, status=201, refused=(409,)),
)
async def issue_key(
    request: Request, device: str, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep
) -> Response:
    """Make a key for a device and show it once. Two may live at a time, for rotation."""
    body = await read_body(request, KeyName)
    wanted = keys.KeyRequest(
        kind=KeyKind.DEVICE,
        name=body.name or device,
        actor=caller.principal.name,
        device=device,
        address=caller.address,
    )
    now = state.context.wall.now()
    key_id, secret = await keys.issue_key(state.context.database, wanted, scope=caller.scope, now=now)
    return responses.json_response({"id": key_id, "key": secret}, status=201)


@router.post(
    "/{device}/keys/rotate",
    summary="Rotate a device's key",
    openapi_extra=request_body(KeyHandover),
    **responses_of(RotatedDeviceKeyModel, status=201, refused=(409,)),
)
async def rotate_key(
    request: Request, device: str, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep
) -> Response:
    """Make a new key and show it once; the one that the device has goes on for so long, then ends by itself."""
    body = await read_body(request, KeyHandover)
    name, address = caller.principal.name, caller.address
    wanted = keys.KeyRequest(kind=KeyKind.DEVICE, name=device, actor=name, device=device, address=address)
    now = state.context.wall.now()
    made = await keys.rotate_key(
        state.context.database, wanted, scope=caller.scope, old_until=now + timedelta(hours=body.old_hours), now=now
    )
    told = {"id": made.id, "key": made.secret, "old": made.old, "old_until": nouns.moment(made.old_until)}
    return responses.json_response(told, status=201)


@router.delete("/{device}/keys/{key}", summary="Revoke a device key", **responses_of())
async def revoke_key(
    device: str, key: str, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep
) -> Response:
    """End a key; doors close its connections."""
    await find_device(device, caller, state)
    await keys.revoke_key(
        state.context.database,
        key,
        actor=caller.principal.name,
        address=caller.address,
        now=state.context.wall.now(),
        device=device,
    )
    return Response(status_code=204)
