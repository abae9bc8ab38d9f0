"""Which nouns of one kind have changed after a position: each once, at its newest change, in the order of changes.

It reads stretches of positions, never the next rows by LIMIT, and a bounded number of them for one answer: a reader
that was away for days is given many pages, and none of them is slow.
"""

from __future__ import annotations

from dataclasses import dataclass

from ioc.store.changes.reader import ChangesPrunedError, change_head
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope, Where

STRETCH_POSITIONS = 20_000
STRETCHES_MAX = 10


@dataclass(frozen=True, slots=True)
class ChangesAfter:
    """What changed: (position, id) in order. ``position`` is how far the reader has come; ``more`` may follow."""

    items: tuple[tuple[int, str], ...]
    position: int
    more: bool


async def read_changed(connection: Connection, kind: str, *, after: int, scope: Scope, limit: int) -> ChangesAfter:
    """Return at most ``limit`` ids whose newest change inside the wall lies after a position.

    A noun that has left the wall is among them, by the change that was written for the place that it left.

    Raises:
        ChangesPrunedError: changes after the position are no longer kept, or the position is not of this database.
    """
    head = await change_head(connection)
    if after > head:
        raise ChangesPrunedError(f"the position {after} is ahead of this instance's {head}")
    newest: dict[str, int] = {}
    position = after
    for _ in range(STRETCHES_MAX):
        if position >= head or len(newest) > limit:
            break
        until = min(head, position + STRETCH_POSITIONS)
        await _check_retention(connection, position, until)
        newest |= await _stretch(connection, kind, after=position, until=until, scope=scope)
        position = until
    items = sorted((place, name) for name, place in newest.items())
    if len(items) > limit:
        items = items[:limit]
        position = items[-1][0]
    return ChangesAfter(tuple(items), position, more=position < head)


async def _check_retention(connection: Connection, after: int, until: int) -> None:
    """Positions have no holes, so a missing row means that retention has passed by."""
    kept = await connection.fetchval("SELECT count(*) FROM change WHERE position > $1 AND position <= $2", after, until)
    if kept != until - after:
        raise ChangesPrunedError(f"changes after {after} are no longer kept")


async def _stretch(connection: Connection, kind: str, *, after: int, until: int, scope: Scope) -> dict[str, int]:
    where = Where().add("position > {} AND position <= {} AND kind = {}", after, until, kind)
    where.scope(scope, area="area", zone="zone", restricted="restricted")
    rows = await connection.fetch(
        f"SELECT id, max(position) AS position FROM change WHERE {where.sql} GROUP BY id",  # noqa: S608 - own text
        *where.arguments,
    )
    return {row["id"]: row["position"] for row in rows}
