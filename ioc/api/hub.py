"""One poller per process reads the change feed and fans it out to bounded queues, one per open stream.

A stream joins in one step without an await: it notes the poller's position and is registered, so what comes later is
queued while it reads what came before from the table. Nothing is missed and nothing comes twice. NOTIFY only wakes.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from ioc.api.authenticator import Authenticator
from ioc.api.caller import Caller
from ioc.api.frames import Frame, FrameReader, sse
from ioc.api.parts import APIParts, AreaCache
from ioc.domain.account import Principal
from ioc.domain.moment import format_time
from ioc.errors import StoreUnavailableError, TooManyRequestsError
from ioc.store.changes_read import ChangesPrunedError, change_head, clock_counts, log_lag_seconds
from ioc.store.scope import Scope

CLOCK_SECONDS = 1.0
RECHECK_SECONDS = 2.0
RETRY_SECONDS = 0.5
STARTED_SECONDS_MAX = 5.0
_log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Client:
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

    def offer(self, frame: Frame) -> bool:
        """Queue what the reader may see of a frame; false when it does not keep up and was cut."""
        if self.ended is not None or frame.position <= self.skip_to:
            return True
        seen = frame.for_reader(self.scope, masked=self.principal.masked)
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
        self, parts: APIParts, areas: AreaCache, people: Authenticator, reader: FrameReader | None = None
    ) -> None:
        self._parts = parts
        self._people = people
        self._reader = reader or FrameReader(parts, areas)
        self._clients: set[Client] = set()
        self._started = asyncio.Event()
        self._stopping = False
        self._counts: list[Any] = []
        self._lag_seconds = 0.0
        self.position = 0

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

    async def follow(self, caller: Caller, after: int | None) -> tuple[Client, AsyncGenerator[bytes]]:
        """Register a stream and return it with its bytes.

        Raises:
            TooManyRequestsError: as many streams as the settings allow are open, in all or of this session or key.
            StoreUnavailableError: the poller has not read a position yet.
        """
        settings = self._parts.settings
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
        client = Client(caller.principal, caller.scope, settings.stream_queue_max, skip_to=max(joined, after or 0))
        self._clients.add(client)
        self._parts.metrics.stream_clients.set(len(self._clients))
        return client, self._bytes(client, joined, after)

    def leave(self, client: Client) -> None:
        """Forget a stream."""
        client.end("left")
        self._clients.discard(client)
        self._parts.metrics.stream_clients.set(len(self._clients))

    async def _bytes(self, client: Client, joined: int, after: int | None) -> AsyncGenerator[bytes]:
        yield b"retry: 1000\n\n"
        try:
            if after is not None and after < joined:
                async for part in self._replay(client, after, joined):
                    yield part
            elif after is not None and after > joined and after > await self._head():
                # A list may be ahead of this poller, never of the table: such a position is of another database.
                client.skip_to = joined
                yield _reset(joined)
        except ChangesPrunedError:
            yield _reset(joined)
        while client.ended is None:
            await client.ready.wait()
            part = client.take()
            if part:
                yield part

    async def _replay(self, client: Client, after: int, joined: int) -> AsyncIterator[bytes]:
        """Read from the table what came before the stream joined; what comes later waits in its queue."""
        position = after
        while position < joined and client.ended is None:
            frames = await self._reader.read(after=position, until=joined)
            if not frames:
                return
            position = frames[-1].position
            seen = [frame.for_reader(client.scope, masked=client.principal.masked) for frame in frames]
            part = b"".join(item for item in seen if item is not None)
            if part:
                yield part

    async def _head(self) -> int:
        async with self._parts.database.connection() as connection:
            return await change_head(connection)

    async def _poll(self) -> None:
        """Read on from the last position, until the end; a failure costs a wait and no change."""
        wait_seconds = self._parts.settings.poll_milliseconds / 1_000
        while not self._stopping:
            try:
                if not self._started.is_set():
                    self.position = await self._head()
                    self._started.set()
                while await self._poll_once():
                    pass
                await self._parts.wakeup.wait(wait_seconds)
            except ChangesPrunedError:
                # This process slept longer than the table remembers: every stream must load its lists again.
                self.position = await self._head_or_same()
                for client in list(self._clients):
                    client.end("pruned")
            except StoreUnavailableError as error:
                _log.warning("change_feed_unreadable", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # noqa: BLE001 - a fault in one batch must not silence every screen; it is logged
                _log.exception("change_feed_crashed")
                await asyncio.sleep(RETRY_SECONDS)

    async def _head_or_same(self) -> int:
        try:
            return await self._head()
        except StoreUnavailableError:
            return self.position

    async def _poll_once(self) -> bool:
        frames = await self._reader.read(after=self.position)
        if not frames:
            return False
        # No await from here on: a joining stream sees the position either before or after all of it.
        for client in list(self._clients):
            for frame in frames:
                if not client.offer(frame):
                    self._parts.metrics.stream_cut.inc()
                    break
        self.position = frames[-1].position
        return True

    async def _tick(self) -> None:
        """Tell every stream the time each second, so that a client sees a cut within three."""
        while not self._stopping:
            await asyncio.sleep(CLOCK_SECONDS)
            time = format_time(self._parts.clock.now())
            made: dict[Scope, bytes] = {}
            for client in list(self._clients):
                if client.scope not in made:
                    made[client.scope] = self._clock(client.scope, time)
                client.tick(made[client.scope])

    async def _count(self) -> None:
        """Read what the clock tells of devices and log each second; the clock itself waits for no database."""
        parts = self._parts
        feeds, seconds = parts.feed_periods
        while not self._stopping:
            await asyncio.sleep(CLOCK_SECONDS)
            if not self._clients:
                continue
            now = parts.clock.now()
            try:
                async with parts.database.connection() as connection:
                    self._counts = await clock_counts(connection, now=now, feeds=feeds, seconds=seconds)
                    self._lag_seconds = await log_lag_seconds(connection, now)
            except StoreUnavailableError as error:
                _log.warning("clock_counts_unreadable", error=str(error))

    def _clock(self, scope: Scope, time: str) -> bytes:
        """Return the clock of one wall: the counts are of the devices inside it only."""
        seen = [row for row in self._counts if scope.sees(area=row["area"], zone=row["zone"], feed=row["feed"])]
        devices = {"online": sum(row["online"] for row in seen), "total": sum(row["total"] for row in seen)}
        body = {"time": time, "position": self.position, "log_lag_seconds": round(self._lag_seconds, 3)}
        trouble = sorted(self._parts.board.current())
        return sse("clock", orjson.dumps({**body, "devices": devices, "trouble": trouble}))

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
