"""Begins and ends silences at their times; part of the keeper.

The state is in the row, so what fell due while nobody looked is made up for at the next look, whoever was killed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ioc.domain.silences.silence import Calendar, Silence
from ioc.runtime.clock import LogClock
from ioc.runtime.due_work import do_due_work
from ioc.runtime.liveness import Beat, no_beat
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.postgres.engine import Database
from ioc.store.silences.rows import silence_of, tell_silence, write_silence

ACTOR = "silence"
NEXT = "SELECT * FROM silence WHERE due_at <= $1 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED"


def at_time(silence: Silence, now: datetime, calendar: Calendar) -> Silence:
    """Return a silence as it stands at a moment: running, waiting for its next time, or over."""
    occurrence = silence.plan.next_after(now, calendar)
    if occurrence is None:
        return replace(silence, due_at=None, running_until=None)
    if occurrence.starts_at > now:
        return replace(silence, due_at=occurrence.starts_at, running_until=None)
    return replace(silence, due_at=occurrence.ends_at, running_until=occurrence.ends_at)


class SilenceSchedule:
    """Looks again and again until cancelled; two of them do no harm, since each locks the silence that it moves."""

    def __init__(
        self, *, database: Database, calendar: Calendar, log_clock: LogClock, wall: LogClock, beat: Beat = no_beat
    ) -> None:
        self._database = database
        self._calendar = calendar
        self._log_clock = log_clock
        self._wall = wall
        self._beat = beat

    async def run(self) -> None:
        """Look every second; an unreachable database is waited for."""
        await do_due_work(self.work, name="silence_schedule", log_clock=self._log_clock, beat=self._beat)

    async def work(self, now: datetime) -> bool:
        """Begin or end the silence that has waited longest for it; return whether there was one."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(NEXT, now)
            if row is None:
                return False
            old = silence_of(row)
            made = replace(at_time(old, now, self._calendar), version=old.version + 1)
            await write_silence(connection, made)
            begun = made.running_until is not None
            if begun or old.running_until is not None:
                action = "silence.begin" if begun else "silence.lapse"
                await append_audit(connection, AuditEntry(ACTOR, action, made.id, None, {}), self._wall.now())
            await tell_silence(connection, made, old, now)
        return True
