"""The wall's write side: what a route that changes something reaches, and the check of what it names.

A route says its reach in its declaration (:class:`ioc.api.auth.Access`). Where it reaches into areas, whatever its path
and body name is looked up inside the caller's wall before the handler runs; a foreign thing is told as one that does
not exist. A path or body that names something which this module does not know stops the start (:func:`fault`), so a new
route cannot forget. The store checks again in the transaction that writes.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from fastapi import Request
from pydantic import BaseModel, Field

from ioc.api.wall.caller import Caller
from ioc.domain.contacts.directory import DirectoryNoun
from ioc.domain.scope import Scope
from ioc.errors import BeyondWallError, ForbiddenError, InvalidInputError
from ioc.store.alerts import reader as alerts
from ioc.store.contacts import reader as directory
from ioc.store.log import letter_groups, releases
from ioc.store.log import reader as events
from ioc.store.maintenance import windows
from ioc.store.postgres.engine import Connection, Database
from ioc.store.registry import device_imports, keys
from ioc.store.registry.devices import sees_device
from ioc.store.roster import reader as roster
from ioc.store.silences import reader as silences

EVENT_KEY_BYTES = 16
NAMES = "x-names"
"""How a body's schema says which noun a member names."""


class Reach(StrEnum):
    """What a route that changes something changes."""

    AREA = "area"
    """Things that lie somewhere: what the path and the body name must be inside the caller's wall."""
    SITE = "site"
    """What counts for every area: only for callers who see every area."""
    SHARED = "shared"
    """Things of no area, which everybody of the role may change."""
    OWN = "own"
    """The caller's own: a session, a password, a browser's report."""


NAMES_AREA: Any = Field(json_schema_extra={NAMES: "area"})
"""Marks a body's member that names an area."""
NAMES_UNIT: Any = Field(json_schema_extra={NAMES: "unit"})
"""Marks a body's member that names a unit of the directory."""
NAMES_ALERT: Any = Field(json_schema_extra={NAMES: "alert"})
"""Marks a body's member that names an alert."""
NAMES_SHIFT: Any = Field(json_schema_extra={NAMES: "shift"})
"""Marks a body's member that names a shift of the roster."""
NAMES_DEVICE: Any = Field(json_schema_extra={NAMES: "device"})
"""Marks a body's member that names a device."""


async def _sees_alert(connection: Connection, identifier: str, scope: Scope) -> bool:
    return await alerts.get_alert(connection, identifier, scope) is not None


async def _sees_event(connection: Connection, identifier: str, scope: Scope) -> bool:
    try:
        identity = bytes.fromhex(identifier)
    except ValueError:
        return False
    return len(identity) == EVENT_KEY_BYTES and await events.get_event(connection, identity, scope) is not None


async def _sees_release(connection: Connection, identifier: str, caller: Caller) -> bool:
    if not releases.is_number(identifier):
        return False
    return await releases.get_release(connection, int(identifier), caller.scope, caller.principal.name) is not None


async def _sees_letter(connection: Connection, identifier: str, scope: Scope) -> bool:
    if not releases.is_number(identifier):
        return False
    return await letter_groups.choice_of_letter(connection, int(identifier), scope) is not None


async def _sees_device_import(connection: Connection, identifier: str, scope: Scope) -> bool:
    return await device_imports.get_import(connection, identifier, scope) is not None


async def _sees_key(connection: Connection, identifier: str, caller: Caller) -> bool:
    row = await keys.get_key(connection, identifier)
    return row is not None and key_inside(row, caller)


def key_inside(row: keys.Row, caller: Caller) -> bool:
    """Tell whether a key lies inside the caller's wall: a device's key where its device is, others by their area."""
    if row["device"] is not None:
        return caller.scope.sees(area=row["device_area"], zone=row["device_zone"], feed=row["device_feed"])
    return caller.scope.areas is None or (row["area"] is not None and within(row["area"], caller))


def within(area: str, caller: Caller) -> bool:
    """Tell whether what an account or key is bound to lies inside the caller's wall; one that is gone does not."""
    codes = caller.book.scope_of(area, caller.today).areas or frozenset()
    return bool(codes) and (caller.scope.areas is None or codes <= caller.scope.areas)


async def _sees_window(connection: Connection, identifier: str, scope: Scope) -> bool:
    wanted = windows.WindowFilter(id=identifier)
    return bool(await windows.list_windows(connection, wanted, scope, after=None, limit=1))


async def _sees_directory(connection: Connection, noun: DirectoryNoun, name: str, caller: Caller) -> bool:
    inside = directory.places_of(caller.scope, caller.book)
    found = await directory.get_entry(connection, noun, name, inside=inside, with_removed=True)
    return found is not None


async def _sees_silence(connection: Connection, identifier: str, caller: Caller) -> bool:
    wanted, inside = silences.SilenceFilter(id=identifier), directory.places_of(caller.scope, caller.book)
    found = await silences.list_silences(connection, wanted, caller.scope, inside=inside, after=None, limit=1)
    return bool(found)


async def _sees_shift(connection: Connection, name: str, caller: Caller) -> bool:
    inside = directory.places_of(caller.scope, caller.book)
    return await roster.get_shift(connection, name, inside=inside, with_removed=True) is not None


async def _sees_pattern(connection: Connection, name: str, caller: Caller) -> bool:
    return await roster.sees_pattern(connection, name, inside=directory.places_of(caller.scope, caller.book))


Finder = Callable[[Connection, str, Caller], Awaitable[bool]]
WALLED: Mapping[str, Finder] = {
    "alert": lambda connection, name, caller: _sees_alert(connection, name, caller.scope),
    "contact": lambda connection, name, caller: _sees_directory(connection, DirectoryNoun.CONTACT, name, caller),
    "device": lambda connection, name, caller: sees_device(connection, name, caller.scope),
    "device_import": lambda connection, name, caller: _sees_device_import(connection, name, caller.scope),
    "event": lambda connection, name, caller: _sees_event(connection, name, caller.scope),
    "key": _sees_key,
    "letter": lambda connection, name, caller: _sees_letter(connection, name, caller.scope),
    "pattern": _sees_pattern,
    "release": _sees_release,
    "silence": _sees_silence,
    "shift": _sees_shift,
    "unit": lambda connection, name, caller: _sees_directory(connection, DirectoryNoun.UNIT, name, caller),
    "window": lambda connection, name, caller: _sees_window(connection, name, caller.scope),
}
"""Nouns that lie somewhere, by the name that paths and bodies give them."""
UNWALLED = frozenset({"duty_mode", "rule", "feed", "code", "name", "domain", "username", "drill", "backtest", "medium"})
"""Path parameters that name nothing of an area."""
PLACES = frozenset(
    {"area", "zone", "areas", "zones", "device", "devices", "alert", "alerts", "event", "events", "parent", "key"}
)
"""Members of a body that name something of an area: their schema must say what (:data:`NAMES`)."""


def noun_members(schema: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Return each member of a body's schema with the noun that it names, None where it says none."""
    for member, part in schema.get("properties", {}).items():
        forms = [part, *part.get("anyOf", ()), part.get("items", {})]
        yield member, next((form[NAMES] for form in forms if NAMES in form), None)


def fault(reach: Reach, path_names: set[str], schema: Mapping[str, Any]) -> str | None:
    """Return why a route's declaration cannot hold, None if it can."""
    if reach is not Reach.AREA:
        return None
    members = dict(noun_members(schema))
    unknown = sorted(path_names - set(WALLED) - UNWALLED)
    unknown += sorted(member for member, noun in members.items() if member in PLACES and noun is None)
    if unknown:
        return f"names {', '.join(unknown)}, whose wall nobody has declared (ioc/api/wall/write_side.py)"
    if not (path_names & set(WALLED)) and not any(members.values()):
        return "reaches into areas and names nothing that lies in one: declare another reach"
    return None


async def check_path(request: Request, caller: Caller, database: Database) -> None:
    """Accept a change only of what lies inside the caller's wall.

    Raises:
        BeyondWallError: it lies beyond, or is not there: told alike.
    """
    if caller.scope.areas is None:
        return
    named_ones = [(name, str(value)) for name, value in request.path_params.items() if name in WALLED]
    async with database.connection() as connection:
        for name, value in named_ones:
            if not await WALLED[name](connection, value, caller):
                raise BeyondWallError(f"no such {name}")


async def check_body(body: BaseModel, caller: Caller, database: Database) -> None:
    """Accept a body whose members name only what lies inside the caller's wall.

    Raises:
        ForbiddenError: an area that is not the caller's: geography is no secret.
        InvalidInputError: anything else that lies beyond, or is not there: told alike.
    """
    own = caller.scope.areas
    if own is None:
        return
    for member, noun in noun_members(type(body).model_json_schema()):
        value = getattr(body, member, None)
        if noun is None or value is None:
            continue
        if noun == "area":
            named = value if isinstance(value, list) else [value]
            if any(not caller.book.resolve(one, caller.today) <= own for one in named):
                raise ForbiddenError("this area is not yours")
            continue
        async with database.connection() as connection:
            if not await WALLED[noun](connection, value, caller):
                raise InvalidInputError(f"there is no {noun} {value:.64}", field=member)
