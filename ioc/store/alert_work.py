"""What people do with an alert: one transaction with its history, audit row and change. One of two at once wins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.alert import Condition, WorkAction, WorkState, next_work_state
from ioc.errors import NotFoundError, VersionConflictError
from ioc.store.audit import AuditEntry, append_audit
from ioc.store.changes import Change, append_changes
from ioc.store.engine import Connection, Database
from ioc.store.scope import Scope

READ = """
SELECT a.id, a.condition, a.area, a.zone, a.feed, a.restricted FROM alert a
WHERE a.id = $1 OR a.number = $1 FOR NO KEY UPDATE
"""
ENSURE = """
INSERT INTO alert_work (alert, state, version, comments, updated_at) VALUES ($1, 'new', 1, 0, $2)
ON CONFLICT (alert) DO NOTHING
"""
UPDATE = """
UPDATE alert_work SET state = $3, owner = $4, version = version + 1, acknowledged_at = $5, acknowledged_by = $6,
  resolved_at = $7, resolved_by = $8, comments = $9, updated_at = $10
WHERE alert = $1 AND version = $2 RETURNING version
"""
HISTORY = """
INSERT INTO alert_history (alert, number, at, log_time, kind, actor, text)
SELECT $1, coalesce(max(number), 0) + 1, $2, $2, $3, $4, $5 FROM alert_history WHERE alert = $1
"""


@dataclass(frozen=True, slots=True)
class Work:
    """One action of one person: ``version`` is the one they saw."""

    alert: str
    action: WorkAction
    version: int
    actor: str
    text: str | None = None
    address: str | None = None


async def do_work(database: Database, work: Work, *, scope: Scope, now: datetime, wall: datetime | None = None) -> str:
    """Apply an action and return the alert's id. ``wall`` dates the audit row where the log's ``now`` is a drill's.

    Raises:
        NotFoundError: no such alert inside the wall.
        VersionConflictError: somebody else was first.
        TransitionError: the state or the firing condition forbids it.
    """
    async with database.transaction() as connection:
        # The engine locks the same row before it writes, so a resolve never races a reopening.
        alert = await connection.fetchrow(READ, work.alert)
        if alert is None or not scope.sees(
            area=alert["area"], zone=alert["zone"], feed=alert["feed"], restricted=alert["restricted"]
        ):
            raise NotFoundError("no such alert")
        await connection.execute(ENSURE, alert["id"], now)
        now_work = await connection.fetchrow("SELECT * FROM alert_work WHERE alert = $1", alert["id"])
        if now_work["version"] != work.version:
            raise VersionConflictError("somebody else changed this alert first")
        state = next_work_state(WorkState(now_work["state"]), work.action, Condition(alert["condition"]))
        version = await connection.fetchval(UPDATE, alert["id"], work.version, *_columns(now_work, work, state, now))
        if version is None:
            raise VersionConflictError("somebody else changed this alert first")
        await _record(connection, work, alert, version, now, wall or now)
        return str(alert["id"])


async def _record(connection: Connection, work: Work, alert: Any, version: int, now: datetime, wall: datetime) -> None:
    """Write the history and audit rows, then the change, last: its head lock puts positions in commit order."""
    await connection.execute(HISTORY, alert["id"], now, str(work.action), work.actor, work.text)
    detail = {"version": version, "text": work.text}
    entry = AuditEntry(work.actor, f"alert.{work.action}", alert["id"], work.address, detail)
    await append_audit(connection, entry, wall)
    change = Change(
        kind="alert",
        id=alert["id"],
        log_time=now,
        area=alert["area"],
        zone=alert["zone"],
        version=version,
        restricted=alert["restricted"],
    )
    await append_changes(connection, [change])


def _columns(row: Any, work: Work, state: WorkState, now: datetime) -> tuple[Any, ...]:
    """Return state, owner, acknowledged_at/_by, resolved_at/_by, comments, updated_at after the action."""
    owner, comments = row["owner"], row["comments"] + bool(work.text)
    acknowledged = (row["acknowledged_at"], row["acknowledged_by"])
    resolved = (row["resolved_at"], row["resolved_by"])
    if work.action is WorkAction.ACKNOWLEDGE:
        owner, acknowledged = work.actor, (now, work.actor)
    elif work.action is WorkAction.RESOLVE:
        owner, resolved = owner or work.actor, (now, work.actor)
    elif work.action is WorkAction.REOPEN:
        owner, acknowledged, resolved = None, (None, None), (None, None)
    return (str(state), owner, *acknowledged, *resolved, comments, now)
