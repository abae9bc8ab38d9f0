"""The control of the outages: asyncpg's own pool as most programs use it, writing beside the instance.

It has no deadline of its own and keeps a connection for as long as the driver thinks that it lives. So it must hang
after a cut without a word, and must stay with a server that has become read-only.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg

WRITE_PAUSE_SECONDS = 0.1


@dataclass(slots=True)
class NaivePool:
    """What it wrote, and what it was told."""

    written_at: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def wrote_since(self, moment: float) -> bool:
        """Tell whether a write was done after a moment of the monotonic clock."""
        return bool(self.written_at) and self.written_at[-1] > moment

    async def write(self, pool: asyncpg.Pool) -> None:
        """Write again and again until cancelled."""
        while True:
            try:
                await pool.execute("INSERT INTO naive (n) VALUES (1)")
                self.written_at.append(time.monotonic())
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self.errors.append(getattr(error, "sqlstate", None) or type(error).__name__)
            await asyncio.sleep(WRITE_PAUSE_SECONDS)


@contextlib.asynccontextmanager
async def naive(dsn: str) -> AsyncIterator[NaivePool]:
    """Run one that has written already."""
    pool = await asyncpg.create_pool(
        dsn, min_size=1, max_size=1, target_session_attrs="read-write", timeout=10, ssl=False
    )
    made = NaivePool()
    task = asyncio.create_task(made.write(pool))
    try:
        while not made.written_at:  # noqa: ASYNC110 - it writes in a moment
            await asyncio.sleep(0.01)
        yield made
    finally:
        pool.terminate()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
