"""The row of a shift and its history. Call inside a transaction that holds the lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.roster.shift import Shift, ShiftAction, shift_of
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.locks import AdvisoryLock, take_lock
from ioc.store.postgres.statement import insert, upsert

NEXT_NUMBER = "(SELECT coalesce(max(number), 0) + 1 FROM shift_history WHERE shift = :shift)"
NEWEST = "SELECT action, other, body FROM shift_history WHERE shift = $1 ORDER BY number DESC LIMIT 2"


@dataclass(frozen=True, slots=True)
class ShiftStep:
    """Who changes the roster, when, how and why. ``address`` is where they sit."""

    at: datetime
    action: ShiftAction
    why: str
    actor: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class StoredShift:
    """A shift as it stands, also one that was taken out."""

    value: Shift
    version: int
    removed: bool = False


@dataclass(frozen=True, slots=True)
class NewestStep:
    """The newest step of a shift: what it was, with which other shift, and how the shift stood before it."""

    action: ShiftAction
    other: str | None
    before: Shift | None
    """None: it was not there."""


async def lock_roster(connection: Connection) -> None:
    """Wait until nobody else changes the roster; held until the end of the transaction."""
    await take_lock(connection, AdvisoryLock.ROSTER)


async def read_shifts(connection: Connection, ids: Sequence[str]) -> dict[str, StoredShift]:
    """Return shifts by id, also those that were taken out."""
    rows = await connection.fetch("SELECT * FROM shift WHERE id = ANY($1::text[])", list(ids))
    return {row["id"]: stored_of(row) for row in rows}


def stored_of(row: Mapping[str, Any]) -> StoredShift:
    """Return what a row of table `shift` holds."""
    return StoredShift(shift_of(row), row["version"], row["removed"])


async def read_newest(connection: Connection, identifier: str) -> NewestStep | None:
    """Return the newest step of a shift."""
    rows = await connection.fetch(NEWEST, identifier)
    if not rows:
        return None
    body = rows[1]["body"] if len(rows) > 1 else None
    return NewestStep(ShiftAction(rows[0]["action"]), rows[0]["other"], None if body is None else shift_of(body))


async def write_shifts(connection: Connection, stored: Sequence[StoredShift], step: ShiftStep) -> None:
    """Write how shifts stand after a step, and a line of each one's history; of two, each names the other."""
    if not stored:
        return
    others: dict[str, str] = {}
    if step.action is ShiftAction.SWAP:
        one, other = (each.value.id for each in stored)
        others = {one: other, other: one}
    rows = [
        {
            **one.value.columns(), "version": one.version, "removed": one.removed, "changed_at": step.at,
            "changed_by": step.actor, "changed_why": step.why,
        }
        for one in stored
    ]  # fmt: skip
    lines = [
        {
            "shift": one.value.id, "at": step.at, "actor": step.actor, "action": str(step.action), "why": step.why,
            "version": one.version, "other": others.get(one.value.id),
            "body": None if one.removed else one.value.entry(),
        }
        for one in stored
    ]  # fmt: skip
    write = upsert("shift", rows[0], key="id")
    await connection.executemany(write.sql, [write.arguments(**row) for row in rows])
    note = insert("shift_history", (*lines[0], "number"), computed={"number": NEXT_NUMBER})
    await connection.executemany(note.sql, [note.arguments(**line) for line in lines])
