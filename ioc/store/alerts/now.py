"""How things are with each alert: one row each, written by the engine only, read beside the alert and by the stream.

``written`` numbers the writes in commit order: every writer holds the row of the engine's cursor until its commit.
``change_position`` is the change position after which the row was written, so that a stream that resumes from one
knows which rows its list may not have had.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ioc.domain.alert import AlertNow
from ioc.domain.recorded import NowRow, now_row
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.statement import arrays, arrays_of, columns_of, named, select_list
from ioc.store.postgres.wakeup import CHANGE_CHANNEL
from ioc.store.tables.alerts import alert_now

COLUMNS = tuple(name for name in columns_of(NowRow) if name not in ("rule", "key"))
"""What the engine says of an alert; whose it is, the alert itself says."""
OF_WRITE = ("log_time", "change_position", "written")
WRITE = named(f"""
WITH head AS (SELECT position FROM change_head WHERE id = 1 FOR SHARE), told AS (SELECT pg_notify(:channel::text, ''))
INSERT INTO alert_now ({", ".join((*COLUMNS, *OF_WRITE))})
SELECT {select_list(COLUMNS, of="t")}, :log_time::timestamptz, head.position, nextval('alert_now_written')
FROM head CROSS JOIN told CROSS JOIN {arrays(alert_now, COLUMNS)} JOIN alert a ON a.id = t.alert ORDER BY t.alert
ON CONFLICT (alert) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in (*COLUMNS[1:], *OF_WRITE))}
WHERE alert_now.position <= excluded.position
""")  # noqa: S608 - own names
"""The head is held until the commit: no change comes between it and the rows, so a list that is true at it has them."""
READ = "SELECT alert, written FROM alert_now WHERE written > $1 ORDER BY written LIMIT $2"
READ_SINCE = """
SELECT alert, written FROM alert_now WHERE change_position >= $1 AND written > $2 ORDER BY written LIMIT $3
"""


async def write_alert_nows(connection: Connection, rows: Sequence[AlertNow], log_time: datetime) -> None:
    """Write ``rows`` inside the engine's own transaction, which holds its fence; call it last."""
    if not rows:
        return
    newest = {row.alert_id: row for row in rows}
    told = [now_row(row, rule="", key="") for row in newest.values()]
    await connection.execute(*WRITE(**arrays_of(told, COLUMNS), log_time=log_time, channel=CHANGE_CHANNEL))


async def newest_position(connection: Connection) -> int:
    """Return the number of the newest write."""
    return int(await connection.fetchval("SELECT max(written) FROM alert_now") or 0)


async def read_written(
    connection: Connection, *, after: int, limit: int, since: int | None = None
) -> list[tuple[str, int]]:
    """Return (alert, number) of the writes after a number, oldest first.

    ``since``: only those made at that change position or later.
    """
    if since is None:
        rows = await connection.fetch(READ, after, limit)
    else:
        rows = await connection.fetch(READ_SINCE, since, after, limit)
    return [(row["alert"], row["written"]) for row in rows]
