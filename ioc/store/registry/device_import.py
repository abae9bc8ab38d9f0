"""Many devices registered and changed in one transaction, all or none; what was before is kept, to be undone."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from ioc.domain.device import Device
from ioc.domain.people.account import KeyKind
from ioc.errors import InvalidInputError, VersionConflictError
from ioc.registration.plan import DeviceChange
from ioc.store.audit.trail import AuditEntry
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.statement import insert
from ioc.store.registry.device_changes import EntryAppender, publish_devices
from ioc.store.registry.device_row import PATCHED, device_of, patch, register
from ioc.store.registry.device_work import plain_values
from ioc.store.registry.keys import KeyRequest, insert_key

Row = Mapping[str, Any]
RESTORED = tuple(sorted(PATCHED | {"origin", "maintenance_window"}))
"""What undoing brings back of a device."""
INSERT_IMPORT = insert(
    "device_import",
    ("id", "state", "version", "file_name", "file_hash", "new_count", "changed_count", "unchanged_count", "areas",
     "feeds", "without_area", "log_time", "sent_by", "sent_at"),
)  # fmt: skip
INSERT_ROW = "INSERT INTO device_import_row (import, device, version, columns, before) VALUES ($1, $2, $3, $4, $5)"


@dataclass(frozen=True, slots=True)
class DeviceSheet:
    """What somebody sends: who, from where, the file's name and bytes, and how many rows change nothing."""

    actor: str
    address: str | None
    file_name: str | None
    body: bytes
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class ImportedDevices:
    """The import that was stored, and the key of each new device where keys were asked for: to be had only here."""

    id: str
    keys: Mapping[str, str]


async def read_devices(connection: Connection) -> dict[str, Device]:
    """Return every device of the registry by id."""
    return {row["id"]: device_of(row) for row in await connection.fetch("SELECT * FROM device")}


async def import_devices(
    database: Database, log: EntryAppender, created: Sequence[Device], changed: Sequence[DeviceChange], *,
    sheet: DeviceSheet, now: datetime, wall: datetime, keys: bool = True,
    before_commit: Callable[[Mapping[str, str]], None] = lambda _: None,
) -> ImportedDevices:  # fmt: skip
    """Register and change devices, and keep what was there before.

    ``before_commit`` gets the keys when all is written and nothing counts yet: what it raises undoes everything.

    Raises:
        InvalidInputError: an id was taken meanwhile. VersionConflictError: a device was changed meanwhile.
    """
    identifier, issued = f"di_{secrets.token_hex(8)}", dict[str, str]()
    async with database.transaction() as connection:
        before = [await _change(connection, change, now) for change in changed]
        for device in created:
            try:
                await connection.execute(*register(device, now))
            except asyncpg.UniqueViolationError as error:
                raise InvalidInputError(f"{device.id} was registered meanwhile: try again", field="id") from error
            if keys:
                request = KeyRequest(KeyKind.DEVICE, device.id, sheet.actor, device=device.id, address=sheet.address)
                _, issued[device.id] = await insert_key(connection, request, wall)
        names = [device.id for device in created] + [change.device for change in changed]
        after = await _rows(connection, names)
        await _keep(
            connection, identifier, created, changed, sheet=sheet, before=before, after=after, now=now, wall=wall
        )
        detail = {
            "file_name": sheet.file_name, "created": [device.id for device in created], "keys": keys,
            "changed": _values(changed),
        }  # fmt: skip
        audit = AuditEntry(sheet.actor, "device.import", identifier, sheet.address, detail)
        await publish_devices(connection, log, after, before, audit=audit, now=now, wall=wall)
        before_commit(issued)
    return ImportedDevices(identifier, issued)


async def change_devices(
    database: Database, log: EntryAppender, changed: Sequence[DeviceChange], *, actor: str, action: str, source: str,
    now: datetime, wall: datetime,
) -> None:  # fmt: skip
    """Change devices, all of them or none.

    Raises:
        VersionConflictError: a device was changed meanwhile.
    """
    async with database.transaction() as connection:
        before = [await _change(connection, change, now) for change in changed]
        audit = AuditEntry(actor, action, source, None, {"changed": _values(changed)})
        after = await _rows(connection, [change.device for change in changed])
        await publish_devices(connection, log, after, before, audit=audit, now=now, wall=wall)


def _values(changed: Sequence[DeviceChange]) -> dict[str, Any]:
    return {change.device: dict(change.values) for change in changed}


async def _rows(connection: Connection, names: Sequence[str]) -> list[Row]:
    rows: list[Row] = await connection.fetch("SELECT * FROM device WHERE id = ANY($1::text[]) ORDER BY id", list(names))
    return rows


async def _keep(
    connection: Connection, identifier: str, created: Sequence[Device], changed: Sequence[DeviceChange], *,
    sheet: DeviceSheet, before: Sequence[Row], after: Sequence[Row], now: datetime, wall: datetime,
) -> None:  # fmt: skip
    """Write the import and what it found in the place of what it wrote."""
    touched = [*before, *after]
    values = {
        "id": identifier, "state": "applied", "version": 1, "file_name": sheet.file_name,
        "file_hash": hashlib.sha256(sheet.body).digest(), "new_count": len(created), "changed_count": len(changed),
        "unchanged_count": sheet.unchanged, "areas": sorted({row["area"] for row in touched if row["area"]}),
        "feeds": sorted({row["feed"] for row in touched}), "log_time": now, "sent_by": sheet.actor, "sent_at": wall,
        "without_area": any(row["area"] is None for row in touched),
    }  # fmt: skip
    await connection.execute(*INSERT_IMPORT(**values))
    found = {row["id"]: {name: row[name] for name in RESTORED} for row in before}
    columns = {change.device: sorted(set(change.values) - {"zone"}) for change in changed}
    lines = [(identifier, row["id"], row["version"], columns.get(row["id"], []), found.get(row["id"])) for row in after]
    await connection.executemany(INSERT_ROW, lines)


async def _change(connection: Connection, change: DeviceChange, now: datetime) -> Row:
    """Change one device and return it as it was."""
    old: Row | None = await connection.fetchrow("SELECT * FROM device WHERE id = $1 FOR UPDATE", change.device)
    if old is None or old["version"] != change.version:
        raise VersionConflictError(f"{change.device} was changed meanwhile: try again")
    await connection.execute(*patch(change.device, plain_values(change.values), now))
    return old
