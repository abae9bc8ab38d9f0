"""Drills that people started here: who, when, how it ended and how it was handled; and reading that from a drill."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from ioc.errors import TransitionError
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.postgres.engine import Connection, Database
from ioc.work.drill_score import DrillAct, DrillAlert
from ioc.work.transitions import WorkAction

Row = Mapping[str, Any]
RUNS_SHOWN_MAX = 100
RUNNING = "running"

INSERT = """
INSERT INTO drill_run (id, scenario, title, speed, starts, ends, started_by, started_at, state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'running')
"""
END = """
UPDATE drill_run SET state = $2, ended_at = $3, problem = $4, score = $5 WHERE id = $1 AND state = 'running'
RETURNING id
"""
OPENED = """
SELECT a.id, a.number, a.rule, a.title, a.peak_severity, h.log_time FROM alert a
JOIN alert_history h ON h.alert = a.id AND h.kind = 'opened' AND h.actor IS NULL ORDER BY h.position
"""
DONE = """
SELECT object, substr(action, 7) AS action, log_time FROM audit WHERE action LIKE 'alert.%' ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class NewRun:
    """A drill about to be started."""

    scenario: str
    title: Mapping[str, str]
    speed: float
    starts: datetime
    ends: datetime
    actor: str
    address: str | None


async def insert_run(database: Database, run: NewRun, now: datetime) -> str:
    """Note that a drill is started, in the audit trail too; return its id.

    Raises:
        TransitionError: another one runs.
    """
    identifier = f"dr_{secrets.token_hex(8)}"
    async with database.transaction() as connection:
        try:
            await connection.execute(
                INSERT, identifier, run.scenario, dict(run.title), run.speed, run.starts, run.ends, run.actor, now
            )
        except asyncpg.UniqueViolationError as error:
            raise TransitionError("a drill runs already: stop it first") from error
        detail = {"scenario": run.scenario, "speed": run.speed}
        await append_audit(connection, AuditEntry(run.actor, "drill.start", identifier, run.address, detail), now)
    return identifier


async def end_run(
    database: Database, identifier: str, *, state: str, problem: str | None, score: Mapping[str, Any] | None,
    actor: str, address: str | None, now: datetime,
) -> None:  # fmt: skip
    """Note how a drill ended; once, whoever else notes it."""
    async with database.transaction() as connection:
        kept = None if score is None else dict(score)
        if await connection.fetchval(END, identifier, state, now, problem, kept):
            detail = {"state": state, "problem": problem}
            await append_audit(connection, AuditEntry(actor, "drill.end", identifier, address, detail), now)


async def running_runs(connection: Connection) -> list[str]:
    """Return the ids of drills that no end was noted of."""
    return [row["id"] for row in await connection.fetch("SELECT id FROM drill_run WHERE state = 'running'")]


async def list_runs(connection: Connection) -> list[Row]:
    """Return the newest drills first, bounded."""
    rows: list[Row] = await connection.fetch(
        "SELECT * FROM drill_run ORDER BY started_at DESC, id LIMIT $1", RUNS_SHOWN_MAX
    )
    return rows


async def read_opened(connection: Connection) -> list[tuple[DrillAlert, datetime]]:
    """Return the alerts of a drill's own database, each with the drill's time at which it was committed.

    ``seen_at`` is that time still: who knows the drill's track puts the real one in its place.
    """
    rows = await connection.fetch(OPENED)
    return [
        (
            DrillAlert(
                id=row["id"], number=row["number"], rule=row["rule"], title=row["title"],
                severity=row["peak_severity"], seen_at=row["log_time"],
            ),
            row["log_time"],
        )
        for row in rows
    ]  # fmt: skip


async def read_acts(connection: Connection) -> list[DrillAct]:
    """Return what people did with alerts in a drill's own database; its audit trail has the wall's time."""
    rows = await connection.fetch(DONE)
    return [DrillAct(row["object"], WorkAction(row["action"]), row["log_time"]) for row in rows]
