"""Units of the pack: what it brings, changes or no longer has; one that the site wrote is never overwritten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ioc.domain.contacts.directory import DirectoryAction, DirectoryNoun, DirectoryOrigin, Unit, unit_of
from ioc.store.contacts.rows import DirectoryStep, Stored, lock_directory, read_stored, write_stored
from ioc.store.postgres.engine import Connection


async def take_units(
    connection: Connection, bodies: Sequence[Mapping[str, Any]], gone: Sequence[str], now: datetime
) -> None:
    """Write what of the pack's new units, and of those that it no longer has, comes into force."""
    if not bodies and not gone:
        return
    await lock_directory(connection)
    units = [unit_of(body) for body in bodies]
    old = await read_stored(connection, DirectoryNoun.UNIT, [*(unit.id for unit in units), *gone])
    made = [one for unit in units if (one := _taken(unit, old.get(unit.id))) is not None]
    for identifier in gone:
        stored = old.get(identifier)
        if stored is not None and stored.origin is DirectoryOrigin.PACK and not stored.removed:
            made.append(Stored(stored.value, DirectoryOrigin.PACK, stored.version + 1, removed=True))
    await write_stored(connection, made, DirectoryStep(now, DirectoryAction.PACK, ""))


def _taken(unit: Unit, old: Stored | None) -> Stored | None:
    """Return the pack's form of a unit where it counts: nobody of the site wrote another or took it out."""
    if old is None:
        return Stored(unit, DirectoryOrigin.PACK, 1)
    if old.value == unit and not old.removed:
        return None
    return Stored(unit, DirectoryOrigin.PACK, old.version + 1) if old.origin is DirectoryOrigin.PACK else None
