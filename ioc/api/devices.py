"""Devices: the registry with what each last said, its changes, and the keys that devices publish with."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from ioc.api import answer, wire
from ioc.api.alerts import seen_version
from ioc.api.auth import ADMINS, EVERYBODY
from ioc.api.body import Input, Line, described, read_body
from ioc.api.caller import Caller
from ioc.api.deps import APIState, StateDep
from ioc.api.filters import DeviceFilters, many
from ioc.domain.account import KeyKind
from ioc.domain.device import DEVICE_ID, Device, DeviceState
from ioc.domain.feed import Label
from ioc.errors import ForbiddenError, InvalidInputError, NotFoundError, VersionConflictError
from ioc.store import device_work, devices, keys

router = APIRouter(prefix="/devices", tags=["devices"])
Name = Annotated[Line, Field(min_length=1, max_length=200)]
Code = Annotated[Line, Field(min_length=1, max_length=64)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Period = Annotated[int, Field(ge=1, le=31 * 86_400)]
STATES = tuple(str(state) for state in DeviceState)


class NameText(Input):
    """A name in both languages; English falls back to Vietnamese."""

    vi: Name
    en: Name | None = None


class DevicePlace(Input):
    """What of a device people may set; what is not sent stays as it is."""

    name: NameText | None = None
    area: Code | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    parent: Code | None = None
    owner: Code | None = None
    place: Name | None = None
    expected_period_seconds: Period | None = None
    critical: bool | None = None
    gateway: bool | None = None
    state: Annotated[Line, Field(pattern=r"^(active|maintenance|retired)$")] | None = None


class NewDevice(DevicePlace):
    """A new device."""

    id: Annotated[Line, Field(pattern=f"^{DEVICE_ID.pattern}$")]
    feed: Code


class KeyName(Input):
    """What to call a key."""

    name: Annotated[Line, Field(max_length=100)] = ""


def rendered(row: devices.Row, caller: Caller, state: APIState) -> wire.JSONObject:
    """Return a device as the caller may see it."""
    feeds = state.parts.pack.feeds
    return wire.device(row, book=caller.book, today=caller.today, feeds=feeds, masked=caller.principal.masked)


async def existing(device: str, caller: Caller, state: APIState) -> devices.Row:
    """Return a device inside the caller's wall.

    Raises:
        NotFoundError: there is none.
    """
    parts = state.parts
    async with parts.database.connection() as connection:
        row = await devices.get_device(connection, device, caller.scope, now=parts.clock.now(), feeds=parts.pack.feeds)
    if row is None:
        raise NotFoundError("no such device")
    return row


def placed(body: DevicePlace, caller: Caller) -> dict[str, Any]:
    """Return the columns that a body sets, with the zone that follows from the area.

    Raises:
        InvalidInputError: no such area today, or half a position. ForbiddenError: an area outside the caller's wall.
    """
    values = body.model_dump(exclude_unset=True, exclude={"id", "feed", "name"})
    if body.name is not None:
        values["name_vi"], values["name_en"] = body.name.vi, body.name.en or body.name.vi
    for name in ("critical", "gateway", "state"):
        if name in values and values[name] is None:
            raise InvalidInputError(f"{name} cannot be null", field=name)
    if ("lat" in values) != ("lon" in values) or (values.get("lat") is None) != (values.get("lon") is None):
        raise InvalidInputError("lat and lon come together", field="lat")
    if "area" in values:
        area = values["area"]
        if area is not None and caller.book.find(area, caller.today) is None:
            raise InvalidInputError("no such area today", field="area")
        values["zone"] = caller.book.zone_of(area)
        if not caller.scope.sees(area=area, zone=values["zone"]):
            raise ForbiddenError("this area is not yours")
    return values


@router.get("", summary="List devices")
async def list_devices(
    request: Request,
    caller: Annotated[Caller, Depends(EVERYBODY)],
    state: StateDep,
    filters: Annotated[DeviceFilters, Query()],
) -> Response:
    """Return devices by id, with status and main value."""
    parts, keys_after = state.parts, answer.cursor_keys("devices", filters, (str,))
    wanted = devices.DeviceFilter(many(filters.feed), many(filters.status), filters.parent, filters.q)
    scope = caller.within(filters.area, filters.zone)
    async with parts.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        position = await answer.begin_snapshot(connection)
        rows = await devices.list_devices(
            connection,
            wanted,
            scope,
            now=parts.clock.now(),
            feeds=parts.pack.feeds,
            after=keys_after[0] if keys_after else None,
            limit=filters.limit + 1,
        )
    following = answer.next_cursor("devices", filters, rows, ("id",))
    items = [rendered(row, caller, state) for row in rows[: filters.limit]]
    return answer.list_answer(request, items, following=following, position=position, name="devices")


@router.get("/{device}", summary="One device")
async def get_device(device: str, caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return one device."""
    row = await existing(device, caller, state)
    return answer.json_answer(rendered(row, caller, state), headers={"ETag": f'"{row["version"]}"'})


@router.post("", summary="Register a device", openapi_extra=described(NewDevice))
async def create_device(request: Request, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Register a device; its key is made apart."""
    body = await read_body(request, NewDevice)
    if body.feed not in state.parts.pack.feeds:
        raise InvalidInputError("no such feed", field="feed")
    if body.name is None:
        raise InvalidInputError("a device has a name", field="name")
    if body.area is None and caller.scope.areas is not None:
        raise ForbiddenError("name an area of yours")
    values = {name: value for name, value in placed(body, caller).items() if value is not None}
    label = Label(values.pop("name_vi"), values.pop("name_en"))
    now = state.parts.clock.now()
    device = Device(id=body.id, feed=body.feed, name=label, registered_at=now, **values)
    await device_work.create_device(
        state.parts.database, state.parts.log, device, actor=caller.principal.name, address=caller.address, now=now,
        wall=state.parts.wall.now(),
    )  # fmt: skip
    row = await existing(body.id, caller, state)
    headers = {"Location": f"/api/v1/devices/{body.id}", "ETag": f'"{row["version"]}"'}
    return answer.json_answer(rendered(row, caller, state), status=201, headers=headers)


@router.patch("/{device}", summary="Change a device", openapi_extra=described(DevicePlace))
async def patch_device(
    request: Request, device: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep
) -> Response:
    """Change what was sent; If-Match names the version seen."""
    version = seen_version(request)
    body = await read_body(request, DevicePlace)
    await existing(device, caller, state)
    try:
        await device_work.patch_device(
            state.parts.database,
            state.parts.log,
            device,
            placed(body, caller),
            version=version,
            actor=caller.principal.name,
            address=caller.address,
            scope=caller.scope,
            now=state.parts.clock.now(),
            wall=state.parts.wall.now(),
        )
    except VersionConflictError as error:
        row = await existing(device, caller, state)
        raise VersionConflictError(str(error), current=rendered(row, caller, state)) from error
    row = await existing(device, caller, state)
    return answer.json_answer(rendered(row, caller, state), headers={"ETag": f'"{row["version"]}"'})


@router.get("/{device}/keys", summary="A device's keys")
async def list_keys(device: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """Return the keys of a device, without their secrets."""
    await existing(device, caller, state)
    async with state.parts.database.connection() as connection:
        rows = await keys.list_keys(connection, device=device)
    return answer.json_answer({"items": [wire.key(row) for row in rows], "next": None})


@router.post("/{device}/keys", summary="Issue a device key", openapi_extra=described(KeyName))
async def issue_key(
    request: Request, device: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep
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
    now = state.parts.wall.now()
    key_id, secret = await keys.issue_key(state.parts.database, wanted, scope=caller.scope, now=now)
    return answer.json_answer({"id": key_id, "key": secret}, status=201)


@router.delete("/{device}/keys/{key}", summary="Revoke a device key", status_code=204)
async def revoke_key(device: str, key: str, caller: Annotated[Caller, Depends(ADMINS)], state: StateDep) -> Response:
    """End a key; doors close its connections."""
    await existing(device, caller, state)
    await keys.revoke_key(
        state.parts.database,
        key,
        actor=caller.principal.name,
        address=caller.address,
        now=state.parts.wall.now(),
        device=device,
    )
    return Response(status_code=204)
