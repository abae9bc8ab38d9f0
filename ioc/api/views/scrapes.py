"""Scrapes of /metrics take turns: each makes a long text in a thread, and no other request waits for it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from ioc.errors import StoreUnavailableError, TooManyRequestsError

SCRAPES_WAITING_MAX = 4
SCRAPE_SECONDS_MAX = 20.0
SCRAPE_RETRY_SECONDS = 5


class Scrapes:
    """One scrape at a time, few that wait."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn and have it, for at most twenty seconds in all.

        Raises:
            TooManyRequestsError: so many wait already.
            StoreUnavailableError: it took too long.
        """
        if self._waiting > SCRAPES_WAITING_MAX:
            raise TooManyRequestsError("scrapes wait for each other", retry_after_seconds=SCRAPE_RETRY_SECONDS)
        self._waiting += 1
        try:
            async with asyncio.timeout(SCRAPE_SECONDS_MAX), self._turn:
                yield
        except TimeoutError as error:
            raise StoreUnavailableError("the metrics did not come together in time") from error
        finally:
            self._waiting -= 1
