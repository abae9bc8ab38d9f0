"""What people do with maintenance windows: plan one, change it, end it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any
from uuid import uuid4

from ioc.domain.maintenance.window import MaintenancePlan, MaintenanceState, MaintenanceWindow, Occurrence
from ioc.errors import InvalidInputError, NotFoundError, TransitionError, VersionConflictError
from ioc.store.audit.trail import AuditEntry, Author, append_audit, settle
from ioc.store.maintenance.rows import hold_again, release_devices, window_of, write_window
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.locks import AdvisoryLock, take_lock
from ioc.store.postgres.scope import Scope, Where
from ioc.store.postgres.statement import values_of
from ioc.store.registry.device_changes import EntryAppender, publish_devices

WINDOWS_MAX = 2_000
"""Windows that are not over: what one person can still look through."""
OF = """
SELECT w.*, d.name_vi, d.name_en, d.area, d.zone, d.feed FROM maintenance_window w JOIN device d ON d.id = w.device
"""
STATE = "CASE WHEN w.running_until IS NOT NULL THEN 'running' WHEN w.due_at IS NULL THEN 'over' ELSE 'planned' END"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WindowFilter:
    """Which windows; null does not filter."""

    device: str | None = None
    states: Sequence[str] | None = None
    id: str | None = None


async def list_windows(
    connection: Connection, wanted: WindowFilter, scope: Scope, *, after: tuple[datetime, str] | None, limit: int
) -> list[Row]:
    """Return windows inside the wall, the newest start first."""
    where = Where().scope(scope, area="d.area", zone="d.zone", feed="d.feed").one_of(STATE, wanted.states)
    for column, value in (("w.device", wanted.device), ("w.id", wanted.id)):
        if value is not None:
            where.add(f"{column} = {{}}", value)
    if after is not None:
        where.add("(w.starts_at, w.id) < ({}, {})", *after)
    rows: list[Row] = await connection.fetch(
        f"{OF} WHERE {where.sql} ORDER BY w.starts_at DESC, w.id DESC LIMIT {where.value(limit)}", *where.arguments
    )
    return rows


async def plan_window(database: Database, plan: MaintenancePlan, author: Author, *, zone: tzinfo) -> str:
    """Keep a new window and return its id; the keeper begins it.

    Raises:
        InvalidInputError: it cannot be. TransitionError: the bound on windows.
    """
    due = max(_next(plan, author.now, zone).starts_at, author.now)
    window = MaintenanceWindow(uuid4().hex, plan, 1, author.name, author.now, due)
    async with database.transaction() as connection:
        await take_lock(connection, AdvisoryLock.MAINTENANCE)
        if await connection.fetchval("SELECT count(*) FROM maintenance_window WHERE due_at IS NOT NULL") >= WINDOWS_MAX:
            raise TransitionError(f"there are {WINDOWS_MAX} windows that are not over, which is the bound: end some")
        await write_window(connection, window)
        await _audit(connection, "maintenance.plan", window, author)
    return window.id


async def change_window(
    database: Database, log: EntryAppender, identifier: str, plan: MaintenancePlan, author: Author, *, version: int,
    zone: tzinfo,
) -> None:  # fmt: skip
    """Change a window that is not over. Of one that runs only its end, its repeats and its reason; its devices say so.

    Raises:
        NotFoundError: there is none. VersionConflictError: somebody else was first. InvalidInputError: it cannot be.
        TransitionError: it is over.
    """
    async with database.transaction() as connection:
        old = await _locked(connection, identifier, version)
        made = replace(old, plan=plan, version=old.version + 1)
        if old.state is MaintenanceState.RUNNING:
            fixed = ("device", "starts_at", "with_children")
            moved = next((name for name in fixed if getattr(plan, name) != getattr(old.plan, name)), None)
            if moved is not None:
                raise InvalidInputError("this window runs: end it and plan another", field=moved)
            occurrence = _next(plan, author.now, zone)
            if occurrence.starts_at > author.now:
                raise InvalidInputError("it would end in the past: end it instead", field="ends_at")
            made = replace(made, running_until=occurrence.ends_at, due_at=occurrence.ends_at)
            await write_window(connection, made)
            devices = await hold_again(connection, made, author.now)
            audit = _entry("maintenance.change", made, author)
            await publish_devices(connection, log, devices, audit=audit, now=author.now, wall=author.wall)
            return
        made = replace(made, due_at=max(_next(plan, author.now, zone).starts_at, author.now))
        await write_window(connection, made)
        await _audit(connection, "maintenance.change", made, author)


async def end_window(database: Database, log: EntryAppender, identifier: str, author: Author, *, version: int) -> None:
    """End a window for good: its devices are expected to report again.

    Raises:
        NotFoundError: there is none. VersionConflictError: somebody else was first. TransitionError: it is over.
    """
    async with database.transaction() as connection:
        old = await _locked(connection, identifier, version)
        made = replace(old, version=old.version + 1, due_at=None, running_until=None)
        await write_window(connection, made)
        devices = await release_devices(connection, old, author.now)
        audit = _entry("maintenance.end", made, author)
        await publish_devices(connection, log, devices, audit=audit, now=author.now, wall=author.wall)


def _next(plan: MaintenancePlan, now: datetime, zone: tzinfo) -> Occurrence:
    """Return the time that holds now, else the next one.

    Raises:
        InvalidInputError: the plan cannot be, or has no time left.
    """
    occurrence = plan.next_after(now, zone)
    member, why = plan.fault(now) or ("ends_at", "this window is over already")
    if occurrence is None or plan.fault(now) is not None:
        raise InvalidInputError(why, field=member)
    return occurrence


async def _locked(connection: Connection, identifier: str, version: int) -> MaintenanceWindow:
    row = await connection.fetchrow("SELECT * FROM maintenance_window WHERE id = $1 FOR UPDATE", identifier)
    if row is None:
        raise NotFoundError("no such maintenance window")
    window = window_of(row)
    if window.version != version:
        raise VersionConflictError("somebody else changed this window first, or it has begun or ended meanwhile")
    if window.state is MaintenanceState.OVER:
        raise TransitionError("this window is over: plan another")
    return window


def _entry(action: str, window: MaintenanceWindow, author: Author) -> AuditEntry:
    return AuditEntry(author.name, action, window.id, author.address, settle(values_of(window.plan)))


async def _audit(connection: Connection, action: str, window: MaintenanceWindow, author: Author) -> None:
    await append_audit(connection, _entry(action, window, author), author.wall)
