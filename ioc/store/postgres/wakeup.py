"""Wake-ups: NOTIFY only says that there is something to read; polling decides. A lost one costs one poll."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self

import asyncpg

from ioc.errors import StoreUnavailableError
from ioc.store.postgres.engine import UNREACHABLE, Database

LOG_CHANNEL = "ioc_log"
CHANGE_CHANNEL = "ioc_change"
REGISTRY_CHANNEL = "ioc_registry"
MQTT_CHANNEL = "ioc_mqtt"
RETRY_SECONDS = 1.0
PROBE_SECONDS = 10.0
"""A listener only waits, so a line that was cut without a word would never be noticed: it asks this often."""


class Wakeup:
    """Listens on one channel with its own connection; without it every wait is a plain poll."""

    def __init__(self, database: Database, channel: str) -> None:
        self._database = database
        self._channel = channel
        self._event = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._listen(), name=f"wakeup-{self._channel}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self) -> None:
        while True:
            try:
                connection = await self._database.connect()
            except StoreUnavailableError:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            try:
                gone = asyncio.Event()
                connection.add_termination_listener(lambda *_: gone.set())  # noqa: B023 - called for this connection only
                await connection.add_listener(self._channel, lambda *_: self._event.set())
                self._event.set()
                while not gone.is_set():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(PROBE_SECONDS):
                            await gone.wait()
                    if not gone.is_set():
                        await connection.fetchval("SELECT 1")
            except (*UNREACHABLE, asyncpg.PostgresError):
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                connection.terminate()

    async def wait(self, timeout_seconds: float) -> bool:
        """Return true on a wake-up, false after ``timeout_seconds``; the caller reads in both cases."""
        # Not wait_for: before Python 3.12 it loses a cancellation that arrives together with the wake-up.
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True

    def wake(self) -> None:
        """Wake the waiter from inside this process (stop, tests)."""
        self._event.set()
