"""Begins and ends maintenance windows at their times; part of the keeper."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, tzinfo

from ioc.domain.maintenance.window import MaintenanceState, MaintenanceWindow
from ioc.runtime.clock import LogClock
from ioc.runtime.due_work import do_due_work
from ioc.runtime.liveness import Beat, no_beat
from ioc.store.audit.trail import AuditEntry
from ioc.store.maintenance.rows import hold_devices, release_devices, window_of, write_window
from ioc.store.postgres.engine import Database
from ioc.store.registry.device_changes import EntryAppender, publish_devices

ACTOR = "maintenance window"
NEXT = "SELECT * FROM maintenance_window WHERE due_at <= $1 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED"


class MaintenanceSchedule:
    """Looks again and again until cancelled; two of them do no harm, since each locks the window that it moves."""

    def __init__(
        self, *, database: Database, log: EntryAppender, zone: tzinfo, log_clock: LogClock, wall: LogClock,
        beat: Beat = no_beat,
    ) -> None:  # fmt: skip
        self._database = database
        self._log = log
        self._zone = zone
        self._log_clock = log_clock
        self._wall = wall
        self._beat = beat

    async def run(self) -> None:
        """Look every second; an unreachable database is waited for."""
        await do_due_work(self.work, name="maintenance_schedule", log_clock=self._log_clock, beat=self._beat)

    async def work(self, now: datetime) -> bool:
        """Begin or end the window that has waited longest for it; return whether there was one."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(NEXT, now)
            if row is None:
                return False
            window = window_of(row)
            if window.state is MaintenanceState.RUNNING:
                devices = await release_devices(connection, window, now)
                made, action = self._waiting(window, now), "device.maintenance_end"
            else:
                # Of a time that passed while nobody looked, nothing is made up for.
                made, action = self._begun(window, now), "device.maintenance_begin"
                devices = [] if made.running_until is None else await hold_devices(connection, made, now)
            await write_window(connection, made)
            if made.running_until is None and window.running_until is None:
                return True
            detail = {"window": window.id, "devices": [device["id"] for device in devices]}
            audit = AuditEntry(ACTOR, action, window.plan.device, None, detail)
            await publish_devices(connection, self._log, devices, audit=audit, now=now, wall=self._wall.now())
        return True

    def _waiting(self, window: MaintenanceWindow, now: datetime) -> MaintenanceWindow:
        """Return a window that has just ended as it waits for its next time, or is over."""
        occurrence = window.plan.next_after(now, self._zone)
        due = None if occurrence is None else max(occurrence.starts_at, now)
        return replace(window, version=window.version + 1, running_until=None, due_at=due)

    def _begun(self, window: MaintenanceWindow, now: datetime) -> MaintenanceWindow:
        occurrence = window.plan.next_after(now, self._zone)
        if occurrence is None or occurrence.starts_at > now:
            return self._waiting(window, now)
        return replace(window, version=window.version + 1, running_until=occurrence.ends_at, due_at=occurrence.ends_at)
