"""Dead letters as people read them: what was refused, why, and its raw bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where

Row = Mapping[str, Any]
PLACED = """
dead_letter l LEFT JOIN device d ON d.id = l.device
"""
COLUMNS = (
    "l.id, l.log_time, l.received_at, l.door, l.feed, l.device, l.topic, l.content_type, l.reason, l.detail, l.raw, "
    "l.raw_bytes, l.released_at, l.released_by"
)


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Which dead letters; null does not filter."""

    feeds: Sequence[str] | None = None
    devices: Sequence[str] | None = None
    reasons: Sequence[str] | None = None


async def list_dead_letters(
    connection: Connection, chosen: DeadLetterFilter, scope: Scope, *, before: int | None, limit: int
) -> list[Row]:
    """Return dead letters, newest first. One whose place is unknown is inside no wall but the whole."""
    where = Where().scope(scope, area="coalesce(l.area, d.area)", zone="d.zone", feed="l.feed")
    where.one_of("l.feed", chosen.feeds).one_of("l.device", chosen.devices).one_of("l.reason", chosen.reasons)
    if before is not None:
        where.add("l.id < {}", before)
    rows: list[Row] = await connection.fetch(
        f"SELECT {COLUMNS} FROM {PLACED} WHERE {where.sql} ORDER BY l.id DESC LIMIT {where.value(limit)}",  # noqa: S608 - own text
        *where.arguments,
    )
    return rows
