"""Backtests that people asked for: a short queue, one that runs at a time, and what the newest of each rule found.

The row is the only word between who asks and the process that runs it: progress, heartbeat, the wish to cancel and
the result pass through it, so that a crash of either side leaves a row that says so.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import asyncpg

from ioc.errors import InvalidInputError, NotFoundError, TooManyRequestsError, TransitionError
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.changes.writer import ChangeRecord, append_changes
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.locks import AdvisoryLock, take_lock
from ioc.store.postgres.statement import columns_of, insert, named, values_of

QUEUE_MAX = 8
"""Backtests that wait at once."""
KEPT_MAX = 50
"""Of one rule, the newest."""
STALE_SECONDS = 10.0
"""A running one without a heartbeat for so long has lost its process."""
QUEUE_RETRY_SECONDS = 60
SPAN_MAX = timedelta(days=31 * 366)
"""No record here is older; a day more is a day more in every answer."""
LEFT = "the process that ran it has ended"

Row = Mapping[str, Any]

CLAIM = """
UPDATE backtest SET state = 'running', started_at = $1, beat_at = $1, moves = moves + 1
WHERE id = (SELECT id FROM backtest WHERE state = 'queued' ORDER BY asked_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""
BEAT = named("""
UPDATE backtest SET beat_at = :now, done = :done, total = :total, events_per_second = :events_per_second,
                    moves = moves + 1
WHERE id = :id AND state = 'running' RETURNING *
""")
END = named("""
UPDATE backtest SET state = :state, reason = :reason, result = :result, ended_at = :now, moves = moves + 1,
                    done = CASE WHEN :state = 'done' THEN total ELSE done END
WHERE id = :id AND state IN ('queued', 'running') RETURNING *
""")
PRUNE = """
DELETE FROM backtest WHERE id IN (
    SELECT id FROM backtest WHERE rule = $1 AND state NOT IN ('queued', 'running')
    ORDER BY asked_at DESC, id DESC OFFSET $2)
"""


class BacktestState(StrEnum):
    """How far a backtest is."""

    QUEUED = "queued"
    """It waits for its turn."""
    RUNNING = "running"
    """It reads and folds the log."""
    DONE = "done"
    """Its result is kept."""
    CANCELLED = "cancelled"
    """Somebody stopped it."""
    FAILED = "failed"
    """It ended by itself; the reason is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSubject:
    """What a backtest is of: columns that are written when it is asked for and read ever after."""

    rule: str
    hash: str
    version: int | None
    span_from: datetime
    span_to: datetime
    include_history: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBacktest(BacktestSubject):
    """A backtest about to be asked for. ``present`` is the form beside it: body, hash and version, None for none."""

    body: Mapping[str, Any]
    present: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRow(BacktestSubject):
    """The columns of `backtest` that a list of them shows: neither the forms nor what came of it."""

    id: str
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    state: BacktestState
    moves: int
    done: int
    total: int
    events_per_second: float
    reason: str | None


ASK = insert("backtest", (*columns_of(NewBacktest), "id", "asked_by", "asked_at", "state"))
OF_RULE = f"""
SELECT {", ".join(columns_of(BacktestRow))} FROM backtest
WHERE rule = $1 AND ($2::timestamptz IS NULL OR (asked_at, id) < ($2, $3)) ORDER BY asked_at DESC, id DESC LIMIT $4
"""  # noqa: S608 - our own column names


def checked_span(start: datetime, end: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Return the span, its end not after ``now``.

    Raises:
        InvalidInputError: it is empty, ahead, or too long.
    """
    end = min(end, now)
    if start >= end:
        raise InvalidInputError("`from` must be before `to`, and before now", field="from")
    if end - start > SPAN_MAX:
        raise InvalidInputError(f"a span has at most {SPAN_MAX.days} days", field="from")
    return start.astimezone(UTC), end.astimezone(UTC)


async def ask(database: Database, new: NewBacktest, *, actor: str, address: str | None, now: datetime) -> Row:
    """Put a backtest into the queue, with its audit line; return its row.

    Raises:
        TooManyRequestsError: as many wait as may.
    """
    identifier = f"bt_{secrets.token_hex(8)}"
    async with database.transaction() as connection:
        await take_lock(connection, AdvisoryLock.BACKTESTS)
        waiting = await connection.fetchval("SELECT count(*) FROM backtest WHERE state = 'queued'")
        if waiting >= QUEUE_MAX:
            raise TooManyRequestsError(
                f"{waiting} backtests wait already: cancel one, or ask again when one has ended",
                retry_after_seconds=QUEUE_RETRY_SECONDS,
            )
        await connection.execute(
            *ASK(**values_of(new), id=identifier, asked_by=actor, asked_at=now, state=str(BacktestState.QUEUED))
        )
        detail = {
            "rule": new.rule, "hash": new.hash, "from": new.span_from.isoformat(), "to": new.span_to.isoformat(),
            "include_history": new.include_history,
        }  # fmt: skip
        await append_audit(connection, AuditEntry(actor, "backtest.ask", identifier, address, detail), now)
        row = await get(connection, identifier)
        await append_changes(connection, [_change(row, now)])
    return row


async def claim(database: Database, now: datetime) -> Row | None:
    """Take the one that waits longest, unless another runs; None: there is nothing to do."""
    try:
        async with database.transaction() as connection:
            if await connection.fetchval("SELECT EXISTS (SELECT 1 FROM backtest WHERE state = 'running')"):
                return None
            row: Row | None = await connection.fetchrow(CLAIM, now)
            if row is not None:
                await append_changes(connection, [_change(row, now)])
            return row
    except asyncpg.UniqueViolationError:
        return None  # another keeper was quicker


async def beat(
    database: Database, identifier: str, *, done: int, total: int, events_per_second: float, now: datetime
) -> bool:
    """Say how far it is; return whether it should go on: false once it was cancelled, or ended by somebody else."""
    async with database.transaction() as connection:
        row = await connection.fetchrow(
            *BEAT(id=identifier, now=now, done=done, total=total, events_per_second=events_per_second)
        )
        if row is None:
            return False
        await append_changes(connection, [_change(row, now)])
        return not row["cancel"]


async def end(
    database: Database, identifier: str, state: BacktestState, now: datetime, *, reason: str | None = None,
    result: Mapping[str, Any] | None = None,
) -> bool:  # fmt: skip
    """Note how it ended, once, whoever else notes it; older ones of its rule make room. Return whether this did."""
    async with database.transaction() as connection:
        row = await connection.fetchrow(*END(id=identifier, state=state.value, reason=reason, result=result, now=now))
        if row is None:
            return False
        await connection.execute(PRUNE, row["rule"], KEPT_MAX)
        await append_changes(connection, [_change(row, now)])
        return True


async def ask_cancel(database: Database, identifier: str, *, actor: str, address: str | None, now: datetime) -> Row:
    """Cancel one: at once while it waits, within two seconds while it runs.

    Raises:
        NotFoundError: there is no such backtest.
        TransitionError: it has ended already.
    """
    async with database.transaction() as connection:
        row: Row | None = await connection.fetchrow(
            "UPDATE backtest SET cancel = true, moves = moves + 1, "
            "state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END, "
            "ended_at = CASE WHEN state = 'queued' THEN $2 ELSE ended_at END "
            "WHERE id = $1 AND state IN ('queued', 'running') RETURNING *",
            identifier,
            now,
        )
        if row is None:
            await get(connection, identifier)
            raise TransitionError("it has ended already")
        await append_audit(connection, AuditEntry(actor, "backtest.cancel", identifier, address, {}), now)
        await append_changes(connection, [_change(row, now)])
        return row


async def end_stale(database: Database, now: datetime) -> list[str]:
    """Note the end of running ones whose process has gone without a word; return their ids."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT id FROM backtest WHERE state = 'running' AND beat_at < $1", now - timedelta(seconds=STALE_SECONDS)
        )
    return [row["id"] for row in rows if await end(database, row["id"], BacktestState.FAILED, now, reason=LEFT)]


async def note_watch(database: Database, identifier: str, now: datetime) -> bool:
    """Say that the process of a running one lives; return whether somebody wants it to end."""
    async with database.connection() as connection:
        return bool(
            await connection.fetchval(
                "UPDATE backtest SET beat_at = $2 WHERE id = $1 AND state = 'running' RETURNING cancel", identifier, now
            )
        )


async def is_cancelled(database: Database, identifier: str) -> bool:
    """Tell whether somebody wanted one to end."""
    async with database.connection() as connection:
        return bool(await connection.fetchval("SELECT cancel FROM backtest WHERE id = $1", identifier))


async def get(connection: Connection, identifier: str) -> Row:
    """Return one with its result.

    Raises:
        NotFoundError: there is none.
    """
    row: Row | None = await connection.fetchrow("SELECT * FROM backtest WHERE id = $1", identifier)
    if row is None:
        raise NotFoundError("no such backtest")
    return row


async def list_of_rule(
    connection: Connection, rule: str, *, before: tuple[datetime, str] | None, limit: int
) -> Sequence[Row]:
    """Return those of one rule without their results, the newest first."""
    moment, identifier = before or (None, None)
    rows: Sequence[Row] = await connection.fetch(OF_RULE, rule, moment, identifier, limit)
    return rows


def progress_of(row: Row) -> dict[str, Any]:
    """Return how far a backtest is: positions of the log read, and events a second."""
    done, total = row["done"], row["total"]
    fraction = 1.0 if row["state"] == BacktestState.DONE else (min(done / total, 1.0) if total else 0.0)
    return {
        "done": done,
        "total": total,
        "fraction": round(fraction, 4),
        "events_per_second": round(row["events_per_second"], 1),
    }


def _change(row: Row, now: datetime) -> ChangeRecord:
    data = {"rule": row["rule"], "state": row["state"], "progress": progress_of(row)}
    return ChangeRecord(kind="backtest", id=row["id"], log_time=now, version=row["moves"], data=data)
