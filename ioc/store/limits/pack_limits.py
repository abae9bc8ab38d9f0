"""Limits of the pack: what it brings, changes or no longer has; one that the site wrote is never overwritten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.domain.dated.row import RowAction, RowOrigin
from ioc.domain.event import EntryKind
from ioc.domain.rules.limit_row import LimitRow, row_of_entry
from ioc.store.dated.rows import LogEntry, RowStep, StoredRow, lock_rows, read_rows, write_rows
from ioc.store.limits.kind import LIMITS
from ioc.store.postgres.engine import Connection


@dataclass(frozen=True, slots=True)
class LimitsTaken:
    """What of a pack's limits came into force."""

    limits: Sequence[StoredRow[LimitRow]]

    def entries(self) -> list[LogEntry]:
        """Return what the log says of them."""
        return [limit.log_entry(EntryKind.LIMIT) for limit in self.limits]

    async def note(self, connection: Connection, positions: Mapping[str, int], now: datetime) -> None:
        """Write them, once the log has them; ``positions`` by id."""
        step = RowStep(now, RowAction.PACK, "")
        await write_rows(connection, LIMITS, self.limits, step, [positions[one.row.id] for one in self.limits])


async def take_limits(connection: Connection, bodies: Sequence[Mapping[str, Any]], gone: Sequence[str]) -> LimitsTaken:
    """Return what of the pack's new limits, and of those that it no longer has, comes into force."""
    await lock_rows(connection, LIMITS)
    rows = [row_of_entry(body) for body in bodies]
    old = await read_rows(connection, LIMITS, [*(row.id for row in rows), *gone])
    made = [made for row in rows if (made := _taken(row, old.get(row.id))) is not None]
    for identifier in gone:
        limit = old.get(identifier)
        if limit is not None and limit.origin is RowOrigin.PACK and not limit.removed:
            made.append(StoredRow(limit.row, limit.version + 1, removed=True, origin=RowOrigin.PACK))
    return LimitsTaken(made)


def _taken(row: LimitRow, old: StoredRow[LimitRow] | None) -> StoredRow[LimitRow] | None:
    """Return the pack's form of a limit where it counts: nobody of the site wrote another or took it out."""
    if old is None:
        return StoredRow(row, 1, origin=RowOrigin.PACK)
    if old.row == row and not old.removed:
        return None
    return StoredRow(row, old.version + 1, origin=RowOrigin.PACK) if old.origin is RowOrigin.PACK else None
