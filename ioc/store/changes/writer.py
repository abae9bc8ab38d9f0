"""The change feed: every change of a noun that people see, at commit-ordered positions.

Call :func:`append_changes` LAST in a transaction: it locks the head row until the commit, and that lock is what
puts positions in commit order. Streams and district systems read only this table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.store.postgres.engine import Connection
from ioc.store.postgres.wakeup import CHANGE_CHANNEL


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One change: ``kind`` is alert, device, report, ...; ``version`` that of the noun after it."""

    kind: str
    id: str
    log_time: datetime
    area: str | None = None
    zone: str | None = None
    version: int = 0
    restricted: bool = False
    data: dict[str, Any] | None = None


APPEND = """
WITH head AS (UPDATE change_head SET position = position + $1 WHERE id = 1 RETURNING position),
told AS (SELECT pg_notify($2, '')), added AS (
  INSERT INTO change (position, log_time, kind, id, area, zone, version, restricted, data)
  SELECT head.position - $1 + o, t.log_time, t.kind, t.id, t.area, t.zone, t.version, t.restricted, t.data
  FROM head CROSS JOIN told CROSS JOIN unnest(
    $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bool[], $10::jsonb[]
  ) WITH ORDINALITY AS t(log_time, kind, id, area, zone, version, restricted, data, o)
)
SELECT position FROM head
"""


async def append_changes(connection: Connection, changes: Sequence[ChangeRecord]) -> int:
    """Append ``changes`` inside the caller's transaction and return the last position."""
    position: int = await connection.fetchval(
        APPEND,
        len(changes),
        CHANGE_CHANNEL,
        [change.log_time for change in changes],
        [change.kind for change in changes],
        [change.id for change in changes],
        [change.area for change in changes],
        [change.zone for change in changes],
        [change.version for change in changes],
        [change.restricted for change in changes],
        [change.data for change in changes],
    )
    return position
