"""Telling of changed devices: the log, the doors, the audit trail and the change feed, for every way to change one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Protocol

from ioc.domain.device import Device
from ioc.domain.event import EntryKind
from ioc.store.alerts.reader import open_of_devices
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.changes.writer import ChangeRecord, append_changes
from ioc.store.postgres.engine import Connection
from ioc.store.registry.device_row import device_of
from ioc.store.registry.registry import bump_registry

Row = Mapping[str, Any]


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


async def publish_devices(
    connection: Connection, log: EntryAppender, after: Sequence[Row], before: Sequence[Row] = (), *, audit: AuditEntry,
    now: datetime, wall: datetime, gone: Sequence[Row] = (),
) -> None:  # fmt: skip
    """Tell of devices as they are ``after`` a change, inside the caller's transaction, which has locked their rows.

    ``before`` are those that may have moved, as they were: who sees only that place hears of it too. ``gone`` are those
    that were taken out of the registry. Where no device changed, the audit row alone is written.
    """
    # The order of locks is everywhere the same: devices, log head, registry, audit, change head.
    if after or gone:
        entries: list[tuple[EntryKind, str, Row | None]] = [
            (EntryKind.DEVICE, row["id"], entry_value(device_of(row))) for row in after
        ]
        entries += [(EntryKind.DEVICE, row["id"], None) for row in gone]
        await log.append_entries(connection, entries, now)
        await bump_registry(connection)
    await append_audit(connection, audit, wall)
    versions = {row["id"]: row["version"] for row in after} | {row["id"]: row["version"] + 1 for row in gone}
    places = {(row["id"], row["area"], row["zone"]) for row in (*after, *before, *gone)}
    changes = [
        ChangeRecord(kind="device", id=name, log_time=now, area=area, zone=zone, version=versions[name])
        for name, area, zone in sorted(places, key=str)
    ]
    await append_changes(connection, changes)
    await _tell_of_alerts(connection, [row["id"] for row in (*after, *gone)], now)


async def _tell_of_alerts(connection: Connection, devices: Sequence[str], now: datetime) -> None:
    """Tell of the open alerts of changed devices too: an alert says how its device is called and that it is serviced.

    Asked for under the lock of the change feed: what opened before is found, what opens later is told as it is then.
    """
    alerts = await open_of_devices(connection, devices) if devices else []
    if alerts:
        await append_changes(connection, [ChangeRecord(kind="alert", log_time=now, **alert) for alert in alerts])
