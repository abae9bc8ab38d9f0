"""Adopting an unknown device: it is registered and its release begins in one transaction; and taking both back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from ioc.domain.device import Device
from ioc.domain.release import LetterChoice
from ioc.store.log import releases
from ioc.store.log.manual_entries import HEAD, MessageAppender
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.scope import Scope
from ioc.store.registry.device_changes import EntryAppender
from ioc.store.registry.device_work import delete_device, insert_device
from ioc.store.registry.unknown_devices import REASON

Row = Mapping[str, Any]
REGISTRY = "SELECT version FROM registry_version WHERE id = 1 FOR UPDATE"
IN_USE = """
SELECT EXISTS (SELECT 1 FROM api_key WHERE device = $1)
  OR EXISTS (SELECT 1 FROM device WHERE parent = $1)
  OR EXISTS (SELECT 1 FROM dated_limit WHERE device = $1 AND NOT removed)
  OR EXISTS (SELECT 1 FROM maintenance_window WHERE device = $1)
  OR EXISTS (
    SELECT 1 FROM event e WHERE e.device = $1 AND e.kind = 'event' AND (e.door <> 'release' OR NOT EXISTS (
      SELECT 1 FROM event w WHERE w.key = e.key AND w.position >= e.position AND 'withdrawn' = ANY(w.flags))))
"""
"""Whether anything rests on a device but what its own releases stored and took back."""


class Log(EntryAppender, MessageAppender, Protocol):
    """What of the log this room needs."""


async def adopt(
    database: Database, log: EntryAppender, device: Device, person: releases.Requester, *, scope: Scope, now: datetime,
    wall: datetime,
) -> int:  # fmt: skip
    """Register an unknown device and begin the release of what it has sent for its feed; return the release's number.

    Raises:
        AlreadyExistsError: it is registered. InvalidInputError: the parent is unknown.
        TransitionError: there is nothing of it to let in.
    """
    async with database.transaction() as connection:
        await insert_device(
            connection, log, device, actor=person.name, address=person.address, now=now, wall=wall, scope=scope
        )
        await connection.execute("DELETE FROM ignored_device WHERE device = $1", device.id)
        choice = LetterChoice(device.feed, REASON, None, device.id)
        return await releases.insert_release(connection, choice, {}, person, scope=scope, wall=wall, adopted=True)


async def undo_release(
    database: Database, log: Log, number: int, person: releases.Requester, *, now: datetime, wall: datetime
) -> Row:
    """Take the next events of a release back, and at its end the device that it registered if nothing rests on it.

    Raises:
        NotFoundError: there is no such release. TransitionError: it has been taken back.
    """
    async with database.transaction() as connection:
        row = await releases.lock_release(connection, number)
        if not row["adopted"]:
            return await releases.undo_next(connection, log, row, person, now=now, wall=wall)
        # The order of locks is everywhere the same: devices, log head, registry, audit, change head.
        await connection.execute("SELECT 1 FROM device WHERE id = $1 FOR UPDATE", row["device"])
        await connection.execute(HEAD)
        await connection.execute(REGISTRY)
        found = await releases.undo_next(connection, log, row, person, now=now, wall=wall)
        if found["undone_at"] is None or await _in_use(connection, row["device"]):
            return found
        await delete_device(
            connection, log, row["device"], actor=person.name, address=person.address, now=now, wall=wall
        )
        await connection.execute("UPDATE letter_release SET device_removed = true WHERE id = $1", number)
        return await releases.get_row(connection, number)


async def _in_use(connection: Connection, device: str) -> bool:
    return bool(await connection.fetchval(IN_USE, device))
