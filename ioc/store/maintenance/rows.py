"""The row of a maintenance window, and the devices that a running one holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ioc.domain.device import DeviceState
from ioc.domain.maintenance.window import MaintenancePlan, MaintenanceWindow, Repeat
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.statement import columns_of, named, upsert

Row = Mapping[str, Any]
OF_PLAN = columns_of(MaintenancePlan)
OWN = tuple(name for name in columns_of(MaintenanceWindow) if name != "plan")
WRITE = upsert("maintenance_window", (*OWN, *OF_PLAN), key="id")
BELOW_DEPTH_MAX = 8
BELOW = f"""
WITH RECURSIVE below AS (
  SELECT id, 0 AS depth FROM device WHERE id = $1
  UNION
  SELECT d.id, b.depth + 1 FROM device d JOIN below b ON d.parent = b.id WHERE $2 AND b.depth < {BELOW_DEPTH_MAX}
)
SELECT d.* FROM device d WHERE d.id IN (SELECT id FROM below) ORDER BY d.id FOR UPDATE
"""  # noqa: S608 - own number
"""A device, with what is below it where that is asked; parents may stand in a ring."""
HELD = "SELECT * FROM device WHERE maintenance_window = $1 ORDER BY id FOR UPDATE"
STILL = f"""
WITH RECURSIVE above AS (
  SELECT id AS device, id AS at, parent, 0 AS depth FROM device WHERE id = ANY($1::text[])
  UNION
  SELECT a.device, d.id, d.parent, a.depth + 1 FROM above a JOIN device d ON d.id = a.parent
  WHERE a.depth < {BELOW_DEPTH_MAX}
)
SELECT DISTINCT ON (a.device) a.device, w.id AS window
FROM above a JOIN maintenance_window w ON w.device = a.at AND (a.depth = 0 OR w.with_children)
WHERE w.running_until > $2 AND w.id <> $3 ORDER BY a.device, w.running_until DESC
"""  # noqa: S608 - own number
"""Which other window goes on for a device that one lets go: its own, or one of what stands above it."""
SET = named("""
UPDATE device SET state = :state, maintenance_window = :window, version = version + 1, updated_at = :now
WHERE id = ANY(:ids::text[]) RETURNING *
""")


def plan_of(values: Row) -> MaintenancePlan:
    """Return the plan of a row's values."""
    return MaintenancePlan(**{**values, "repeat": Repeat(values["repeat"])})


def window_of(row: Row) -> MaintenanceWindow:
    """Return the window of a row of its table."""
    plan = plan_of({name: row[name] for name in OF_PLAN})
    return MaintenanceWindow(plan=plan, **{name: row[name] for name in OWN})


async def write_window(connection: Connection, window: MaintenanceWindow) -> None:
    """Write a window, in place of what it was."""
    values = {name: getattr(window, name) for name in OWN} | asdict(window.plan)
    await connection.execute(*WRITE(**{**values, "repeat": str(window.plan.repeat)}))


async def hold_devices(connection: Connection, window: MaintenanceWindow, now: datetime) -> list[Row]:
    """Put the devices of a window that begins into maintenance, and return them as they then are.

    What another window holds goes over to the one that ends later; what a person set is left alone.
    """
    found = await connection.fetch(BELOW, window.plan.device, window.plan.with_children)
    others = {row["id"]: row["running_until"] for row in await connection.fetch(
        "SELECT id, running_until FROM maintenance_window WHERE id = ANY($1::text[])",
        [row["maintenance_window"] for row in found if row["maintenance_window"] is not None],
    )}  # fmt: skip
    assert window.running_until is not None, "it begins"
    taken = [
        row["id"] for row in found
        if row["state"] == DeviceState.ACTIVE
        or (row["maintenance_window"] in others and others[row["maintenance_window"]] < window.running_until)
    ]  # fmt: skip
    return await _set(connection, taken, DeviceState.MAINTENANCE, window.id, now)


async def hold_again(connection: Connection, window: MaintenanceWindow, now: datetime) -> list[Row]:
    """Return the devices that a running window holds, each in a new version: what it says of them has changed."""
    ids = [row["id"] for row in await connection.fetch(HELD, window.id)]
    return await _set(connection, ids, DeviceState.MAINTENANCE, window.id, now)


async def release_devices(connection: Connection, window: MaintenanceWindow, now: datetime) -> list[Row]:
    """Let go the devices of a window that ends, and return them as they then are.

    One for which another window goes on stays in maintenance.
    """
    ids = [row["id"] for row in await connection.fetch(HELD, window.id)]
    still = {row["device"]: row["window"] for row in await connection.fetch(STILL, ids, now, window.id)}
    changed = await _set(connection, [name for name in ids if name not in still], DeviceState.ACTIVE, None, now)
    for name, other in still.items():
        changed += await _set(connection, [name], DeviceState.MAINTENANCE, other, now)
    return changed


async def _set(
    connection: Connection, ids: Sequence[str], state: DeviceState, window: str | None, now: datetime
) -> list[Row]:
    if not ids:
        return []
    return list(await connection.fetch(*SET(ids=list(ids), state=str(state), window=window, now=now)))
