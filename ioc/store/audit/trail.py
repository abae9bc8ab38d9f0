"""The audit trail: append-only, each row carrying the hash of the one before it.

The chain finds an edit, a deletion inside and a reorder. A cut at the end is found only against anchors (id, hash)
kept elsewhere: :func:`verify_chain` takes them, the keeper writes them (:mod:`ioc.store.audit.anchors`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ioc.domain.event import canonical
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.locks import AdvisoryLock, take_lock

FIRST_HASH = bytes(32)
VERIFY_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, where from, and when: ``now`` is the log's, ``wall`` dates the audit row."""

    name: str
    address: str | None
    now: datetime
    wall: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what, from where. ``detail`` holds JSON without fractions, so that it hashes the same again."""

    actor: str
    action: str
    object: str
    address: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What a check of the chain found; ``broken_at`` is the first row that does not fit, null when all do."""

    checked: int
    last_id: int
    last_hash: bytes
    broken_at: int | None = None
    reason: str = ""


def row_hash(previous: bytes, number: int, log_time: datetime, entry: AuditEntry) -> bytes:
    """Return the SHA-256 of the previous hash and the canonical JSON of the row."""
    moment = log_time.astimezone(UTC).isoformat(timespec="microseconds")
    body = [number, moment, entry.actor, entry.action, entry.object, entry.address, dict(entry.detail)]
    return hashlib.sha256(previous + canonical(body)).digest()


def settle(value: Any) -> Any:
    """Return ``value`` as JSON that PostgreSQL gives back unchanged: fractions, dates and enums become text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): settle(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [settle(part) for part in value]
    return str(value)


async def append_audit(connection: Connection, entry: AuditEntry, now: datetime) -> int:
    """Append one row inside the caller's transaction and return its id.

    The lock is held until the commit: without it two writers would extend the same row and fork the chain.
    """
    await take_lock(connection, AdvisoryLock.AUDIT)
    last = await connection.fetchrow("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")
    number, previous = (last["id"] + 1, last["hash"]) if last else (1, FIRST_HASH)
    settled = AuditEntry(entry.actor, entry.action, entry.object, entry.address, settle(entry.detail))
    await connection.execute(
        "INSERT INTO audit (id, log_time, actor, action, object, address, detail, previous_hash, hash) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        number,
        now,
        settled.actor,
        settled.action,
        settled.object,
        settled.address,
        dict(settled.detail),
        previous,
        row_hash(previous, number, now, settled),
    )
    return int(number)


async def verify_chain(connection: Connection, anchors: Mapping[int, bytes] | None = None) -> AuditVerdict:
    """Compute the whole chain again. ``anchors`` are kept elsewhere: each row must still be there, with its hash."""
    anchors = anchors or {}
    number, previous = 0, FIRST_HASH
    while True:
        rows = await connection.fetch("SELECT * FROM audit WHERE id > $1 ORDER BY id LIMIT $2", number, VERIFY_ROWS)
        if not rows:
            break
        for row in rows:
            reason = _fault(row, number, previous)
            if not reason and anchors.get(row["id"], row["hash"]) != row["hash"]:
                reason = "differs from the anchor"
            if reason:
                return AuditVerdict(number, number, previous, broken_at=row["id"], reason=reason)
            number, previous = row["id"], row["hash"]
    if number < max(anchors, default=0):
        return AuditVerdict(number, number, previous, broken_at=number + 1, reason="the end was cut off")
    return AuditVerdict(number, number, previous)


def _fault(row: Mapping[str, Any], number: int, previous: bytes) -> str:
    if row["id"] != number + 1:
        return f"row {number + 1} is missing"
    if row["previous_hash"] != previous:
        return "does not follow the row before it"
    entry = AuditEntry(row["actor"], row["action"], row["object"], row["address"], row["detail"])
    return "" if row_hash(previous, row["id"], row["log_time"], entry) == row["hash"] else "was edited"


async def read_audit(connection: Connection, *, before: int | None, limit: int) -> list[Mapping[str, Any]]:
    """Return rows, newest first, before an id."""
    rows: list[Mapping[str, Any]] = await connection.fetch(
        "SELECT * FROM audit WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2", before, limit
    )
    return rows
