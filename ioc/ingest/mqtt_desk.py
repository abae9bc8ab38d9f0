"""The desk of one MQTT door: all its business with the sessions of the database, in rounds, each step for many at once.

What it promises: nothing is told to a client before it is committed; what could not be committed is tried again, in
order; a session that another door took, or a door that died, is noticed within seconds even when every NOTIFY is lost.
One worker, so no two steps of a door ever race; each device moves (arrives, leaves) at most once in a round.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from ioc.clock import IOClock, LogClock
from ioc.domain.event import DeadLetter, Receipt
from ioc.domain.outbound import Closing, OutboundKind, OutboundMessage, Parcel, receipts_topic
from ioc.domain.presence import DOOR_BEAT_SECONDS, Departure, DoorWatch, LastWill, PresenceReason
from ioc.errors import QueueFullError, StoreUnavailableError
from ioc.ingest.door import Bundle, Delivery, Registry
from ioc.ingest.mqtt_client_session import ClientSession
from ioc.ingest.mqtt_stores import MQTTStores
from ioc.ingest.mqtt_will import publication
from ioc.metrics import Metrics

LOOK_SECONDS = 1.0
RETRY_SECONDS = 0.5
MOVES_AT_ONCE = 500
WILLS_AT_ONCE = 100
PARCELS_AT_ONCE = 1_000
RECEIPT_LIFE = timedelta(days=1)
FOREIGN_MAX = 1_000
"""Devices whose foreign publishes one door writes into the audit trail in a minute."""
FOREIGN_EVERY = timedelta(minutes=1)


class Submit(Protocol):
    """The pipeline, as far as wills need it."""

    @property
    def has_room(self) -> bool:
        """Tell whether another delivery may be submitted."""
        ...

    def add(self, delivery: Delivery) -> Bundle:
        """Queue a delivery; its future is done after its commit."""
        ...

    def add_letter(self, letter: DeadLetter) -> Bundle:
        """Queue a dead letter; its future is done after its commit."""
        ...


class Waiter(Protocol):
    """Something that wakes on a change."""

    async def wait(self, timeout_seconds: float) -> bool:
        """Wait for a wake-up or the time-out."""
        ...


class SessionDesk:
    """Does the sessions' business of one door, known by the random name ``door``."""

    def __init__(
        self, *, door: str, stores: MQTTStores, registry: Registry, intake: Submit, log_clock: LogClock,
        io_clock: IOClock, metrics: Metrics, moves_max: int,
    ) -> None:  # fmt: skip
        self._door = door
        self._stores = stores
        self._registry = registry
        self._intake = intake
        self._log_clock = log_clock
        self._io_clock = io_clock
        self._metrics = metrics
        self._moves_max = moves_max
        self._moves: deque[tuple[ClientSession, Departure | None]] = deque()
        self._grants: deque[tuple[ClientSession, bytes]] = deque()
        self._closings: deque[tuple[Closing, Callable[[], None] | None]] = deque()
        self._releases: deque[tuple[str, int, Callable[[], None]]] = deque()
        self._receipts: deque[tuple[ClientSession, Sequence[bytes], Callable[[], None]]] = deque()
        self._foreign: dict[str, str] = {}
        self._foreign_at: dict[str, datetime] = {}
        self._published: deque[LastWill] = deque()
        self._hungry: dict[ClientSession, None] = {}
        self._held: dict[str, ClientSession] = {}
        self._watch = DoorWatch()
        self._beat_at = float("-inf")
        self._wake = asyncio.Event()
        self._look = True
        self._failing = False
        self._busy = asyncio.Lock()

    # -- what sessions ask

    @property
    def is_full(self) -> bool:
        """Tell whether so many arrivals and departures wait that nobody should be let in."""
        return len(self._moves) >= self._moves_max

    def arrive(self, session: ClientSession) -> None:
        """Attach a session; its ``attached`` or ``unavailable`` is called."""
        self._moves.append((session, None))
        self._wake.set()

    def leave(self, session: ClientSession, departure: Departure | None) -> None:
        """Take note that a connection is over; without a departure nobody is told."""
        self._hungry.pop(session, None)
        if departure is not None:
            self._moves.append((session, departure))
            self._wake.set()

    def grant(self, session: ClientSession, answer: bytes) -> None:
        """Store the filters of a session, then give it its answer."""
        self._grants.append((session, answer))
        self._wake.set()

    def hungry(self, session: ClientSession) -> None:
        """Read what waits for a session."""
        self._hungry[session] = None
        self._wake.set()

    def close(self, closing: Closing, then: Callable[[], None] | None = None) -> None:
        """End a message, then call ``then``."""
        self._metrics.mqtt_outbound.labels(str(closing.outcome)).inc()
        self._closings.append((closing, then))
        self._wake.set()

    def release(self, device: str, number: int, then: Callable[[], None]) -> None:
        """Note that a message is confirmed at QoS 2, then call ``then``."""
        self._releases.append((device, number, then))
        self._wake.set()

    def keep_receipts(self, session: ClientSession, payloads: Sequence[bytes], then: Callable[[], None]) -> None:
        """Store receipts for a session that outlives its connection, then call ``then``."""
        self._receipts.append((session, payloads, then))
        self._wake.set()

    def foreign(self, device: str, topic: str) -> None:
        """Take note that a device spoke on a topic that is not its own: one line of the audit trail a minute."""
        now, seen = self._log_clock.now(), self._foreign_at
        while seen and now - next(iter(seen.values())) >= FOREIGN_EVERY:
            del seen[next(iter(seen))]  # they stand in the order of their times
        if device in seen:
            return
        if len(seen) >= FOREIGN_MAX:
            self._metrics.mqtt_refused.labels("audit_full").inc()
            return
        seen[device] = now
        self._foreign[device] = topic
        self._wake.set()

    # -- the worker

    async def listen(self, waiter: Waiter) -> None:
        """Look at the tables on every wake-up, and every second without one, until cancelled."""
        while True:
            await waiter.wait(LOOK_SECONDS)
            self._look = True
            self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.work()
            except StoreUnavailableError as error:
                self._out_of_reach(error)
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()
            else:
                self._failing = False

    def _out_of_reach(self, error: StoreUnavailableError) -> None:
        """Send those away who must not come in without their session; everything else waits."""
        if not self._failing:
            self._failing = True
            structlog.get_logger().warning("sessions_unreachable", error=str(error))
        self._watch.blink()
        refused = [session for session, departure in self._moves if departure is None and session.may_wait]
        self._moves = deque(move for move in self._moves if move[1] is not None or not move[0].may_wait)
        for session in refused:
            # The attach may have been committed all the same: the departure that follows undoes it.
            session.unavailable()

    async def work(self) -> None:
        """Do one round.

        Raises:
            StoreUnavailableError: PostgreSQL does not answer; what was not done stays to be done.
        """
        async with self._busy:
            now = self._log_clock.now()
            await self._move(now)
            await self._store_grants()
            await self._store_receipts(now)
            await self._store_releases()
            await self._store_closings(now)
            await self._beat(now)
            if self._look:
                await self._look_around(now)
            await self._deliver(now)
            await self._settle()

    async def _move(self, now: datetime) -> None:
        while self._moves:
            chosen: dict[str, tuple[ClientSession, Departure | None]] = {}
            for session, departure in self._moves:
                if session.device in chosen or len(chosen) >= MOVES_AT_ONCE:
                    break
                chosen[session.device] = (session, departure)
            arriving = [session for session, departure in chosen.values() if departure is None]
            leaving = [(session, departure) for session, departure in chosen.values() if departure is not None]
            if leaving:
                await self._stores.sessions.detach([one for _, one in leaving], door=self._door, now=now)
                self._look = self._look or any(one.publish_will for _, one in leaving)
            for session, _ in leaving:
                if self._held.get(session.device) is session:
                    del self._held[session.device]
            answers = (
                await self._stores.sessions.attach([one.arrival for one in arriving], door=self._door, now=now)
                if arriving
                else []
            )
            for _ in chosen:
                self._moves.popleft()
            for session, answer in zip(arriving, answers, strict=True):
                self._held[session.device] = session
                session.attached(answer)

    async def _store_grants(self) -> None:
        self._grants = deque(item for item in self._grants if not item[0].has_left)
        batch = [item for item in self._grants if item[0].is_attached]
        if not batch:
            return
        newest = {session.device: session for session, _ in batch}
        await self._stores.sessions.grant([session.grant for session in newest.values()])
        done = set(map(id, batch))
        self._grants = deque(item for item in self._grants if id(item) not in done)
        for session, answer in batch:
            session.granted(answer)

    async def _store_receipts(self, now: datetime) -> None:
        batch = list(self._receipts)
        if not batch:
            return
        messages = [
            OutboundMessage(
                device=session.device, topic=receipts_topic(session.device), payload=payload, qos=1,
                expires_at=now + RECEIPT_LIFE, created_by="log", kind=OutboundKind.RECEIPT,
            )
            for session, payloads, _ in batch
            for payload in payloads
        ]  # fmt: skip
        numbers = await self._stores.outbound.append(messages, now) if messages else []
        self._metrics.mqtt_receipts_dropped.inc(numbers.count(None))
        newest = {message.device: number for message, number in zip(messages, numbers, strict=True) if number}
        for session, _, then in batch:
            self._receipts.popleft()
            then()
            session.mail(newest.get(session.device, 0))

    async def _store_releases(self) -> None:
        batch = list(self._releases)
        if batch:
            await self._stores.outbound.release([(device, number) for device, number, _ in batch])
        for _, _, then in batch:
            self._releases.popleft()
            then()

    async def _store_closings(self, now: datetime) -> None:
        batch = list(self._closings)
        if batch:
            await self._stores.outbound.close([closing for closing, _ in batch], now)
        for _, then in batch:
            self._closings.popleft()
            if then is not None:
                then()

    async def _deliver(self, now: datetime) -> None:
        sessions, count = [], 0
        for session in tuple(self._hungry):
            wanted = session.wanted
            if wanted is None:  # it says so again when there is room, or when it is attached
                del self._hungry[session]
            elif count < PARCELS_AT_ONCE:
                sessions.append((session, wanted))
                count += wanted[3]
        if not sessions:
            return
        parcels = await self._stores.outbound.read([wanted for _, wanted in sessions])
        mail: dict[str, list[Parcel]] = {}
        for parcel in parcels:
            mail.setdefault(parcel.device, []).append(parcel)
        for session, _ in sessions:
            self._hungry.pop(session, None)
            session.deliver(mail.get(session.device, ()), now)
        await self._store_closings(now)
        if self._hungry:
            self._wake.set()

    async def _settle(self) -> None:
        """Write down what needs no answer."""
        if self._foreign:
            batch = dict(self._foreign)
            await self._stores.doors.audit_foreign(list(batch.items()), self._log_clock.now())
            for device in batch:
                del self._foreign[device]
        if self._published:
            wills = list(self._published)
            await self._stores.wills.forget(wills)
            for _ in wills:
                self._published.popleft()

    # -- what others did

    async def _beat(self, now: datetime) -> None:
        """Say that this door lives, and look after the others and after sessions whose time is over."""
        seconds = self._io_clock.seconds()
        if seconds - self._beat_at < DOOR_BEAT_SECONDS:
            return
        await self._stores.doors.beat(self._door, now)
        self._beat_at = seconds
        dead = self._watch.look(await self._stores.doors.beats(), self._io_clock.seconds()) - {self._door}
        if dead:
            lost = await self._stores.doors.lose(dead, now)
            structlog.get_logger().warning("doors_gone", doors=sorted(dead), devices=lost)
        await self._stores.sessions.end_expired(now)

    async def _look_around(self, now: datetime) -> None:
        """Find sessions that were taken over elsewhere, mail for those that are here, and wills that are due."""
        self._look = False
        held = await self._stores.sessions.held(self._door)
        mine = sum(session.connection for session in self._held.values())
        if (held.sessions, held.connections_sum) != (len(self._held), mine):
            await self._reconcile(now)
        for device, number in held.waiting.items():
            session = self._held.get(device)
            if session is not None:
                session.mail(number)
        if self._intake.has_room:
            wills = await self._stores.wills.claim(now, limit=WILLS_AT_ONCE)
            for will in wills:
                self._publish(will, now)
            if len(wills) == WILLS_AT_ONCE:
                self._look = True
                self._wake.set()

    async def _reconcile(self, now: datetime) -> None:
        rows = await self._stores.sessions.held_connections(self._door)
        gone = {device: one for device, one in self._held.items() if rows.get(device) != one.connection}
        live = {device: one.connection for device, one in gone.items() if not one.has_left}
        back = await self._stores.sessions.reclaim(live, door=self._door, now=now) if live else set()
        for device, session in gone.items():
            if device not in back:
                del self._held[device]
                session.taken_over()
        stray = [
            Departure(device=device, connection=connection, reason=PresenceReason.LOST, publish_will=True, sent_to=None)
            for device, connection in rows.items()
            if device not in self._held and device not in gone
        ]
        if stray:  # an attach that was committed without our hearing of it
            await self._stores.sessions.detach(stray, door=self._door, now=now)

    def _publish(self, will: LastWill, now: datetime) -> None:
        message = publication(will, self._registry, now)
        add = self._intake.add if isinstance(message, Delivery) else self._intake.add_letter
        try:
            done = add(message).done  # type: ignore[arg-type]  # each takes its own kind
        except QueueFullError:
            return  # it comes again
        self._metrics.mqtt_wills.inc()
        done.add_done_callback(lambda future: self._was_published(will, future))

    def _was_published(self, will: LastWill, future: asyncio.Future[list[Receipt]]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._published.append(will)
            self._wake.set()
