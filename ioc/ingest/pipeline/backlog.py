"""Fair intake: a backlog is held to what the rule engine can take beside live traffic, so that live alerts stay fast.

A live reading is evaluated after everything that was stored before it. So a backlog is not held to a rate: what it may
leave waiting is bounded. Its events enter only while this process can commit what waits here within
:data:`QUEUE_SECONDS`, and the engine can fold what waits here and in the log within :data:`AHEAD_SECONDS`. The engine
publishes with its cursor how fast it folds. Live events count among what waits, and are never held.

A sender's :class:`Lane` is a backlog when its last reading was more than a minute old on arrival. Senders of
backlogs take turns, :data:`TURN_EVENTS` at a time. A floor keeps even a starved backlog moving.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from ioc.domain.event import DeadLetter, Message
from ioc.domain.event_time import event_time
from ioc.errors import StoreUnavailableError
from ioc.runtime.metrics import Metrics

BACKLOG_AGE = timedelta(seconds=60)
TURN_EVENTS = 64
AHEAD_SECONDS = 0.3
"""How long the engine may need for what stands before a live event because of backlogs."""
QUEUE_SECONDS = 0.1
"""How long this process may need to commit what waits in it while backlogs add to it."""
POLL_SECONDS = 0.1
POLL_IDLE_SECONDS = 2.0
RATE_UNKNOWN = 1_000.0
"""Events per second that an engine is trusted with before it has measured itself."""
FLOOR_EVENTS = 16
"""A backlog gets this many events into the log per poll whatever the engine says: 160 a second."""
COMMIT_MEASURED_MIN = 50
PACE_WEIGHT = 0.2


class Pace(Protocol):
    """How far the log and its engine have come."""

    @property
    def head(self) -> int:
        """The last position of the log."""
        ...

    @property
    def folded(self) -> int:
        """The engine's cursor."""
        ...

    @property
    def events_per_second(self) -> float:
        """What the engine folds when it is busy; 0: it has not measured yet."""
        ...


class PaceReader(Protocol):
    """Where the engine publishes its pace."""

    async def read(self) -> Pace | None:
        """Return the pace; None: no engine has ever worked on this log."""
        ...


class Lane:
    """One sender's way in: a connection, or a key."""

    __slots__ = ("is_backlog", "turn_left")

    def __init__(self) -> None:
        self.is_backlog = False
        self.turn_left = 0
        """Events that it may still send before the next in turn."""


class Queue(Protocol):
    """The queue of this process."""

    @property
    def rows(self) -> int:
        """Events that wait for their commit, the batch that commits now among them."""
        ...


class Share:
    """What backlogs may send now, in one process."""

    def __init__(self, reader: PaceReader | None, metrics: Metrics) -> None:
        self._reader = reader
        self._metrics = metrics
        self._queue: Queue | None = None
        self._left = FLOOR_EVENTS if reader is not None else None  # None: no bound
        self._commit_pace = RATE_UNKNOWN
        self._more = asyncio.Event()
        self._asked = asyncio.Event()

    def attach(self, queue: Queue) -> None:
        """Say which queue it looks after."""
        self._queue = queue

    def note(self, lane: Lane, items: Sequence[Message | DeadLetter], now: datetime, door: str) -> None:
        """Take note of what a sender brought: whether it is a backlog, and what that costs its share."""
        last = items[-1] if items else None
        if isinstance(last, Message):
            if last.time is not None and now - last.time <= BACKLOG_AGE:
                lane.is_backlog = False  # nearly every reading; the rest must be looked at closely
                return
            # A clock that cannot be trusted (reset to 1970) makes no backlog: such a reading counts as of now.
            effective, _ = event_time(last, now)
            lane.is_backlog = now - effective > BACKLOG_AGE
        if lane.is_backlog:
            lane.turn_left -= len(items)
            if self._left is not None:
                self._left -= len(items)
            self._metrics.ingest_backlog.labels(door).inc(len(items))

    def committed(self, rows: int, seconds: float) -> None:
        """Learn from a commit how fast this process commits, and let those who wait look again."""
        if rows >= COMMIT_MEASURED_MIN and seconds > 0.0:
            self._commit_pace += PACE_WEIGHT * (rows / seconds - self._commit_pace)
        self._more.set()

    def may_pass(self, lane: Lane) -> bool:
        """Tell whether a sender may send now: live always, a backlog within its turn and the share."""
        return not lane.is_backlog or self._left is None or (lane.turn_left > 0 and self._has_some)

    @property
    def _has_some(self) -> bool:
        if self._left is None:
            return True
        queued = self._queue.rows if self._queue is not None else 0
        return self._left > 0 and queued < max(self._commit_pace * QUEUE_SECONDS, FLOOR_EVENTS)

    async def wait(self) -> None:
        """Return when a backlog may send."""
        while not self._has_some:
            self._more.clear()
            self._asked.set()
            await self._more.wait()

    async def take_turn(self, lane: Lane, *, seconds_max: float) -> bool:
        """Wait for a share and give it to ``lane``; False: there was none in that time."""
        try:
            await asyncio.wait_for(self.wait(), seconds_max)
        except TimeoutError:
            return False
        lane.turn_left = TURN_EVENTS
        return True

    async def follow(self) -> None:
        """Read the pace until cancelled: often while somebody waits, else now and then."""
        while self._reader is not None:
            try:
                pace = await self._reader.read()
            except StoreUnavailableError:
                await asyncio.sleep(POLL_SECONDS)  # nothing can be committed: what is queued must go first
                continue
            self._left = None if pace is None else share(pace, self._queue.rows if self._queue is not None else 0)
            self._asked.clear()
            self._more.set()
            await self._pause()

    async def _pause(self) -> None:
        await asyncio.sleep(POLL_SECONDS)
        try:
            await asyncio.wait_for(self._asked.wait(), POLL_IDLE_SECONDS)
        except TimeoutError:
            return


def share(pace: Pace, queued: int) -> int:
    """Return how many events of backlogs may enter before the next poll."""
    rate = pace.events_per_second or RATE_UNKNOWN
    waiting = max(pace.head - pace.folded, 0) + queued
    return max(int(rate * AHEAD_SECONDS) - waiting, FLOOR_EVENTS)
