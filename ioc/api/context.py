"""What the composition root hands to the API, and the areas that every request asks for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from ioc.domain.event import DeadLetter, Message
from ioc.domain.manual_entry import ManualReading
from ioc.domain.release import KeptLetter, Remedy
from ioc.domain.scope import Scope
from ioc.packs.pack import Pack
from ioc.runtime.clock import IOClock, LogClock
from ioc.runtime.health_conditions import HealthConditions
from ioc.runtime.liveness import Beat, no_beat
from ioc.runtime.metrics import Metrics
from ioc.runtime.role_watch import RoleWatch
from ioc.runtime.waiter import Waiter
from ioc.settings import Settings
from ioc.store.log.manual_entries import MessageAppender
from ioc.store.postgres.engine import Database
from ioc.store.registry.areas import AreaBook, load_areas, read_registry_version
from ioc.store.registry.device_changes import EntryAppender

AREA_CHECK_SECONDS = 2.0


class ManualDoor(Protocol):
    """The door of what people enter by hand."""

    async def message(self, reading: ManualReading, *, wall: Scope | None, now: datetime) -> Message:
        """Return the reading as the log takes it.

        InvalidFieldsError: what of it does not fit, field by field; QueueFullError: the intake takes nothing now.
        """
        ...

    async def imported(self, reading: ManualReading, *, now: datetime) -> Message:
        """Return a reading of an approved import as the log takes it; errors as of :meth:`message`."""
        ...

    def count(self, message: Message) -> None:
        """Count a reading that was stored."""
        ...


class ReleaseDoor(Protocol):
    """What reads dead letters again."""

    async def open(self) -> None:
        """Read the registry anew; QueueFullError: the intake takes nothing now."""
        ...

    def read(self, letter: KeptLetter, remedy: Remedy, *, wall: Scope | None) -> list[Message] | DeadLetter:
        """Return the events of a letter, all of them, or why it is refused."""
        ...

    def count(self, feed: str, events: int) -> None:
        """Count what was let in."""
        ...

    def area_at(self, lat: float, lon: float) -> str | None:
        """Return the unit of today that holds a point."""
        ...


class ManualLog(EntryAppender, MessageAppender, Protocol):
    """What the API writes into the log: entries of the registry and the rules, and what people enter."""


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


async def no_anchors() -> Mapping[int, bytes]:
    """Return nothing: this instance anchors its audit trail nowhere."""
    return {}


class Visitor(Protocol):
    """Who goes into a tour: as who they are here."""

    @property
    def username(self) -> str:
        """Their account."""
        ...

    @property
    def name(self) -> str:
        """Their name."""
        ...

    @property
    def role(self) -> str:
        """Their role."""
        ...

    @property
    def area(self) -> str | None:
        """The wall around them; None: they see every area."""
        ...


class TourHost(Protocol):
    """Who runs the tour beside this instance; there is none inside a drill or a tour."""

    def state(self) -> dict[str, Any]:
        """Return how the tour stands: `none`, `starting`, `ready` or `over`, its clock, and the port of its screens."""
        ...

    async def start(self, *, actor: str, address: str | None) -> None:
        """Start it, or a new one where it is over; one that runs stays. NotFoundError without a story."""
        ...

    async def entry(self, visitor: Visitor) -> dict[str, Any]:
        """Return the port and a code of one use that signs the visitor in there; TransitionError before it is ready."""
        ...


class TourDesk(Protocol):
    """The tour that this instance is."""

    def state(self) -> dict[str, Any]:
        """Return how far it is, and note that somebody looks."""
        ...

    def steer(self, *, paused: bool | None, speed: float | None) -> None:
        """Pause, go on, or change the speed."""
        ...

    async def admit(self, code: str) -> str:
        """Return the account of whom the code lets in; UnauthenticatedError: nobody."""
        ...


@dataclass(frozen=True, slots=True)
class APIContext:
    """Everything the API is built from.

    ``clock`` is the log clock, virtual in a drill; ``wall`` dates sessions and keys and never is. ``checks`` are the
    pings of what was built, by name; ``metrics_text`` joins the metrics of all roles for who sees everything, and gives
    the readings inside a wall.
    """

    settings: Settings
    database: Database
    pack: Pack
    metrics: Metrics
    clock: LogClock
    wall: LogClock
    io_clock: IOClock
    log: ManualLog
    wakeup: Waiter
    metrics_text: Callable[[Scope], Awaitable[bytes]]
    version: str
    started_at: datetime
    checks: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    board: HealthConditions = field(default_factory=HealthConditions)
    audit_anchors: Callable[[], Awaitable[Mapping[int, bytes]]] = no_anchors
    """The rows of the audit trail that are anchored elsewhere, and the hash that each must have."""
    roles: RoleWatch = field(default_factory=lambda: RoleWatch(frozenset()))
    """Which roles say that they work."""
    beat: Beat = no_beat
    """Called by the loop that follows the changes."""
    bridge: Callable[[], Mapping[str, Any] | None] = lambda: None
    """How the bridge stands to its broker; None: this instance has no bridge."""
    drill: Callable[[], Mapping[str, Any]] | None = None
    """How the drill stands that this instance is; None: it is none."""
    manual: ManualDoor | None = None
    """Where people enter readings; None: this process has no intake."""
    release: ReleaseDoor | None = None
    """Where dead letters are read again; None: this process has no intake."""
    drills: DrillHost | None = None
    tours: TourHost | None = None
    tour: TourDesk | None = None

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

    def __init__(self, context: APIContext) -> None:
        self._context = context
        self._book: AreaBook | None = None
        self._checked = float("-inf")
        self._lock = asyncio.Lock()

    async def book(self) -> AreaBook:
        """Return the areas and zones."""
        seconds = self._context.io_clock.seconds
        if self._book is not None and seconds() - self._checked < AREA_CHECK_SECONDS:
            return self._book
        async with self._lock:
            if self._book is None or seconds() - self._checked >= AREA_CHECK_SECONDS:
                async with self._context.database.connection() as connection:
                    if self._book is None or await read_registry_version(connection) != self._book.version:
                        self._book = await load_areas(connection, self._context.pack.zones)
                self._checked = seconds()
            return self._book
