"""Merges what the roll-ups have counted of each source, in their transaction; and drops what is past its time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.statement import named
from ioc.store.quality.steps import DAYS_KEPT, HOURS_KEPT, STEP_1D, STEP_1H, day_of

COUNTS = (
    "stored", "released", "history", "late", "suspect", "clock_fault", "skewed", "measured", "lags", "lag_sum",
)  # fmt: skip
_ADDED = ", ".join(f"{name} = l.{name} + excluded.{name}" for name in COUNTS)
_SUMS = ", ".join(f"sum(u.{name})" for name in COUNTS)
_ARRAYS = ", ".join(f":{name}::{'float8' if name == 'lag_sum' else 'bigint'}[]" for name in COUNTS)
MERGE = named(f"""
INSERT INTO source_ledger AS l (feed, device, step, bucket, {", ".join(COUNTS)}, lag_min, lag_max)
SELECT u.feed, coalesce(d.id, ''), u.step, u.bucket, {_SUMS}, min(u.lag_min), max(u.lag_max)
FROM unnest(:feeds::text[], :devices::text[], :steps::int[], :buckets::timestamptz[], {_ARRAYS}, :lag_min::float8[],
            :lag_max::float8[]) AS u(feed, device, step, bucket, {", ".join(COUNTS)}, lag_min, lag_max)
LEFT JOIN device d ON d.id = u.device
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
ON CONFLICT (feed, device, step, bucket) DO UPDATE SET {_ADDED},
    lag_min = least(l.lag_min, excluded.lag_min), lag_max = greatest(l.lag_max, excluded.lag_max)
""")  # noqa: S608 - own names
"""A device that is not registered has no row of its own: some feeds take any name, and the registry bounds the table.

least and greatest pass over null.
"""
LEAVE = f"""
WITH gone AS (DELETE FROM source_ledger WHERE device = $1 RETURNING *)
INSERT INTO source_ledger AS l (feed, device, step, bucket, {", ".join(COUNTS)}, lag_min, lag_max)
SELECT feed, '', step, bucket, {", ".join(COUNTS)}, lag_min, lag_max FROM gone ORDER BY 1, 2, 3, 4
ON CONFLICT (feed, device, step, bucket) DO UPDATE SET {_ADDED},
    lag_min = least(l.lag_min, excluded.lag_min), lag_max = greatest(l.lag_max, excluded.lag_max)
"""  # noqa: S608 - own names
LOCK_INTAKE = """
SELECT 1 FROM intake_ledger WHERE device IN ('', $1) AND feed IN (SELECT feed FROM intake_ledger WHERE device = $1)
ORDER BY feed, device, step, bucket FOR UPDATE
"""
"""In the order in which the doors lock them."""
LEAVE_INTAKE = """
WITH gone AS (DELETE FROM intake_ledger WHERE device = $1 RETURNING *)
INSERT INTO intake_ledger AS l (feed, device, step, bucket, duplicate, refused, not_kept)
SELECT feed, '', step, bucket, duplicate, refused, not_kept FROM gone ORDER BY 1, 2, 3, 4
ON CONFLICT (feed, device, step, bucket) DO UPDATE SET duplicate = l.duplicate + excluded.duplicate,
    refused = l.refused + excluded.refused, not_kept = l.not_kept + excluded.not_kept
"""
TRIM = """
DELETE FROM {} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {} WHERE step = $1 AND bucket < $2 LIMIT 10000))
"""


class SourceCounts(Protocol):
    """What the roll-up room has counted of one source in one hour, by shape."""

    @property
    def lag_min(self) -> float | None:
        """The shortest lag in seconds; below zero: its clock is ahead."""
        ...

    @property
    def lag_max(self) -> float | None:
        """The longest."""
        ...


Key = tuple[str, str, datetime]
"""(feed, device, the hour's begin)."""


async def merge_sources(connection: Connection, ledger: Mapping[Key, SourceCounts]) -> None:
    """Add the counts of a stretch of the log to hours and days."""
    if not ledger:
        return
    rows = [
        (feed, device, step, bucket, counts)
        for (feed, device, hour), counts in ledger.items()
        for step, bucket in ((STEP_1H, hour), (STEP_1D, day_of(hour)))
    ]
    await connection.execute(
        *MERGE(
            feeds=[row[0] for row in rows],
            devices=[row[1] for row in rows],
            steps=[row[2] for row in rows],
            buckets=[row[3] for row in rows],
            lag_min=[row[4].lag_min for row in rows],
            lag_max=[row[4].lag_max for row in rows],
            **{name: [getattr(row[4], name) for row in rows] for name in COUNTS},
        )
    )


async def leave_accounts(connection: Connection, device: str) -> None:
    """Count what a device had sent that has left the registry with all that are not registered: no count is lost."""
    await connection.execute(LEAVE, device)
    await connection.execute(LOCK_INTAKE, device)
    await connection.execute(LEAVE_INTAKE, device)


async def trim_ledgers(database: Database, now: datetime) -> int:
    """Delete hours and days past their time, at most ten thousand of each, and return how many."""
    deleted = 0
    for table in ("source_ledger", "intake_ledger"):
        for step, kept in ((STEP_1H, HOURS_KEPT), (STEP_1D, DAYS_KEPT)):
            async with database.connection() as connection:
                status: str = await connection.execute(TRIM.format(table, table), step, now - kept)
            deleted += int(status.rsplit(" ", 1)[1])
    return deleted
