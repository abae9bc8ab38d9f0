"""Imports of devices as people read them, and undoing one: what was there before stands again, or nothing changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.device import DeviceState
from ioc.errors import NotFoundError, TransitionError, UndoRefusedError, VersionConflictError
from ioc.store.audit.trail import AuditEntry
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.scope import Scope, Where
from ioc.store.postgres.statement import update
from ioc.store.registry.device_changes import EntryAppender, publish_devices
from ioc.store.registry.device_import import RESTORED, Row

COLUMNS = (
    "id, number, state, version, file_name, new_count, changed_count, unchanged_count, sent_by, sent_at, undone_by, "
    "undone_at, reason"
)
RESTORE = update("device", (*RESTORED, "version", "updated_at"), where="id = :device")
UNDO = (
    "UPDATE device_import SET state = 'undone', version = version + 1, undone_by = $2, undone_at = $3, reason = $4 "
    "WHERE id = $1"
)
CHILDREN = (
    "SELECT DISTINCT parent FROM device WHERE parent = ANY($1::text[]) AND NOT id = ANY($2::text[]) ORDER BY parent"
)
HEARD = """
SELECT name FROM unnest($1::text[]) AS name
WHERE EXISTS (SELECT 1 FROM event e WHERE e.device = name AND e.kind = 'event' AND e.log_time >= $2) ORDER BY name
"""
OBSTACLES = {
    "changed": "it was changed after the import: undo that by hand first",
    "readings": "it is new and has sent readings: set its state to retired instead",
    "children": "it is new and other devices stand below it: change their parent first",
    "maintenance": "it is new and has maintenance windows: take those back first",
    "limits": "it is new and has limits of its own: undo those first",
    "parent": "the device above it, as it was, is no longer registered: register that first",
}
NAMED_MAX = 10


@dataclass(frozen=True, slots=True)
class UndoRequest:
    """Who undoes which import, having seen which version of it, from inside which wall, why, and from where."""

    identifier: str
    version: int
    actor: str
    address: str | None
    scope: Scope
    reason: str


def _inside(where: Where, scope: Scope) -> Where:
    """Add the wall: an import is seen by who sees every device that it touched, as it was and as it became."""
    if scope.areas is not None:
        where.add("NOT without_area AND areas <@ {}::text[]", sorted(scope.areas))
    if scope.hidden_feeds:
        where.add("NOT feeds && {}::text[]", sorted(scope.hidden_feeds))
    return where


async def list_imports(connection: Connection, scope: Scope, *, before: int | None, limit: int) -> Sequence[Row]:
    """Return imports inside the wall, the last one first."""
    where = _inside(Where(), scope)
    if before is not None:
        where.add("number < {}", before)
    sql = f"SELECT {COLUMNS} FROM device_import WHERE {where.sql} ORDER BY number DESC LIMIT {where.value(limit)}"  # noqa: S608 - own text
    rows: Sequence[Row] = await connection.fetch(sql, *where.arguments)
    return rows


async def get_import(connection: Connection, identifier: str, scope: Scope) -> Row | None:
    """Return an import inside the wall without its rows, or None."""
    where = _inside(Where().add("id = {}", identifier), scope)
    sql = f"SELECT {COLUMNS} FROM device_import WHERE {where.sql}"  # noqa: S608 - own text
    row: Row | None = await connection.fetchrow(sql, *where.arguments)
    return row


async def import_rows(connection: Connection, identifier: str) -> Sequence[Row]:
    """Return the devices of an import: whether each was new, else the columns that changed."""
    rows: Sequence[Row] = await connection.fetch(
        "SELECT device, columns, before IS NULL AS new FROM device_import_row WHERE import = $1 ORDER BY device",
        identifier,
    )
    return rows


async def undo_import(
    database: Database, log: EntryAppender, request: UndoRequest, *, now: datetime, wall: datetime
) -> None:
    """Bring back what stood before an import: former values, and without the devices that it registered.

    Raises:
        NotFoundError, VersionConflictError, TransitionError: there is none inside the wall, somebody was first, or it
            is undone. UndoRefusedError: devices of it have moved on; it names them.
    """
    async with database.transaction() as connection:
        found = await connection.fetchrow("SELECT * FROM device_import WHERE id = $1 FOR UPDATE", request.identifier)
        if found is None or await get_import(connection, request.identifier, request.scope) is None:
            raise NotFoundError("no such import")
        if found["version"] != request.version:
            raise VersionConflictError("somebody else was first with this import")
        if found["state"] != "applied":
            raise TransitionError("it is undone already")
        kept = await connection.fetch(
            "SELECT device, version, before FROM device_import_row WHERE import = $1 ORDER BY device",
            request.identifier,
        )
        names = [row["device"] for row in kept]
        devices: dict[str, Row] = {
            row["id"]: row
            for row in await connection.fetch(
                "SELECT * FROM device WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE", names
            )
        }
        obstacles = await _obstacles(connection, kept, devices)
        _refuse(obstacles)
        former = await _former(connection, kept, now)
        for device, before in former.items():
            await connection.execute(
                *RESTORE(**{**before, "version": devices[device]["version"] + 1}, updated_at=now, device=device)
            )
        gone = [devices[row["device"]] for row in kept if row["before"] is None]
        await connection.execute("DELETE FROM device WHERE id = ANY($1::text[])", [row["id"] for row in gone])
        after = await connection.fetch("SELECT * FROM device WHERE id = ANY($1::text[]) ORDER BY id", list(former))
        await connection.execute(UNDO, request.identifier, request.actor, wall, request.reason)
        detail = {"reason": request.reason, "removed": [row["id"] for row in gone], "restored": sorted(former)}
        audit = AuditEntry(request.actor, "device.import_undo", request.identifier, request.address, detail)
        changed = [devices[name] for name in former]
        await publish_devices(connection, log, after, changed, audit=audit, now=now, wall=wall, gone=gone)
        # Only now is the log's head held: no reading of a new device can be committed behind this look.
        heard = await connection.fetch(HEARD, [row["id"] for row in gone], found["log_time"])
        _refuse({"readings": [row["name"] for row in heard]})


async def _former(connection: Connection, kept: Sequence[Row], now: datetime) -> dict[str, dict[str, Any]]:
    """Return changed devices as they were; the maintenance of a window that is over meanwhile is over for them too."""
    former = {row["device"]: dict(row["before"]) for row in kept if row["before"] is not None}
    windows = {before["maintenance_window"] for before in former.values()} - {None}
    running = await connection.fetch(
        "SELECT id FROM maintenance_window WHERE id = ANY($1::text[]) AND running_until > $2", sorted(windows), now
    )
    ended = windows - {row["id"] for row in running}
    for before in former.values():
        if before["maintenance_window"] in ended:
            before |= {"maintenance_window": None, "state": str(DeviceState.ACTIVE)}
    return former


async def _obstacles(
    connection: Connection, kept: Sequence[Row], devices: Mapping[str, Row]
) -> dict[str, Sequence[str]]:
    """Return the devices for which undoing is refused, by why."""
    names = [row["device"] for row in kept]
    new = [row["device"] for row in kept if row["before"] is None]
    changed = [row["device"] for row in kept
               if row["device"] not in devices or devices[row["device"]]["version"] != row["version"]]  # fmt: skip
    children = await connection.fetch(CHILDREN, new, names)
    limits = await connection.fetch(
        "SELECT DISTINCT device FROM dated_limit WHERE device = ANY($1::text[]) AND NOT removed", new
    )
    windows = await connection.fetch(
        "SELECT DISTINCT device FROM maintenance_window WHERE device = ANY($1::text[]) ORDER BY device", new
    )
    above = {row["device"]: row["before"]["parent"] for row in kept if row["before"] and row["before"]["parent"]}
    standing = await connection.fetch("SELECT id FROM device WHERE id = ANY($1::text[])", sorted(set(above.values())))
    there = {row["id"] for row in standing} - set(new)
    return {
        "changed": changed,
        "children": [row["parent"] for row in children],
        "limits": [row["device"] for row in limits],
        "maintenance": [row["device"] for row in windows],
        "parent": sorted(device for device, parent in above.items() if parent not in there),
    }


def _refuse(obstacles: Mapping[str, Sequence[str]]) -> None:
    """Refuse an undo that something stands against.

    Raises:
        UndoRefusedError: something does.
    """
    told = [
        {"field": device, "code": code, "message": OBSTACLES[code]}
        for code, found in obstacles.items()
        for device in found
    ]
    if told:
        named = ", ".join(f"{one['field']} ({one['code']})" for one in told[:NAMED_MAX])
        more = f" and {len(told) - NAMED_MAX} more" if len(told) > NAMED_MAX else ""
        raise UndoRefusedError(f"nothing was undone: {named}{more}", obstacles=told)
