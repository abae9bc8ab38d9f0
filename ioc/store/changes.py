"""The change feed: every change of a noun that people see, at commit-ordered positions.

Call :func:`append_changes` LAST in a transaction: it locks the head row until the commit, and that lock is what
puts positions in commit order. Streams and district systems read only this table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.store.engine import Connection
from ioc.store.wakeup import CHANGE_CHANNEL


@dataclass(frozen=True, slots=True)
class Change:
    """One change: ``kind`` is alert, device, report, ...; ``version`` that of the noun after it."""

    kind: str
    id: str
    log_time: datetime
    area: str | None = None
    zone: str | None = None
    version: int = 0
    restricted: bool = False
    data: dict[str, Any] | None = None


INSERT = """
INSERT INTO change (position, log_time, kind, id, area, zone, version, restricted, data)
SELECT $1::bigint + o, t.log_time, t.kind, t.id, t.area, t.zone, t.version, t.restricted, t.data
FROM unnest($2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bool[], $9::jsonb[])
     WITH ORDINALITY AS t(log_time, kind, id, area, zone, version, restricted, data, o)
"""


async def append_changes(connection: Connection, changes: Sequence[Change]) -> int:
    """Append ``changes`` inside the caller's transaction and return the last position."""
    head: int = await connection.fetchval(
        "UPDATE change_head SET position = position + $1 WHERE id = 1 RETURNING position", len(changes)
    )
    if changes:
        await connection.execute(
            INSERT,
            head - len(changes),
            [change.log_time for change in changes],
            [change.kind for change in changes],
            [change.id for change in changes],
            [change.area for change in changes],
            [change.zone for change in changes],
            [change.version for change in changes],
            [change.restricted for change in changes],
            [change.data for change in changes],
        )
        await connection.execute("SELECT pg_notify($1, '')", CHANGE_CHANNEL)
    return head
