"""What people do with an alert: one transaction with its history, audit row and change. One of two at once wins.

What comes about by itself (:mod:`ioc.store.alerts.shelved`) is written the same way, with nobody as its actor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ioc.domain.alert import Condition
from ioc.domain.contacts.call import Call
from ioc.domain.people.capabilities import Capability
from ioc.domain.severity import Severity
from ioc.errors import NotFoundError, VersionConflictError
from ioc.store.alerts.reader import WORK_OF
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.changes.writer import ChangeRecord, append_changes
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.scope import Scope
from ioc.store.postgres.statement import columns_of, named, update, values_of
from ioc.work.record import WorkDeed, WorkRecord
from ioc.work.transitions import WorkAction, WorkState

READ = """
SELECT a.id, a.condition, a.severity, a.ends, a.area, a.zone, a.feed, a.restricted, a.transitions FROM alert a
WHERE a.id = $1 OR a.number = $1 FOR NO KEY UPDATE
"""
ENSURE = """
INSERT INTO alert_work (alert, state, version, comments, updated_at) VALUES ($1, 'new', 1, 0, $2)
ON CONFLICT (alert) DO NOTHING
"""
HAS_RETURNED = f"SELECT r.returned FROM alert a {WORK_OF} WHERE a.id = $1"  # noqa: S608 - own text
UPDATE = update(
    "alert_work", (*columns_of(WorkRecord), "updated_at"), where="alert = :alert AND version = :seen RETURNING version"
)
HISTORY = named("""
INSERT INTO alert_history (alert, number, at, log_time, kind, actor, text, reason, call, assignee, until)
SELECT :alert, coalesce(max(number), 0) + 1, :at, :at, :kind, :actor, :text, :reason, :call::jsonb, :assignee,
       :until::timestamptz
FROM alert_history WHERE alert = :alert
""")

INCIDENT_OF = "SELECT incident FROM incident_member WHERE alert = $1"


NOBODY = "by itself"
"""In the audit trail, who did what came about by itself; no account can be called that."""


@dataclass(frozen=True, slots=True)
class Work:
    """One action of one person: ``version`` is the one they saw."""

    alert: str
    action: WorkAction
    version: int
    actor: str | None
    text: str | None = None
    address: str | None = None
    call: Call | None = None
    assignee: str | None = None
    until: datetime | None = None
    capabilities: frozenset[Capability] = frozenset()
    """What who does it may do, where that goes by the alert."""
    reason: str | None = None
    """Why it came about by itself, as a word."""

    def deed(self, at: datetime) -> WorkDeed:
        """Return what the record is made of."""
        return WorkDeed(
            action=self.action, actor=self.actor, at=at, text=self.text, call=self.call, assignee=self.assignee,
            until=self.until,
        )  # fmt: skip


async def do_work(database: Database, work: Work, *, scope: Scope, now: datetime, wall: datetime | None = None) -> str:
    """Apply an action and return the alert's id. ``wall`` dates the audit row where the log's ``now`` is a drill's.

    Raises:
        NotFoundError: no such alert inside the wall.
        VersionConflictError: somebody else was first.
        TransitionError: the state or the firing condition forbids it.
        InvalidInputError: an alert that only people end is resolved without its outcome; or a time is out of bounds.
        ForbiddenError: to an alert of this severity, or in this state, they may not do that.
    """
    async with database.transaction() as connection:
        # The engine locks the same row before it writes, so a resolve never races a reopening.
        alert = await connection.fetchrow(READ, work.alert)
        if alert is None or not scope.sees(
            area=alert["area"], zone=alert["zone"], feed=alert["feed"], restricted=alert["restricted"]
        ):
            raise NotFoundError("no such alert")
        await connection.execute(ENSURE, alert["id"], now)
        before = record_of(await connection.fetchrow("SELECT * FROM alert_work WHERE alert = $1", alert["id"]))
        # The version seen counts the condition's moves too: nobody can acknowledge a severity that they have not seen.
        if before.version + alert["transitions"] != work.version:
            raise VersionConflictError("somebody else, or the condition, changed this alert first")
        by_person = alert["ends"] == "person"
        deed = work.deed(now)
        deed.check(ends_by_person=by_person)
        # An alert that only people end can be resolved at any time: treat its condition as over.
        condition = Condition.CLEARED if by_person else Condition(alert["condition"])
        # Judge by what people were shown: an ended alert that came back is new, whatever its columns say.
        returned = bool(await connection.fetchval(HAS_RETURNED, alert["id"]))
        state = WorkState.NEW if returned else before.state
        deed.check_allowed(Severity(alert["severity"]), state, work.capabilities)
        after = before.after(deed, condition=condition, returned=returned)
        told = {"returned": True} if returned else {}
        await write_work(connection, work, alert, before=before, after=after, told=told, now=now, wall=wall or now)
        return str(alert["id"])


async def write_work(
    connection: Connection, work: Work, alert: Any, *, before: WorkRecord, after: WorkRecord, told: Mapping[str, Any],
    now: datetime, wall: datetime,
) -> None:  # fmt: skip
    """Write the record, its line and audit row, then the change, last: its head lock puts positions in commit order.

    Raises:
        VersionConflictError: the record is no longer ``before``.
    """
    statement = UPDATE(**values_of(after), updated_at=now, alert=alert["id"], seen=before.version)
    version = await connection.fetchval(*statement)
    if version is None:
        raise VersionConflictError("somebody else changed this alert first")
    call = None if work.call is None else work.call.entry()
    line = HISTORY(alert=alert["id"], at=now, kind=str(work.action), actor=work.actor, text=work.text, call=call,
                   assignee=work.assignee, until=work.until, reason=work.reason)  # fmt: skip
    await connection.execute(*line)
    # The time in the alert's history and work: the audit row has the wall clock, which differs in a drill.
    detail = {
        "version": version,
        **told,
        "text": work.text,
        "at": now.isoformat(),
        **_told_if("call", call),
        **_told_if("assignee", work.assignee),
        **_told_if("until", None if work.until is None else work.until.isoformat()),
        **_told_if("reason", work.reason),
    }
    entry = AuditEntry(work.actor or NOBODY, f"alert.{work.action}", alert["id"], work.address, detail)
    await append_audit(connection, entry, wall)
    change = ChangeRecord(
        kind="alert",
        id=alert["id"],
        log_time=now,
        area=alert["area"],
        zone=alert["zone"],
        version=version + alert["transitions"],
        restricted=alert["restricted"],
    )
    changes = [change]
    incident = await connection.fetchval(INCIDENT_OF, alert["id"])
    if incident is not None:
        changes.append(replace(change, kind="incident", id=incident))
    await append_changes(connection, changes)


def _told_if(name: str, value: Any) -> dict[str, Any]:
    return {} if value is None else {name: value}


def record_of(row: Any) -> WorkRecord:
    """Return a row of `alert_work` as a value."""
    return WorkRecord(**{**{name: row[name] for name in columns_of(WorkRecord)}, "state": WorkState(row["state"])})
