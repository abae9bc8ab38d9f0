"""One poller per process reads the change feed and fans it out to bounded queues, one per open stream.

A stream joins in one step without an await: it notes the poller's position and is registered, so what comes later is
queued while it reads what came before from the table. Nothing is missed and nothing comes twice. NOTIFY only wakes.
Its first clock comes after all that came before, so a reader that has heard one has caught up.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from ioc.api.context import APIContext, AreaCache
from ioc.api.identity.authenticator import Authenticator
from ioc.api.stream.clock import clock_frame
from ioc.api.stream.frames import frames_for
from ioc.api.stream.sse_events import FrameReader, RenderedChange, sse
from ioc.api.wall.caller import Caller
from ioc.domain.moment import format_time
from ioc.domain.people.account import Principal
from ioc.domain.roster.state import RosterState
from ioc.errors import StoreUnavailableError, TooManyRequestsError
from ioc.runtime.liveness import TURN_SECONDS_MAX
from ioc.store.alerts.now import newest_position
from ioc.store.changes.reader import ChangesPrunedError, change_head, clock_counts
from ioc.store.operations.cursor_lag import cursor_lags
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Scope

CLOCK_SECONDS = 1.0
TURNED_MAX = 200
"""Devices whose change of status is told in one second; the rest are told in the next ones."""
TURNED_SECONDS = 10.0
"""A stream that joins is told again what turned so shortly before: its list may be of before that."""
COUNTS_SECONDS_MAX = 2.0
"""A stream that joins gets its first clock at once with counts not older than that, else with the next second."""
RECHECK_SECONDS = 2.0
RETRY_SECONDS = 0.5
STARTED_SECONDS_MAX = 5.0
_log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class HubClient:
    """One open stream: its wall, its queue and why it ended."""

    principal: Principal
    scope: Scope
    queue_max: int
    skip_to: int
    frames: list[bytes] = field(default_factory=list)
    clock: bytes | None = None
    ended: str | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    kinds: frozenset[str] = field(init=False)
    """The frames that it gets. Whoever may do something else from now on has another stream."""

    def __post_init__(self) -> None:
        """Learn what the reader may read."""
        self.kinds = frames_for(self.principal)

    def part_of(self, frame: RenderedChange) -> bytes | None:
        """Return what the reader may see of a frame, null for nothing at all."""
        return frame.for_reader(self.scope, masked=self.principal.masked) if frame.kind in self.kinds else None

    def offer(self, frame: RenderedChange) -> bool:
        """Queue what the reader may see of a frame; false when it does not keep up and was cut."""
        if self.ended is not None or (frame.position is not None and frame.position <= self.skip_to):
            return True
        seen = self.part_of(frame)
        if seen is None:
            return True
        if len(self.frames) >= self.queue_max:
            self.end("slow")
            return False
        self.frames.append(seen)
        self.ready.set()
        return True

    def tick(self, clock: bytes) -> None:
        """Set the clock: only the newest is kept, so that a slow reader gathers none."""
        self.clock = clock
        self.ready.set()

    def end(self, reason: str) -> None:
        """End the stream; what was queued is let go, the reader resumes by its last id."""
        if self.ended is None:
            self.ended = reason
            self.frames.clear()
            self.ready.set()
            self.over.set()

    def take(self) -> bytes:
        """Return what is waiting and empty the queue."""
        waiting = [*self.frames, *([self.clock] if self.clock is not None else [])]
        self.frames.clear()
        self.clock = None
        self.ready.clear()
        return b"".join(waiting)


class Hub:
    """The poller and its clients."""

    def __init__(
        self, context: APIContext, areas: AreaCache, people: Authenticator, reader: FrameReader | None = None,
        roster: Callable[[Connection], Awaitable[RosterState]] | None = None,
    ) -> None:  # fmt: skip
        self._context = context
        self._read_roster = roster
        self._roster = RosterState()
        self._people = people
        self._reader = reader or FrameReader(context, areas)
        self._clients: set[HubClient] = set()
        self._started = asyncio.Event()
        self._stopping = False
        self._counts: list[Any] = []
        self._counted = -COUNTS_SECONDS_MAX
        """When they were read."""
        self._offline: set[str] | None = None
        """The active devices that do not report, as the streams have been told; None before the first look."""
        self._turned: dict[str, float] = {}
        """When each device turned that did in the last seconds, oldest first."""
        self._telling = asyncio.Lock()
        """Held from the reading of devices until it is told: of two readings the later one is told last."""
        self._joining = asyncio.Lock()
        """Held by who joins, before the other: however many do, the poller waits for one of them."""
        self._lag_seconds = 0.0
        self.position = 0
        self._news_written = 0
        """The newest write of news that was fanned out."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the poller, the clock and the session check; at the end every stream is ended first."""
        tasks = [
            asyncio.create_task(work(), name=f"hub-{work.__name__}")
            for work in (self._poll, self._tick, self._count, self._recheck)
        ]
        try:
            yield
        finally:
            # The loops also ask `_stopping`: before Python 3.12 wait_for may swallow a cancellation.
            self.stop_streams()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def stop_streams(self) -> None:
        """End every stream and take no new one. The server calls it before it waits for connections to end."""
        self._stopping = True
        for client in list(self._clients):
            client.end("stopping")

    async def follow(self, caller: Caller, after: int | None) -> tuple[HubClient, AsyncGenerator[bytes]]:
        """Register a stream and return it with its bytes.

        Raises:
            TooManyRequestsError: as many streams as the settings allow are open, in all or of this session or key.
            StoreUnavailableError: the poller has not read a position yet.
        """
        settings = self._context.settings
        try:
            await asyncio.wait_for(self._started.wait(), STARTED_SECONDS_MAX)
        except TimeoutError as error:
            raise StoreUnavailableError("the change feed cannot be read yet") from error
        # Asked after the wait: a stream registered after the stop would never be ended.
        if self._stopping:
            raise StoreUnavailableError("the server is stopping")
        if len(self._clients) >= settings.stream_clients_max:
            raise TooManyRequestsError("as many streams are open as allowed", retry_after_seconds=5)
        mine = sum(_same_caller(client.principal, caller.principal) for client in self._clients)
        if mine >= settings.stream_clients_per_caller_max:
            raise TooManyRequestsError("this session or key has as many streams open as allowed", retry_after_seconds=5)
        joined = self.position
        client = HubClient(caller.principal, caller.scope, settings.stream_queue_max, skip_to=max(joined, after or 0))
        self._clients.add(client)
        self._context.metrics.stream_clients.set(len(self._clients))
        return client, self._bytes(client, joined, after)

    def leave(self, client: HubClient) -> None:
        """Forget a stream."""
        client.end("left")
        self._clients.discard(client)
        self._context.metrics.stream_clients.set(len(self._clients))

    async def _bytes(self, client: HubClient, joined: int, after: int | None) -> AsyncGenerator[bytes]:
        yield b"retry: 1000\n\n"
        try:
            if after is not None and after < joined:
                async for part in self._replay(client, after, joined):
                    yield part
            elif after is not None and after > joined and after > await self._head():
                # A list can be ahead of this poller but not of the table: such a position is of another database.
                client.skip_to = joined
                yield _reset(joined)
        except ChangesPrunedError:
            yield _reset(joined)
        if after is not None and client.ended is None:
            async for part in self._missed_news(client, after):
                yield part
            await self._offer_turned(client)
        if client.clock is None and self._context.io_clock.seconds() - self._counted <= COUNTS_SECONDS_MAX:
            client.tick(self._clock(client.scope, format_time(self._context.clock.now())))
        while client.ended is None:
            await client.ready.wait()
            part = client.take()
            if part:
                yield part

    async def _replay(self, client: HubClient, after: int, joined: int) -> AsyncIterator[bytes]:
        """Read from the table what came before the stream joined; what comes later waits in its queue."""
        position = after
        while position < joined and client.ended is None:
            frames = await self._reader.read(after=position, until=joined)
            if not frames:
                return
            position = frames[-1].position or joined
            seen = [client.part_of(frame) for frame in frames]
            part = b"".join(item for item in seen if item is not None)
            if part:
                yield part

    async def _missed_news(self, client: HubClient, after: int) -> AsyncIterator[bytes]:
        """Read how things are with alerts that a list true at ``after`` need not have had."""
        written = 0
        while client.ended is None:
            frames, written = await self._reader.read_news(after=written, since=after)
            if not frames:
                return
            seen = [client.part_of(frame) for frame in frames]
            yield b"".join(item for item in seen if item)

    async def _head(self) -> int:
        async with self._context.database.connection() as connection:
            return await change_head(connection)

    async def _poll(self) -> None:
        """Read on from the last position, until the end; a failure costs a wait and no change."""
        wait_seconds = min(self._context.settings.poll_milliseconds / 1_000, TURN_SECONDS_MAX)
        while not self._stopping:
            self._context.beat()
            try:
                if not self._started.is_set():
                    self._news_written = await self._newest_news()
                    self.position = await self._head()
                    self._started.set()
                # Catching up with a flood of changes takes minutes: beat meanwhile, or this process counts as frozen.
                while not self._stopping and await self._poll_once():
                    self._context.beat()
                await self._context.wakeup.wait(wait_seconds)
            except ChangesPrunedError:
                # This process was suspended for longer than changes are kept: every stream must load its lists again.
                self.position = await self._head_or_same()
                for client in list(self._clients):
                    client.end("pruned")
            except StoreUnavailableError as error:
                _log.warning("change_feed_unreadable", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # noqa: BLE001 - a fault in one batch must not silence every screen; it is logged
                _log.exception("change_feed_crashed")
                await asyncio.sleep(RETRY_SECONDS)

    async def _newest_news(self) -> int:
        async with self._context.database.connection() as connection:
            return await newest_position(connection)

    async def _head_or_same(self) -> int:
        try:
            return await self._head()
        except StoreUnavailableError:
            return self.position

    async def _poll_once(self) -> bool:
        # What has changed goes out before the news are read: an alert that opens does not wait for readings that moved.
        async with self._telling:
            frames = await self._reader.read(after=self.position)
            if frames:
                # No await between these two: a joining stream sees the position either before or after all of it.
                self._fan_out(frames)
                self.position = frames[-1].position or self.position
        news, self._news_written = await self._reader.read_news(after=self._news_written)
        self._fan_out(news)
        return bool(frames or news)

    def _fan_out(self, frames: Sequence[RenderedChange]) -> None:
        for client in list(self._clients):
            for frame in frames:
                if not client.offer(frame):
                    self._context.metrics.stream_cut.inc()
                    break

    async def _tick(self) -> None:
        """Tell every stream the time each second, so that a client sees a cut within three."""
        while not self._stopping:
            await asyncio.sleep(CLOCK_SECONDS)
            time = format_time(self._context.clock.now())
            made: dict[Scope, bytes] = {}
            for client in list(self._clients):
                if client.scope not in made:
                    made[client.scope] = self._clock(client.scope, time)
                client.tick(made[client.scope])

    async def _count(self) -> None:
        """Read what the clock tells of devices and log each second; the clock itself waits for no database."""
        context = self._context
        feeds, seconds = context.feed_periods
        while not self._stopping:
            await asyncio.sleep(CLOCK_SECONDS)
            if not self._clients and self._offline is not None:
                continue
            now = context.clock.now()
            try:
                async with context.database.connection() as connection:
                    self._counts = await clock_counts(connection, now=now, feeds=feeds, seconds=seconds)
                    self._lag_seconds = max((await cursor_lags(connection, now)).values(), default=0.0)
                    if self._read_roster is not None:
                        self._roster = await self._read_roster(connection)
                self._counted = context.io_clock.seconds()
                await self._tell_turned({name for row in self._counts for name in row["offline"]})
            except StoreUnavailableError as error:
                _log.warning("clock_counts_unreadable", error=str(error))

    async def _tell_turned(self, offline: set[str]) -> None:
        """Tell the streams of devices that fell silent or report again: no change of theirs is written for that."""
        if self._offline is None:
            self._offline = offline
            return
        told = sorted(self._offline ^ offline)[:TURNED_MAX]
        if not told:
            return
        async with self._telling:
            self._fan_out(await self._reader.read_devices(told))
        self._offline.symmetric_difference_update(told)
        seconds = self._context.io_clock.seconds()
        for name in told:
            self._turned.pop(name, None)
            self._turned[name] = seconds
        for name in list(itertools.takewhile(lambda one: self._turned[one] < seconds - TURNED_SECONDS, self._turned)):
            del self._turned[name]

    async def _offer_turned(self, client: HubClient) -> None:
        """Tell who joins how those are that turned a moment ago: the list that it has may be of before that.

        They are read anew: as they were when they turned they may not be any more, and the list may know that.
        """
        since = self._context.io_clock.seconds() - TURNED_SECONDS
        told = [name for name, seconds in self._turned.items() if seconds >= since]
        if not told:
            return
        async with self._joining, self._telling:
            for frame in await self._reader.read_devices(told):
                client.offer(frame)

    def _clock(self, scope: Scope, time: str) -> bytes:
        told = {"time": time, "position": self.position, "log_lag_seconds": round(self._lag_seconds, 3)}
        return clock_frame(told, scope, self._counts, self._roster, self._context)

    async def _recheck(self) -> None:
        """End the streams of sessions and keys that ended, within five seconds."""
        while not self._stopping:
            await asyncio.sleep(RECHECK_SECONDS)
            clients = list(self._clients)
            if not clients:
                continue
            try:
                ended = await self._people.ended({client.principal for client in clients})
            except StoreUnavailableError as error:
                _log.warning("sessions_unreadable", error=str(error))
                continue
            for client in clients:
                if client.principal in ended:
                    client.end("session")


def _same_caller(one: Principal, other: Principal) -> bool:
    """Tell whether both speak through the same session or key."""
    return (one.kind, one.name, one.key_id, one.session_id) == (other.kind, other.name, other.key_id, other.session_id)


def _reset(position: int) -> bytes:
    """Return the word that the lists must be loaded again. Its id makes the next resume start from here."""
    return sse("reset", orjson.dumps({"position": position}), position)
