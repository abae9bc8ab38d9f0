"""What people did with alerts, held against the audit trail: the work columns, and their lines of the history.

The audit trail's own chain is checked by :func:`ioc.store.audit.trail.verify_chain`; here it is what is believed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from ioc.domain.alert import Condition
from ioc.domain.recorded import ENGINE_KINDS, differing
from ioc.errors import TransitionError
from ioc.store.alerts.work import NOBODY, record_of
from ioc.store.postgres.engine import Connection, Database
from ioc.work.record import WorkDeed, WorkRecord
from ioc.work.transitions import WorkAction

CHUNK = 5_000
PREFIX = "alert."
UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
AUDIT = """
SELECT id, actor, action, object, detail FROM audit WHERE id > $1 AND action LIKE 'alert.%' ORDER BY id LIMIT $2
"""
WORK = "SELECT * FROM alert_work WHERE alert > $1 ORDER BY alert LIMIT $2"
LINES = """
SELECT alert, kind, actor, text, at, number, assignee, until FROM alert_history
WHERE (alert, number) > ($1, $2) AND kind <> ALL($3::text[]) ORDER BY alert, number LIMIT $4
"""
COLUMNS = tuple(each.name for each in fields(WorkRecord))


@dataclass(slots=True)
class RecordedDeed:
    """One action as the audit trail has it. ``at`` is None in rows from before the trail said it."""

    action: str
    actor: str | None
    """None: it came about by itself."""
    text: str | None
    at: datetime | None
    returned: bool = False
    """Whether what people had ended had come back before it."""
    assignee: str | None = None
    until: datetime | None = None


@dataclass(slots=True)
class WorkVerdict:
    """How many alerts somebody worked on, and (alert, what differs) of those whose work the trail does not explain."""

    alerts: int = 0
    differences: list[tuple[str, str]] = field(default_factory=list)


async def verify_work(database: Database) -> WorkVerdict:
    """Hold `alert_work` and people's lines of the history against the audit trail.

    All is read in one snapshot: somebody who acts meanwhile makes no difference.
    """
    async with database.transaction(isolation="repeatable_read", readonly=True) as connection:
        deeds = await _deeds(connection)
        verdict = WorkVerdict(alerts=len(deeds))
        lines = await _lines(connection)
        for alert in sorted(deeds.keys() | lines.keys()):
            verdict.differences += [(alert, line) for line in _compare_lines(lines[alert], deeds[alert])]
        async for row in _work(connection):
            told = compare_record(record_of(row), deeds[row["alert"]])
            verdict.differences += [(row["alert"], line) for line in told]
    return verdict


def compare_record(found: WorkRecord, deeds: Sequence[RecordedDeed]) -> list[str]:
    """Return each work column that the deeds do not explain."""
    record, dated = WorkRecord(), True
    for deed in deeds:
        dated = dated and deed.at is not None
        try:
            # Whether the condition allowed a resolve was decided then; the trail does not keep it, so take it as over.
            done = WorkDeed(action=WorkAction(deed.action), actor=deed.actor, at=deed.at or UNKNOWN, text=deed.text,
                            assignee=deed.assignee, until=deed.until)  # fmt: skip
            record = record.after(done, condition=Condition.CLEARED, returned=deed.returned)
        except (TransitionError, ValueError) as error:
            return [f"the audit trail has {deed.action} by {deed.actor or NOBODY}: {error}"]
    columns = COLUMNS if dated else [name for name in COLUMNS if not name.endswith("_at")]
    return [
        f"work, {line}" for name in columns for line in differing(getattr(found, name), getattr(record, name), name)
    ]


def _compare_lines(found: Sequence[RecordedDeed], deeds: Sequence[RecordedDeed]) -> list[str]:
    if len(found) != len(deeds):
        return [f"the history has {len(found)} lines of people, the audit trail {len(deeds)}"]
    told = []
    for number, (line, deed) in enumerate(zip(found, deeds, strict=True), start=1):
        names = ("action", "actor", "text", "assignee", "until", *(() if deed.at is None else ("at",)))
        told += [
            f"line {number} of people, {said}"
            for name in names
            for said in differing(getattr(line, name), getattr(deed, name), name)
        ]
    return told


async def _deeds(connection: Connection) -> Mapping[str, list[RecordedDeed]]:
    found: dict[str, list[RecordedDeed]] = defaultdict(list)
    after = 0
    while True:
        rows = await connection.fetch(AUDIT, after, CHUNK)
        for row in rows:
            detail = row["detail"]
            at, until = detail.get("at"), detail.get("until")
            found[row["object"]].append(
                RecordedDeed(
                    row["action"].removeprefix(PREFIX),
                    None if row["actor"] == NOBODY else row["actor"],
                    detail.get("text"),
                    None if at is None else datetime.fromisoformat(at),
                    bool(detail.get("returned")),
                    detail.get("assignee"),
                    None if until is None else datetime.fromisoformat(until),
                )
            )
        if len(rows) < CHUNK:
            return found
        after = rows[-1]["id"]


async def _lines(connection: Connection) -> Mapping[str, list[RecordedDeed]]:
    found: dict[str, list[RecordedDeed]] = defaultdict(list)
    after: tuple[Any, ...] = ("", 0)
    while True:
        rows = await connection.fetch(LINES, *after, list(ENGINE_KINDS), CHUNK)
        for row in rows:
            found[row["alert"]].append(
                RecordedDeed(
                    row["kind"], row["actor"], row["text"], row["at"], assignee=row["assignee"], until=row["until"]
                )
            )
        if len(rows) < CHUNK:
            return found
        after = (rows[-1]["alert"], rows[-1]["number"])


async def _work(connection: Connection) -> AsyncIterator[Any]:
    after = ""
    while True:
        rows = await connection.fetch(WORK, after, CHUNK)
        for row in rows:
            yield row
        if len(rows) < CHUNK:
            return
        after = rows[-1]["alert"]
