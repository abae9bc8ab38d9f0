"""What the composition root hands to the API, and the areas that every request asks for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from ioc.clock import IOClock, LogClock
from ioc.metrics import Metrics
from ioc.packs.pack import Pack
from ioc.settings import Settings
from ioc.store.areas import AreaBook, load_areas, read_registry_version
from ioc.store.device_work import EntryAppender
from ioc.store.engine import Database
from ioc.trouble import TroubleBoard

AREA_CHECK_SECONDS = 2.0


class Waiter(Protocol):
    """Something that wakes when there may be changes to read."""

    async def wait(self, timeout_seconds: float) -> bool:
        """Wait for a wake-up or the time-out."""
        ...


class DrillHost(Protocol):
    """Who runs drills beside this instance; there is none inside a drill."""

    def scenarios(self) -> list[dict[str, Any]]:
        """Return what can be trained."""
        ...

    def live(self) -> dict[str, Any] | None:
        """Return id, clock, progress and port of the drill that runs; None: none does."""
        ...

    async def start(self, scenario: str, speed: float | None, *, actor: str, address: str | None) -> str:
        """Start one and return its id; TransitionError while another runs, NotFoundError without the scenario."""
        ...

    async def stop(self, identifier: str, *, actor: str, address: str | None) -> None:
        """End it and score it; TransitionError when it does not run."""
        ...


@dataclass(frozen=True, slots=True)
class APIParts:
    """Everything the API is built from.

    ``clock`` is the log clock, virtual in a drill; ``wall`` dates sessions and keys and never is. ``checks`` are the
    pings of what was built, by name; ``metrics_text`` joins the metrics of all roles.
    """

    settings: Settings
    database: Database
    pack: Pack
    metrics: Metrics
    clock: LogClock
    wall: LogClock
    io_clock: IOClock
    log: EntryAppender
    wakeup: Waiter
    metrics_text: Callable[[], Awaitable[bytes]]
    version: str
    started_at: datetime
    checks: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    board: TroubleBoard = field(default_factory=TroubleBoard)
    bridge: Callable[[], Mapping[str, Any] | None] = lambda: None
    """How the bridge stands to its broker; None: this instance has no bridge."""
    drill: Callable[[], Mapping[str, Any]] | None = None
    """How the drill stands that this instance is; None: it is none."""
    drills: DrillHost | None = None

    def today(self) -> date:
        """Return the local day by the wall: what a bare area code means. A drill plays its past on today's city."""
        return self.wall.now().astimezone(self.pack.zone).date()

    @property
    def restricted_feeds(self) -> frozenset[str]:
        """Return the feeds that masked readers never see."""
        return frozenset(feed.id for feed in self.pack.feeds.values() if feed.restricted)

    @property
    def feed_periods(self) -> tuple[list[str], list[int]]:
        """Return feeds and their expected periods in seconds, in the same order."""
        feeds = list(self.pack.feeds.values())
        return [feed.id for feed in feeds], [int(feed.expected_period.total_seconds()) for feed in feeds]


class AreaCache:
    """The areas in memory, read again when the registry's version has risen; at most two seconds old."""

    def __init__(self, parts: APIParts) -> None:
        self._parts = parts
        self._book: AreaBook | None = None
        self._checked = float("-inf")
        self._lock = asyncio.Lock()

    async def book(self) -> AreaBook:
        """Return the areas and zones."""
        seconds = self._parts.io_clock.seconds
        if self._book is not None and seconds() - self._checked < AREA_CHECK_SECONDS:
            return self._book
        async with self._lock:
            if self._book is None or seconds() - self._checked >= AREA_CHECK_SECONDS:
                async with self._parts.database.connection() as connection:
                    if self._book is None or await read_registry_version(connection) != self._book.version:
                        self._book = await load_areas(connection, self._parts.pack.zones)
                self._checked = seconds()
            return self._book
