"""The quotas of requests: one row for each key or account, filled up evenly, lent in pieces to the processes."""

from __future__ import annotations

from datetime import datetime

from ioc.runtime.request_quota import Loan
from ioc.store.postgres.engine import Database

LOCK = """
INSERT INTO request_quota (policy, name, remaining, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (policy, name) DO UPDATE SET policy = excluded.policy RETURNING remaining, at
"""


class QuotaTable:
    """Lends requests out of table `request_quota`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def borrow(self, policy: str, name: str, *, quota: int, seconds: int, wanted: int, now: datetime) -> Loan:
        """Take up to ``wanted`` requests of a quota that fills up evenly, ``quota`` in ``seconds``."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(LOCK, policy, name, float(quota), now)
            passed = max(0.0, (now - row["at"]).total_seconds())
            remaining = min(float(quota), row["remaining"] + passed * quota / seconds)
            granted = min(wanted, int(remaining))
            remaining -= granted
            await connection.execute(
                "UPDATE request_quota SET remaining = $3, at = greatest(at, $4) WHERE policy = $1 AND name = $2",
                policy, name, remaining, now,
            )  # fmt: skip
        return Loan(granted, remaining, 0.0 if granted else (1.0 - remaining) * seconds / quota)
