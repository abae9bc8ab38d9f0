"""Changing the registry: one transaction with the log entry, the registry's version, the audit row and the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Protocol

import asyncpg

from ioc.domain.device import Device
from ioc.domain.event import EntryKind
from ioc.errors import InvalidInputError, NotFoundError, VersionConflictError
from ioc.store.audit import AuditEntry, append_audit
from ioc.store.changes import Change, append_changes
from ioc.store.engine import Connection, Database
from ioc.store.registry import bump_registry, device_of
from ioc.store.scope import Scope

INSERT = """
INSERT INTO device (id, feed, name_vi, name_en, area, zone, lat, lon, parent, owner, place, expected_period_seconds,
  critical, gateway, state, extra, registered_at, updated_at, version, origin)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17, 1, 'site')
"""
PATCHED = frozenset(
    {
        "name_vi", "name_en", "area", "zone", "lat", "lon", "parent", "owner", "place", "expected_period_seconds",
        "critical", "gateway", "state",
    }
)  # fmt: skip


class EntryAppender(Protocol):
    """What of the log this room needs."""

    async def append_entries(
        self, connection: Connection, entries: Sequence[tuple[EntryKind, str, Mapping[str, Any] | None]], now: datetime
    ) -> list[int]:
        """Append entries inside the caller's transaction."""
        ...


def entry_value(device: Device) -> dict[str, Any]:
    """Return a device's full new value, JSON-ready, as the log keeps it."""
    value: dict[str, Any] = {item.name: getattr(device, item.name) for item in fields(Device)}
    value["name"] = {"vi": device.name.vi, "en": device.name.en}
    value["registered_at"] = device.registered_at.isoformat()
    value["state"] = str(device.state)
    value["extra"] = dict(device.extra)
    return value


async def create_device(
    database: Database, log: EntryAppender, device: Device, *, actor: str, address: str | None, now: datetime,
    wall: datetime | None = None,
) -> None:  # fmt: skip
    """Register a new device. ``wall`` dates the audit row where the log's ``now`` is a drill's.

    Raises:
        InvalidInputError: the id is taken or the parent unknown.
    """
    async with database.transaction() as connection:
        await _check_parent(connection, device.id, device.parent)
        try:
            await connection.execute(
                INSERT, device.id, device.feed, device.name.vi, device.name.en, device.area, device.zone, device.lat,
                device.lon, device.parent, device.owner, device.place, device.expected_period_seconds, device.critical,
                device.gateway, str(device.state), dict(device.extra), now,
            )  # fmt: skip
        except asyncpg.UniqueViolationError as error:
            raise InvalidInputError(f"a device {device.id} is registered already", field="id") from error
        row = await connection.fetchrow("SELECT * FROM device WHERE id = $1", device.id)
        audit = AuditEntry(actor, "device.create", device.id, address, entry_value(device_of(row)))
        await _publish(connection, log, row, audit, (), now, wall or now)


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
    assert set(values) <= PATCHED, values
    async with database.transaction() as connection:
        old = await connection.fetchrow("SELECT * FROM device WHERE id = $1 FOR UPDATE", device)
        if old is None or not scope.sees(area=old["area"], zone=old["zone"], feed=old["feed"]):
            raise NotFoundError("no such device")
        if old["version"] != version:
            raise VersionConflictError("somebody else changed this device first")
        if "parent" in values:
            await _check_parent(connection, device, values["parent"])
        sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, start=3))
        row = await connection.fetchrow(
            f"UPDATE device SET version = version + 1, updated_at = $2{', ' if sets else ''}{sets} "  # noqa: S608 - names are checked
            "WHERE id = $1 RETURNING *",
            device,
            now,
            *values.values(),
        )
        left = ((old["area"], old["zone"]),) if old["area"] != row["area"] else ()
        audit = AuditEntry(actor, "device.patch", device, address, dict(values))
        await _publish(connection, log, row, audit, left, now, wall or now)


async def _check_parent(connection: Connection, device: str, parent: str | None) -> None:
    if parent is None:
        return
    if parent == device or not await connection.fetchval("SELECT true FROM device WHERE id = $1", parent):
        raise InvalidInputError(f"no device {parent} to be the parent", field="parent")


async def _publish(
    connection: Connection,
    log: EntryAppender,
    row: Mapping[str, Any],
    audit: AuditEntry,
    left: Sequence[tuple[str | None, str | None]],
    now: datetime,
    wall: datetime,
) -> None:
    """Tell the log, the doors, the audit trail and, last, the change feed. ``left``: places it moved away from."""
    # The order of locks is everywhere the same: log head, registry, audit, change head.
    await log.append_entries(connection, [(EntryKind.DEVICE, row["id"], entry_value(device_of(row)))], now)
    await bump_registry(connection)
    await append_audit(connection, audit, wall)
    places = [(row["area"], row["zone"]), *left]
    changes = [
        Change(kind="device", id=row["id"], log_time=now, area=area, zone=zone, version=row["version"])
        for area, zone in places
    ]
    await append_changes(connection, changes)
