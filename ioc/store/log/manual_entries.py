"""Writing what people enter: the event, who made it and the audit row in one transaction. One of two at once wins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from ioc.domain.event import Flag, Message, Outcome, Receipt
from ioc.domain.manual_entry import DOOR, EntryChange, ManualAction, manual_message, taken_back
from ioc.errors import NotFoundError, TransitionError, VersionConflictError
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.log.reader import COLUMNS
from ioc.store.media.attachments import attach
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.scope import Scope
from ioc.store.postgres.statement import named

ENTERED = "SELECT EXISTS (SELECT 1 FROM manual_entry WHERE event = $1)"
KNOWN = "SELECT event FROM manual_entry WHERE submission = $1"
REVISIONS = f"SELECT {COLUMNS} FROM event WHERE key = $1 AND kind = 'event' ORDER BY revision DESC"  # noqa: S608 - own text
HEAD = "SELECT position FROM log_head WHERE id = 1 FOR UPDATE"
INSERT = named("""
INSERT INTO manual_entry (event, revision, position, log_time, submission, action, actor, reason, feed, area, zone)
SELECT :event, e.revision, e.position, e.log_time, :submission, :action, :actor, :reason, e.feed, e.area, e.zone
FROM event e WHERE e.key = :event AND e.position = :position
RETURNING revision
""")


class MessageAppender(Protocol):
    """What of the log this room needs."""

    async def append_messages(
        self, connection: Connection, messages: Sequence[Message], now: datetime
    ) -> list[Receipt]:
        """Append messages inside the caller's transaction."""
        ...


async def enter(
    database: Database, log: MessageAppender, message: Message, change: EntryChange, *, now: datetime, wall: datetime
) -> tuple[bytes, bool]:
    """Store a reading that a person entered and return its key, and whether it is new: it may have been sent before.

    On return it is committed. ``wall`` dates the audit row where the log's ``now`` is a drill's.

    Raises:
        InvalidFieldsError: an attachment is not there.
    """
    async with database.transaction() as connection:
        # With the head's lock ours nobody enters the same submission between this look and our own.
        await connection.execute(HEAD)
        known = await connection.fetchval(KNOWN, change.submission)
        if known is not None:
            return bytes(known), False
        entered = manual_message(message, number=0, nonce=change.submission or "")
        await _append(connection, log, entered, change, now, wall)
        return message.key, True


async def correct(
    database: Database, log: MessageAppender, message: Message, change: EntryChange, *, seen: int, scope: Scope,
    now: datetime, wall: datetime,
) -> None:  # fmt: skip
    """Give an entry other values: ``message`` has its key, time and place; ``seen`` is the revision that was read.

    Raises:
        NotFoundError: no such entry inside the wall.
        VersionConflictError: somebody else was first.
        TransitionError: it was taken back.
        InvalidFieldsError: an attachment is not there, or they are too many.
    """
    async with database.transaction() as connection:
        rows = await _revisions(connection, message.key, seen=seen, scope=scope)
        revised = manual_message(message, number=rows[0]["revision"] + 1, nonce=f"{change.actor} {now.isoformat()}")
        await _append(connection, log, revised, change, now, wall)


async def withdraw(
    database: Database, log: MessageAppender, event: bytes, change: EntryChange, *, seen: int, scope: Scope,
    now: datetime, wall: datetime,
) -> None:  # fmt: skip
    """Take an entry back: a revision without values, which names the revisions that it takes back.

    Raises:
        NotFoundError, VersionConflictError, TransitionError: as :func:`correct`.
    """
    async with database.transaction() as connection:
        rows = await _revisions(connection, event, seen=seen, scope=scope)
        positions = sorted(row["position"] for row in rows)
        message = taken_back(rows[0], positions, now=now, nonce=f"{change.actor} {now.isoformat()}")
        await _append(connection, log, message, change, now, wall)


async def _revisions(connection: Connection, event: bytes, *, seen: int, scope: Scope) -> list[Any]:
    """Return the revisions of an entry, newest first, with the log's head locked: none is added meanwhile."""
    await connection.execute(HEAD)
    rows: list[Any] = await connection.fetch(REVISIONS, event)
    # An import of figures comes by the same door, and is undone as a whole: nobody entered one of its events.
    if not rows or rows[0]["door"] != DOOR or not await connection.fetchval(ENTERED, event):
        raise NotFoundError("no such entry")
    newest = rows[0]
    if not scope.sees(area=newest["area"], zone=newest["zone"], feed=newest["feed"]):
        raise NotFoundError("no such entry")
    if newest["revision"] != seen:
        raise VersionConflictError("somebody else corrected this entry first")
    if Flag.WITHDRAWN in newest["flags"]:
        raise TransitionError("it was taken back: enter it anew")
    return rows


async def _append(
    connection: Connection, log: MessageAppender, message: Message, change: EntryChange, now: datetime, wall: datetime
) -> None:
    """Append the event, then who made it, then the audit row: the order of locks is everywhere the same."""
    (receipt,) = await log.append_messages(connection, [message], now)
    assert receipt.outcome is Outcome.STORED, "a person's revision is like no other"
    statement = INSERT(
        event=message.key,
        position=receipt.position,
        submission=change.submission if change.action is ManualAction.ENTERED else None,
        action=str(change.action),
        actor=change.actor,
        reason=change.reason,
    )
    revision = await connection.fetchval(*statement)
    assert receipt.position is not None, "what is stored has a position"
    await attach(
        connection, change.media, event=message.key, position=receipt.position, uploader=change.actor, now=wall
    )
    # No values: an entry may speak of people, and what the trail says stays for good.
    detail: dict[str, Any] = {"feed": message.feed, "device": message.device, "revision": revision}
    if change.media:
        detail["media"] = list(change.media)
    audit = AuditEntry(change.actor, f"manual.{change.action}", message.key.hex(), change.address, detail)
    await append_audit(connection, audit, wall)
