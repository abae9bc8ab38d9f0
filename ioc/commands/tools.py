"""What the command line does to a running instance: devices, keys, people, boundaries, settings."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

from ioc.api.identity.passwords import Passwords, one_time_password
from ioc.assembly.context import ProcessContext, open_context
from ioc.domain.device import DEVICE_ID, RESERVED_IDS, Device
from ioc.domain.feed import Label
from ioc.domain.people.account import KeyKind
from ioc.domain.people.capabilities import Role
from ioc.domain.places.location import check_point
from ioc.errors import InvalidInputError
from ioc.ingest.pipeline.location import Gazetteer
from ioc.packs.pack import Pack
from ioc.settings import Settings
from ioc.store.accounts.accounts import Actor, create_account
from ioc.store.postgres.scope import Scope
from ioc.store.registry.boundaries import Boundary, write_boundaries
from ioc.store.registry.device_work import create_device
from ioc.store.registry.keys import KeyRequest, issue_key
from ioc.store.registry.registry import RegistryStore

ACTOR = "command line"


async def add_device(
    settings: Settings, *, device: str, feed: str, area: str | None, lat: float | None, lon: float | None,
    name: str | None,
) -> dict[str, Any]:  # fmt: skip
    """Register a device, issue its key and return {"id", "key"}.

    Raises:
        InvalidInputError: the id, feed, area or point is wrong, or the id is taken.
    """
    if not DEVICE_ID.fullmatch(device):
        raise InvalidInputError("a device id is a-z, 0-9, dot, underscore, hyphen; at most 64", field="id")
    if device in RESERVED_IDS:
        raise InvalidInputError(f"the id {device} is reserved: choose another", field="id")
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        if feed not in context.pack.feeds:
            raise InvalidInputError(f"there is no feed {feed}; there are {', '.join(context.pack.feeds)}", field="feed")
        code, zone = await _place(context, area=area, lat=lat, lon=lon)
        now = context.log_clock.now()
        registered = Device(
            id=device, feed=feed, name=Label(name or device, name or device), registered_at=now, area=code, zone=zone,
            lat=lat, lon=lon,
        )  # fmt: skip
        await create_device(context.database, context.log, registered, actor=ACTOR, address=None, now=now,
                            wall=context.wall.now())  # fmt: skip
        request = KeyRequest(kind=KeyKind.DEVICE, name=device, actor=ACTOR, device=device)
        _, secret = await issue_key(context.database, request, scope=Scope(), now=context.wall.now())
    return {"id": device, "key": secret}


async def _place(
    context: ProcessContext, *, area: str | None, lat: float | None, lon: float | None
) -> tuple[str | None, str | None]:
    """Return the code and zone of a named unit of today, or of the one that holds the point."""
    check_point(lat, lon, context.pack.box)
    snapshot = await RegistryStore(context.database).snapshot(context.wall.now())
    gazetteer = Gazetteer(snapshot.areas)
    if area is not None:
        found = next((unit for unit in snapshot.areas if unit.code == area), None)
        if found is None:
            raise InvalidInputError(f"no unit of today has the code {area}", field="area")
        return found.code, found.zone
    code = gazetteer.area_at(lat, lon) if lat is not None and lon is not None else None
    return code, gazetteer.zone_of(code)


async def issue(
    settings: Settings, *, kind: str, feed: str | None, area: str | None, name: str | None
) -> dict[str, Any]:
    """Issue a machine key and return {"id", "kind", "key"}.

    Raises:
        InvalidInputError: the kind, feed or area is wrong.
    """
    if kind not in {item.value for item in KeyKind if item is not KeyKind.DEVICE}:
        raise InvalidInputError("kind is feed, district, metrics or display", field="kind")
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        if kind == KeyKind.FEED and feed not in context.pack.feeds:
            raise InvalidInputError(f"a feed key names its feed: {', '.join(context.pack.feeds)}", field="feed")
        _check_area(context.pack, area, context.wall.now().date())
        request = KeyRequest(kind=KeyKind(kind), name=name or kind, actor=ACTOR, feed=feed, area=area)
        key_id, secret = await issue_key(context.database, request, scope=Scope(), now=context.wall.now())
    return {"id": key_id, "kind": kind, "key": secret}


def _check_area(pack: Pack, area: str | None, today: date) -> None:
    known = {unit.code for unit in pack.areas_on(today)} | {zone.code for zone in pack.zones}
    known |= {zone.former_code for zone in pack.zones}
    if area is not None and area.partition("@")[0] not in known and "@" not in area:
        raise InvalidInputError(f"no area, zone or former district {area}", field="area")


async def add_user(
    settings: Settings, *, username: str, role: str, area: str | None, temporary: bool = False, name: str | None = None
) -> dict[str, Any]:
    """Add a person and return {"username", "password"}; a ``temporary`` one must be changed at the first sign-in.

    Without a ``name`` the person is called by the user name.

    Raises:
        InvalidInputError: the role or area is wrong, or the name is taken.
    """
    if role not in {item.value for item in Role}:
        raise InvalidInputError(f"role is one of {', '.join(Role)}", field="role")
    password = one_time_password(username=username)
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        _check_area(context.pack, area, context.wall.now().date())
        await create_account(
            context.database, username=username, name=name or username, role=Role(role), area=area,
            password_hash=await Passwords().hash(password), temporary=temporary, actor=Actor(ACTOR),
            now=context.wall.now(),
        )  # fmt: skip
    return {"username": username, "password": password}


async def import_areas(settings: Settings, file: Path, *, code_property: str) -> tuple[list[str], list[str]]:
    """Put real boundaries in place of the sketches; return the codes imported and what was left out, with why.

    Raises:
        InvalidInputError: the file is no GeoJSON FeatureCollection.
    """
    features = _features(file)
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        boundaries, skipped = [], []
        for number, feature in enumerate(features, start=1):
            code = str((feature.get("properties") or {}).get(code_property) or "").strip()
            if not code:
                skipped.append(f"feature {number} has no property {code_property!r}")
                continue
            boundaries.append(Boundary(code=code, geometry=feature.get("geometry")))
        imported, refused = await write_boundaries(
            context.database, context.log, boundaries, pack=context.pack, now=context.log_clock.now()
        )
    return imported, skipped + refused


def _features(file: Path) -> list[dict[str, Any]]:
    try:
        features = json.loads(file.read_text(encoding="utf-8"))["features"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidInputError(f"{file} is no GeoJSON FeatureCollection: {error}") from error
    if not isinstance(features, list) or not all(_is_feature(feature) for feature in features):
        raise InvalidInputError(f"{file} is no GeoJSON FeatureCollection: its features are no list of features")
    return features


def _is_feature(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("properties") or {}, dict)


SECRETS = frozenset({"database_url", "mqtt_bridge_url", "audit_anchor_url"})
"""Settings that may hold a password."""


def describe_settings(settings: Settings) -> list[dict[str, Any]]:
    """Return each setting with name, value, unit, default, source and description; secrets are masked."""
    rows = []
    for name, field in Settings.model_fields.items():
        variable = f"IOC_{name.upper()}"
        extra = field.json_schema_extra
        value = getattr(settings, name)
        if name in SECRETS and value:
            value = "(set)"
        source = "environment" if variable in os.environ else "default"
        if source == "default" and getattr(settings, name) != field.default:
            source = "ioc.toml"
        rows.append(
            {
                "name": variable,
                "value": str(value) if value is not None else "unset",
                "unit": extra.get("unit", "") if isinstance(extra, dict) else "",
                "default": str(field.default) if field.default is not None else "unset",
                "source": source,
                "description": field.description or "",
            }
        )
    return rows
