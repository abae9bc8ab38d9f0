"""Media that go: one that somebody has removed, what nobody attached within a day, what is past its time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ioc.errors import NotFoundError, TransitionError
from ioc.store.alerts.reader import MAY_BE_OPEN, OPEN, WORK_OF
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.media.uploads import lock_media, total_bytes
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.statement import named

UNATTACHED_SPAN = timedelta(days=1)
ROWS_MAX = 1_000
"""Rows that one pass deletes: the next is ten minutes later."""
REMOVE = named("""
UPDATE media SET sha256 = NULL, removed_at = :now, removed_by = :actor WHERE sha256 = :sha256 RETURNING id
""")
FORGET_UNATTACHED = f"""
DELETE FROM media WHERE id IN (
  SELECT id FROM media WHERE event IS NULL AND uploaded_at < $1 ORDER BY uploaded_at LIMIT {ROWS_MAX})
"""  # noqa: S608 - own text
FORGET_OLD = f"""
WITH referred AS MATERIALIZED (
  SELECT (p.value #>> '{{}}')::numeric::bigint AS position
  FROM alert a {WORK_OF} JOIN alert_history h ON h.alert = a.id
  CROSS JOIN LATERAL jsonb_path_query(h.evidence, '$.**.position ? (@.type() == "number")') AS p(value)
  WHERE {MAY_BE_OPEN} AND {OPEN} AND h.evidence IS NOT NULL)
DELETE FROM media WHERE id IN (
  SELECT m.id FROM media m
  WHERE m.event IS NOT NULL AND m.attached_at < $1 AND m.position NOT IN (SELECT position FROM referred)
    AND NOT EXISTS (SELECT 1 FROM event e WHERE e.key = m.event)
  ORDER BY m.attached_at LIMIT {ROWS_MAX})
"""  # noqa: S608 - own text
DROP_UNUSED = f"""
DELETE FROM media_content WHERE sha256 IN (
  SELECT c.sha256 FROM media_content c WHERE NOT EXISTS (SELECT 1 FROM media m WHERE m.sha256 = c.sha256)
  LIMIT {ROWS_MAX})
"""  # noqa: S608 - own text


@dataclass(frozen=True, slots=True)
class MediaPass:
    """What a pass deleted, and the bytes of what is left."""

    deleted: int
    bytes: int


async def remove_medium(database: Database, identifier: str, *, actor: str, reason: str, now: datetime) -> list[str]:
    """Delete the content of a medium for good, and return every id that had it: a picture of a person is gone at once.

    The rows stay, so that an event that refers to it says that it was removed.

    Raises:
        NotFoundError: there is no such medium. TransitionError: it was removed already.
    """
    async with database.transaction() as connection:
        await lock_media(connection)
        row = await connection.fetchrow("SELECT sha256, removed_at FROM media WHERE id = $1", identifier)
        if row is None:
            raise NotFoundError(f"there is no medium {identifier:.40}")
        if row["removed_at"] is not None:
            raise TransitionError("it was removed already")
        rows = await connection.fetch(*REMOVE(sha256=row["sha256"], actor=actor, now=now))
        await connection.execute("DELETE FROM media_content WHERE sha256 = $1", row["sha256"])
        ids = sorted(found["id"] for found in rows)
        detail = {"reason": reason, "media": ids}
        await append_audit(connection, AuditEntry(actor, "media.remove", identifier, None, detail), now)
    return ids


async def trim_media(database: Database, now: datetime, *, keep_days: int) -> MediaPass:
    """Delete what nobody attached within a day and what is past its time; an event or an open alert keeps its media."""
    async with database.transaction() as connection:
        await lock_media(connection)
        deleted = await _count(connection, FORGET_UNATTACHED, now - UNATTACHED_SPAN)
        deleted += await _count(connection, FORGET_OLD, now - timedelta(days=keep_days))
        await connection.execute(DROP_UNUSED)
        left = await total_bytes(connection)
    return MediaPass(deleted, left)


async def _count(connection: Connection, statement: str, before: datetime) -> int:
    status: str = await connection.execute(statement, before)
    return int(status.rsplit(" ", 1)[1])
