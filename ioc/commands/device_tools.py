"""What the command line does to one registered device: a new key beside the old one, and what a gateway speaks for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ioc.assembly.context import open_context
from ioc.domain.device import Device
from ioc.domain.moment import format_time, parse_time
from ioc.domain.people.account import KeyKind
from ioc.errors import InvalidInputError
from ioc.registration.plan import DeviceChange
from ioc.settings import Settings
from ioc.store.postgres.scope import Scope
from ioc.store.registry.device_import import change_devices
from ioc.store.registry.keys import KeyRequest, rotate_key
from ioc.store.registry.registry import RegistryStore

ACTOR = "command line"
SPAN = re.compile(r"([0-9]{1,4})(m|h|d)")
SPANS = {"m": "minutes", "h": "hours", "d": "days"}
OLD_DAYS_MAX = 366


def old_until(text: str, now: datetime) -> datetime:
    """Return when an old key ends: `24h`, `30m`, `7d` from now on, or a time.

    Raises:
        InvalidInputError: it is neither, lies behind, or is more than a year ahead.
    """
    match = SPAN.fullmatch(text)
    try:
        moment = now + timedelta(**{SPANS[match[2]]: int(match[1])}) if match else parse_time(text)
    except ValueError as error:
        raise InvalidInputError("--old-until is 30m, 24h, 7d or a time (RFC 3339)", field="old-until") from error
    if not now <= moment <= now + timedelta(days=OLD_DAYS_MAX):
        raise InvalidInputError("--old-until lies within the next year", field="old-until")
    return moment


async def rotate(settings: Settings, device: str, *, until: str) -> dict[str, Any]:
    """Issue a new key beside the old one, which ends later; return {"id", "key", "old_key", "old_until"}.

    Raises:
        NotFoundError: no such device. TransitionError: it has two live keys already, or none.
        InvalidInputError: the time makes no sense.
    """
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        now = context.wall.now()
        ends = old_until(until, now)
        request = KeyRequest(kind=KeyKind.DEVICE, name=device, actor=ACTOR, device=device)
        made = await rotate_key(context.database, request, scope=Scope(), old_until=ends, now=now)
    return {"id": device, "key": made.secret, "old_key": made.old, "old_until": format_time(made.old_until)}


async def set_gateway(
    settings: Settings, gateway: str, *, add: Sequence[str], remove: Sequence[str], off: bool
) -> dict[str, Any]:
    """Say which devices a gateway speaks for; return {"gateway", "is_gateway", "speaks_for"}.

    Raises:
        InvalidInputError: a device is not registered, speaks for itself, or does not stand behind this gateway.
    """
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        devices = (await RegistryStore(context.database).snapshot(context.wall.now())).devices
        changes = gateway_changes(devices, gateway, add=add, remove=remove, off=off)
        if changes:
            await change_devices(
                context.database, context.log, changes, actor=ACTOR, action="device.gateway", source=gateway,
                now=context.log_clock.now(), wall=context.wall.now(),
            )  # fmt: skip
            devices = (await RegistryStore(context.database).snapshot(context.wall.now())).devices
    children = sorted(device.id for device in devices.values() if device.parent == gateway)
    is_gateway = devices[gateway].gateway
    return {"gateway": gateway, "is_gateway": is_gateway, "speaks_for": children if is_gateway else []}


def gateway_changes(
    devices: Mapping[str, Device], gateway: str, *, add: Sequence[str], remove: Sequence[str], off: bool
) -> list[DeviceChange]:
    """Return what must change so that a gateway speaks for ``add`` and no longer for ``remove``, or for nobody."""
    for name in (gateway, *add, *remove):
        if name not in devices:
            raise InvalidInputError(f"there is no device {name}", field="device")
    if gateway in add:
        raise InvalidInputError("a gateway speaks for itself anyway", field="add")
    if off and add:
        raise InvalidInputError("--off and --add do not go together", field="off")
    strangers = [name for name in remove if devices[name].parent != gateway]
    if strangers:
        raise InvalidInputError(f"{', '.join(strangers)} does not stand behind {gateway}", field="remove")
    changes = [
        DeviceChange(name, devices[name].version, {"parent": gateway})
        for name in dict.fromkeys(add)
        if devices[name].parent != gateway
    ]
    changes += [DeviceChange(name, devices[name].version, {"parent": None}) for name in dict.fromkeys(remove)]
    wanted = not off if (add or off) else devices[gateway].gateway
    if devices[gateway].gateway is not wanted:
        changes.append(DeviceChange(gateway, devices[gateway].version, {"gateway": wanted}))
    return changes
