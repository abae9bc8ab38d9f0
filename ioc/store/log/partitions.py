"""Partitions: made ahead, dropped when their time is over. The default partition catches what nobody foresaw."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.locks import AdvisoryLock, take_lock

DAYS_AHEAD = 3
MONTHS_AHEAD = 2
MONTHS_BACK = 4
DECEMBER = 12
PASSING = "'event', 'tick', 'gap'"
"""Kinds of entries that may be forgotten; all others are what the registry said, and stay."""
ONLY_PASSING = f"kind IN ({PASSING})"


def month_start(day: date, shift: int = 0) -> date:
    """Return the first day of the month ``shift`` months from ``day``'s."""
    months = day.year * 12 + day.month - 1 + shift
    return date(months // 12, months % 12 + 1, 1)


async def ensure_partitions(
    database: Database, now: datetime, *, keep_from: date = date.min, days_ahead: int = DAYS_AHEAD
) -> int:
    """Make the partitions around ``now`` and return how many were missing.

    None is made that ends by ``keep_from``: retention would drop it again at once.
    """
    today = now.astimezone(UTC).date()
    made = 0
    async with database.connection() as connection:
        for shift in range(-1, days_ahead + 1):
            start = today + timedelta(days=shift)
            made += await _ensure(connection, "event", "log_time", start, start + timedelta(days=1))
        for shift in range(-MONTHS_BACK, MONTHS_AHEAD + 1):
            start, end = month_start(today, shift), month_start(today, shift + 1)
            if end > keep_from:
                made += await _ensure(connection, "event_key", "key_time", start, end)
    return made


async def _ensure(connection: Connection, table: str, column: str, start: date, end: date) -> int:
    """Make one partition. Rows that already sit in the default one move over, in the same transaction."""
    name = f"{table}_{start:%Y%m%d}"
    if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name):
        return 0
    bounds = f"FROM ('{start.isoformat()} 00:00+00') TO ('{end.isoformat()} 00:00+00')"
    inside = f"{column} >= '{start.isoformat()} 00:00+00' AND {column} < '{end.isoformat()} 00:00+00'"
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '5s'")
        # One keeper makes partitions; a second one waits here and then finds the table.
        await take_lock(connection, AdvisoryLock.PARTITIONS)
        if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name):
            return 0
        await connection.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        await connection.execute(
            f"WITH moved AS (DELETE FROM {table}_default WHERE {inside} RETURNING *) "  # noqa: S608 - our own names
            f"INSERT INTO {name} SELECT * FROM moved"
        )
        await connection.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds}")
    return 1


async def drop_partitions(database: Database, *, table: str, before: date) -> list[str]:
    """Drop the partitions of ``table`` that end by ``before``; return their names.

    What the log says of rules, devices, areas and the calendar stays for good, in the default partition: whoever folds
    the kept log from its beginning (an engine after an upgrade, a backtest, a check) must know them.
    """
    dropped = []
    async with database.connection() as connection:
        names = await connection.fetch(
            "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound FROM pg_inherits i "
            "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass ORDER BY 1",
            table,
        )
        for row in names:
            if "TO ('" not in row["bound"]:
                continue
            end = date.fromisoformat(row["bound"].split("TO ('")[1][:10])
            if end <= before:
                if table == "event":
                    await _drop_events(connection, row["relname"])
                else:
                    await connection.execute(f"DROP TABLE {row['relname']}")
                dropped.append(row["relname"])
    return dropped


async def _drop_events(connection: Connection, name: str) -> None:
    """Drop a partition of the log in one transaction with keeping what it says of the registry."""
    async with connection.transaction():
        await connection.execute(
            f"CREATE TEMPORARY TABLE kept_entries ON COMMIT DROP AS "  # noqa: S608 - our own names
            f"SELECT * FROM {name} WHERE kind NOT IN ({PASSING})"
        )
        await connection.execute(f"DROP TABLE {name}")
        await connection.execute("INSERT INTO event SELECT * FROM kept_entries")


async def delete_old(
    database: Database, *, table: str, column: str, before: datetime, rows_max: int = 10_000, only: str = "true"
) -> int:
    """Delete rows of an unpartitioned table older than ``before``, at most ``rows_max``; return how many.

    ``only`` is an SQL condition of our own on the rows that may go.
    """
    async with database.connection() as connection:
        status: str = await connection.execute(
            f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608 - our own names
            f"SELECT ctid FROM {table} WHERE {column} < $1 AND {only} LIMIT {rows_max}))",
            before,
        )
    return int(status.rsplit(" ", 1)[1])
