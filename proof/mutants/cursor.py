"""The mutant that most change feeds are: positions from a plain sequence, read by a plain cursor.

A position is taken before its commit and without the head row's lock, so a change that commits late appears behind
the readers. The reader's check for holes is away, too: with a plain sequence holes are normal.
"""

from __future__ import annotations

from collections.abc import Sequence

from ioc.store.changes import reader as changes_read
from ioc.store.changes import writer as changes
from ioc.store.changes.reader import ChangeRow
from ioc.store.changes.writer import ChangeRecord
from ioc.store.postgres.engine import Connection


def apply() -> None:
    """Put other bodies into the functions, so that modules which imported them by name have the mutant as well."""
    changes.append_changes.__code__ = append_changes.__code__
    changes_read.read_changes.__code__ = read_changes.__code__
    changes_read.change_head.__code__ = change_head.__code__


async def append_changes(connection: Connection, changes: Sequence[ChangeRecord]) -> int:
    """Number the changes by a sequence; a commit takes its time, as it does on a busy server."""
    from ioc.store.postgres.wakeup import CHANGE_CHANNEL

    insert = (
        "INSERT INTO change (position, log_time, kind, id, area, zone, version, restricted, data) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    )
    await connection.execute("CREATE SEQUENCE IF NOT EXISTS mutant_change")
    head = 0
    for change in changes:
        head = await connection.fetchval("SELECT nextval('mutant_change')")
        await connection.execute(
            insert, head, change.log_time, change.kind, change.id, change.area, change.zone,
            change.version, change.restricted, change.data,
        )  # fmt: skip
    await connection.execute("SELECT pg_sleep(random() / 5)")
    await connection.execute("SELECT pg_notify($1, '')", CHANGE_CHANNEL)
    return head


async def read_changes(connection: Connection, *, after: int, limit: int, until: int | None = None) -> list[ChangeRow]:
    """Read on from a position and trust that nothing comes later before it."""
    from ioc.store.changes.reader import ChangeRow

    rows = await connection.fetch(
        "SELECT position, log_time, kind, id, area, zone, version, restricted, data FROM change "
        "WHERE position > $1 AND ($2::bigint IS NULL OR position <= $2) ORDER BY position LIMIT $3",
        after, until, limit,
    )  # fmt: skip
    return [ChangeRow(**dict(row)) for row in rows]


async def change_head(connection: Connection) -> int:
    """Return the highest position that can be seen."""
    return int(await connection.fetchval("SELECT max(position) FROM change") or 0)
