"""Changing the registry: one transaction with the log entry, the registry's version, the audit row and the change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg

from ioc.domain.device import Device
from ioc.domain.plain_name import required_name
from ioc.errors import AlreadyExistsError, InvalidInputError, NotFoundError, VersionConflictError
from ioc.store.audit.trail import AuditEntry
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.scope import Scope
from ioc.store.registry.device_changes import EntryAppender, entry_value, publish_devices
from ioc.store.registry.device_row import device_of, patch, register

EVERYWHERE = Scope()
NAMES = ("name_vi", "name_en", "place", "owner")


def plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return new values of columns with their names as people read them."""
    plain = dict(values)
    for name in NAMES:
        if plain.get(name) is not None:
            plain[name] = required_name(plain[name], field=name)
    return plain


async def create_device(
    database: Database, log: EntryAppender, device: Device, *, actor: str, address: str | None, now: datetime,
    wall: datetime | None = None, scope: Scope = EVERYWHERE,
) -> None:  # fmt: skip
    """Register a new device. ``wall`` dates the audit row where the log's ``now`` is a drill's.

    ``scope`` is what its maker sees: the parent must lie inside.

    Raises:
        AlreadyExistsError: the id is taken. InvalidInputError: the parent is unknown.
    """
    async with database.transaction() as connection:
        await insert_device(
            connection, log, device, actor=actor, address=address, now=now, wall=wall or now, scope=scope
        )


async def insert_device(
    connection: Connection, log: EntryAppender, device: Device, *, actor: str, address: str | None, now: datetime,
    wall: datetime, scope: Scope,
) -> None:  # fmt: skip
    """Do what :func:`create_device` does inside the caller's transaction."""
    await _check_parent(connection, device.id, device.parent, scope)
    try:
        await connection.execute(*register(device, now))
    except asyncpg.UniqueViolationError as error:
        raise AlreadyExistsError(f"a device {device.id} is registered already", field="id") from error
    row = await connection.fetchrow("SELECT * FROM device WHERE id = $1", device.id)
    audit = AuditEntry(actor, "device.create", device.id, address, entry_value(device_of(row)))
    await publish_devices(connection, log, [row], audit=audit, now=now, wall=wall)


async def delete_device(
    connection: Connection, log: EntryAppender, device: str, *, actor: str, address: str | None, now: datetime,
    wall: datetime,
) -> None:  # fmt: skip
    """Take a device out of the registry inside the caller's transaction: for one that was registered by mistake."""
    row = await connection.fetchrow("DELETE FROM device WHERE id = $1 RETURNING *", device)
    if row is None:
        return
    audit = AuditEntry(actor, "device.delete", device, address, entry_value(device_of(row)))
    await publish_devices(connection, log, (), gone=[row], audit=audit, now=now, wall=wall)


async def patch_device(
    database: Database,
    log: EntryAppender,
    device: str,
    values: Mapping[str, Any],
    *,
    version: int,
    actor: str,
    address: str | None,
    scope: Scope,
    now: datetime,
    wall: datetime | None = None,
) -> None:
    """Change some columns of a device. ``wall`` is as in :func:`create_device`.

    Raises:
        NotFoundError: no such device inside the wall.
        VersionConflictError: somebody else was first.
    """
    values = plain_values(values)
    async with database.transaction() as connection:
        old = await connection.fetchrow("SELECT * FROM device WHERE id = $1 FOR UPDATE", device)
        if old is None or not scope.sees(area=old["area"], zone=old["zone"], feed=old["feed"]):
            raise NotFoundError("no such device")
        if old["version"] != version:
            raise VersionConflictError("somebody else changed this device first")
        if "parent" in values:
            await _check_parent(connection, device, values["parent"], scope)
        row = await connection.fetchrow(*patch(device, values, now))
        audit = AuditEntry(actor, "device.patch", device, address, dict(values))
        await publish_devices(connection, log, [row], [old], audit=audit, now=now, wall=wall or now)


async def _check_parent(connection: Connection, device: str, parent: str | None, scope: Scope) -> None:
    if parent is None:
        return
    row = await connection.fetchrow("SELECT area, zone, feed FROM device WHERE id = $1", parent)
    is_seen = row is not None and scope.sees(area=row["area"], zone=row["zone"], feed=row["feed"])
    if parent == device or not is_seen:
        raise InvalidInputError(f"no device {parent} to be the parent", field="parent")
