"""The session worker of one MQTT door: everything that concerns stored sessions, in rounds, each step for many at once.

What it promises: nothing is told to a client before it is committed; what could not be committed is tried again, in
order; a session that another door took, or a door that died, is noticed within seconds even when every NOTIFY is lost.
One worker, so no two steps of a door ever race. A round makes one bounded batch of every step, so a crowd at the door
keeps nobody waiting for longer than a round; each device moves (arrives, leaves) at most once in it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from ioc.domain.event import Receipt
from ioc.domain.messaging.outbound import Closing, OutboundKind, OutboundMessage, PendingMessage, receipts_topic
from ioc.domain.messaging.presence import DOOR_BEAT_SECONDS, Departure, DoorWatch, LastWill, PresenceReason
from ioc.errors import QueueFullError, StoreUnavailableError
from ioc.ingest.mqtt.sessions.foreign_topics import ForeignPublishes
from ioc.ingest.mqtt.sessions.ports import MQTTStores
from ioc.ingest.mqtt.sessions.queues import MoveQueue, QueueStep, StepQueue, Waits
from ioc.ingest.mqtt.sessions.session import ClientSession
from ioc.ingest.mqtt.sessions.wills import publication
from ioc.ingest.pipeline.delivery import Delivery, Intake, Registry
from ioc.runtime.clock import IOClock, LogClock
from ioc.runtime.liveness import TURN_SECONDS_MAX, Beat, no_beat
from ioc.runtime.metrics import Metrics
from ioc.runtime.waiter import Waiter

LOOK_SECONDS = 1.0
RETRY_SECONDS = 0.5
MOVES_AT_ONCE = 500
GRANTS_AT_ONCE = 500
WILLS_AT_ONCE = 100
MESSAGES_AT_ONCE = 1_000
RECEIPTS_AT_ONCE = 1_000
"""Receipts of one batch; a single message with more of them makes a batch by itself."""
CLOSINGS_AT_ONCE = 1_000
RECEIPT_LIFE = timedelta(days=1)


class SessionWorker:
    """Does the sessions' business of one door, known by the random name ``door``."""

    def __init__(
        self, *, door: str, stores: MQTTStores, registry: Registry, intake: Intake, log_clock: LogClock,
        io_clock: IOClock, metrics: Metrics, moves_max: int, beat: Beat = no_beat,
    ) -> None:  # fmt: skip
        self._door = door
        self._stores = stores
        self._registry = registry
        self._intake = intake
        self._log_clock = log_clock
        self._io_clock = io_clock
        self._metrics = metrics
        self._moves_max = moves_max
        self._turn_beat = beat
        self._waits = waits = Waits(io_clock=io_clock, metrics=metrics)
        self._moves: MoveQueue[tuple[ClientSession, Departure | None]] = MoveQueue(waits)
        self._grants: StepQueue[tuple[ClientSession, bytes]] = StepQueue(QueueStep.GRANT, waits)
        self._closings: StepQueue[tuple[Closing, Callable[[], None] | None]] = StepQueue(QueueStep.CLOSING, waits)
        self._releases: StepQueue[tuple[str, int, Callable[[], None]]] = StepQueue(QueueStep.RELEASE, waits)
        self._receipts: StepQueue[tuple[ClientSession, Sequence[bytes], Callable[[], None]]] = StepQueue(
            QueueStep.RECEIPT, waits
        )
        self._foreign = ForeignPublishes(metrics)
        self._published: deque[LastWill] = deque()
        self._pending: dict[ClientSession, float] = {}  # sessions whose messages are to be read, and since when
        self._held: dict[str, ClientSession] = {}
        self._watch = DoorWatch()
        self._dead: set[str] = set()
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
        self._moves.add(session.device, (session, None))
        self._wake.set()

    def leave(self, session: ClientSession, departure: Departure | None) -> None:
        """Take note that a connection is over; without a departure nobody is told."""
        self._pending.pop(session, None)
        if departure is not None:
            self._moves.add(session.device, (session, departure))
            self._wake.set()

    def grant(self, session: ClientSession, answer: bytes) -> None:
        """Store the filters of a session, then give it its answer."""
        self._grants.add((session, answer))
        self._wake.set()

    def read_pending(self, session: ClientSession) -> None:
        """Read what waits for a session."""
        self._pending.setdefault(session, self._waits.now())
        self._wake.set()

    def close(self, closing: Closing, then: Callable[[], None] | None = None) -> None:
        """End a message, then call ``then``."""
        self._metrics.mqtt_outbound.labels(str(closing.outcome)).inc()
        self._closings.add((closing, then))
        self._wake.set()

    def release(self, device: str, number: int, then: Callable[[], None]) -> None:
        """Note that a message is confirmed at QoS 2, then call ``then``."""
        self._releases.add((device, number, then))
        self._wake.set()

    def keep_receipts(self, session: ClientSession, payloads: Sequence[bytes], then: Callable[[], None]) -> None:
        """Store receipts for a session that outlives its connection, then call ``then``."""
        self._receipts.add((session, payloads, then))
        self._wake.set()

    def foreign(self, device: str, topic: str) -> None:
        """Take note that a device spoke on a topic that is not its own: one line of the audit trail a minute."""
        if self._foreign.add(device, topic, self._log_clock.now()):
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
            self._turn_beat()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TURN_SECONDS_MAX):
                    await self._wake.wait()
            if not self._wake.is_set():
                continue
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
        refused = [(device, move) for device, move in self._moves.all() if move[1] is None and move[0].may_wait]
        self._moves.take_out(refused)
        for _, (session, _) in refused:
            # The attach may have been committed all the same: the departure that follows undoes it.
            session.unavailable()

    async def drain(self) -> None:
        """Do rounds until nothing that somebody is told of waits: the process stops.

        Raises:
            StoreUnavailableError: as :meth:`work`.
        """
        await self.work()
        while self._moves or self._grants or self._receipts or self._releases or self._closings:
            await self.work()

    async def work(self) -> None:
        """Do one round: the beat first, then one batch of each step; what is left is done in the next.

        Raises:
            StoreUnavailableError: PostgreSQL does not answer; what was not done stays to be done.
        """
        async with self._busy:
            now = self._log_clock.now()
            await self._beat(now)
            await self._move(now)
            await self._store_grants()
            await self._store_receipts(now)
            await self._store_releases()
            await self._store_closings(now)
            if self._look:
                await self._look_around(now)
            await self._deliver(now)
            await self._settle()
            if self._moves or self._receipts or self._releases or self._closings or self._dead:
                self._wake.set()

    async def _move(self, now: datetime) -> None:
        chosen = self._moves.batch(MOVES_AT_ONCE)
        if not chosen:
            return
        arriving = [session for session, departure in chosen.values() if departure is None]
        leaving = [(session, departure) for session, departure in chosen.values() if departure is not None]
        if leaving:
            await self._stores.sessions.detach([one for _, one in leaving], door=self._door, now=now)
            self._look = self._look or any(one.publish_will and session.left_will for session, one in leaving)
        for session, _ in leaving:
            if self._held.get(session.device) is session:
                del self._held[session.device]
        answers = (
            await self._stores.sessions.attach([one.arrival for one in arriving], door=self._door, now=now)
            if arriving
            else []
        )
        self._moves.done(chosen)
        for session, answer in zip(arriving, answers, strict=True):
            self._held[session.device] = session
            session.attached(answer)

    async def _store_grants(self) -> None:
        waiting = self._grants.all()
        gone = [item for item in waiting if item[0].has_left]
        if gone:
            self._grants.done_some(gone)
        ready = [item for item in waiting if item[0].is_attached and not item[0].has_left][:GRANTS_AT_ONCE]
        if not ready:
            return
        newest = {session.device: session for session, _ in ready}
        await self._stores.sessions.grant([session.grant for session in newest.values()])
        self._grants.done_some(ready)
        for session, answer in ready:
            session.granted(answer)

    async def _store_receipts(self, now: datetime) -> None:
        batch: list[tuple[ClientSession, Sequence[bytes], Callable[[], None]]] = []
        count = 0
        for item in self._receipts.batch(RECEIPTS_AT_ONCE):
            if batch and count + len(item[1]) > RECEIPTS_AT_ONCE:
                break
            batch.append(item)
            count += len(item[1])
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
        self._receipts.done(len(batch))
        for session, _, then in batch:
            then()
            session.announce(newest.get(session.device, 0))

    async def _store_releases(self) -> None:
        batch = self._releases.batch(CLOSINGS_AT_ONCE)
        if batch:
            await self._stores.outbound.release([(device, number) for device, number, _ in batch])
            self._releases.done(len(batch))
        for _, _, then in batch:
            then()

    async def _store_closings(self, now: datetime) -> None:
        batch = self._closings.batch(CLOSINGS_AT_ONCE)
        if batch:
            await self._stores.outbound.close([closing for closing, _ in batch], now)
            self._closings.done(len(batch))
        for _, then in batch:
            if then is not None:
                then()

    async def _deliver(self, now: datetime) -> None:
        sessions, count = [], 0
        for session in tuple(self._pending):
            wanted = session.wanted
            if wanted is None:  # it asks again once there is room, or once it is attached
                del self._pending[session]
            elif count < MESSAGES_AT_ONCE:
                sessions.append((session, wanted))
                count += wanted[3]
        if not sessions:
            return
        messages = await self._stores.outbound.read([wanted for _, wanted in sessions])
        by_device: dict[str, list[PendingMessage]] = {}
        for message in messages:
            by_device.setdefault(message.device, []).append(message)
        since = [self._pending.pop(session) for session, _ in sessions if session in self._pending]
        self._waits.record(QueueStep.DELIVERY, since, waiting=len(self._pending))
        for session, _ in sessions:
            session.deliver(by_device.get(session.device, ()), now)
        await self._store_closings(now)
        if self._pending:
            self._wake.set()

    async def _settle(self) -> None:
        """Store what nobody waits for: foreign topics in the audit trail, wills that the log has."""
        foreign = self._foreign.batch()
        if foreign:
            await self._stores.doors.audit_foreign(foreign, self._log_clock.now())
            self._foreign.done(foreign)
            if self._foreign.batch():
                self._wake.set()
        if self._published:
            wills = list(self._published)
            await self._stores.wills.forget(wills)
            for _ in wills:
                self._published.popleft()

    # -- what others did

    async def _beat(self, now: datetime) -> None:
        """Say that this door lives, and look after the others and after sessions whose time is over."""
        seconds = self._io_clock.seconds()
        if seconds - self._beat_at >= DOOR_BEAT_SECONDS:
            await self._stores.doors.beat(self._door, now)
            due, self._beat_at = self._beat_at + DOOR_BEAT_SECONDS, seconds
            if due > 0:  # not the first
                self._waits.record(QueueStep.BEAT, [due], waiting=0)
            dead = self._watch.look(await self._stores.doors.beats(), self._io_clock.seconds()) - {self._door}
            if dead - self._dead:
                structlog.get_logger().warning("doors_gone", doors=sorted(dead))
            self._dead = dead
            await self._stores.sessions.end_expired(now)
        if self._dead:
            lost = await self._stores.doors.lose(self._dead, now)
            if lost:
                structlog.get_logger().warning("sessions_lost", doors=sorted(self._dead), devices=lost)
            else:
                self._dead = set()

    async def _look_around(self, now: datetime) -> None:
        """Find sessions that were taken over elsewhere, messages for those that are here, and wills that are due."""
        self._look = False
        held = await self._stores.held.held(self._door)
        mine = sum(session.connection for session in self._held.values())
        if (held.sessions, held.connections_sum) != (len(self._held), mine):
            await self._reconcile(now)
        for device, number in held.waiting.items():
            session = self._held.get(device)
            if session is not None:
                session.announce(number)
        if self._intake.has_room:
            wills = await self._stores.wills.claim(now, limit=WILLS_AT_ONCE)
            for will in wills:
                self._publish(will, now)
            if len(wills) == WILLS_AT_ONCE:
                self._look = True
                self._wake.set()

    async def _reconcile(self, now: datetime) -> None:
        rows = await self._stores.held.held_connections(self._door)
        gone = {device: one for device, one in self._held.items() if rows.get(device) != one.connection}
        live = {device: one.connection for device, one in gone.items() if not one.has_left}
        back = await self._stores.held.reclaim(live, door=self._door, now=now) if live else set()
        for device, session in gone.items():
            if device not in back:
                del self._held[device]
                session.taken_over()
        stray = [
            Departure(device=device, connection=connection, reason=PresenceReason.LOST, publish_will=True, sent_to=None)
            for device, connection in rows.items()
            if device not in self._held and device not in gone
        ]
        if stray:  # an attach was committed, and its answer was lost on the way to us
            await self._stores.sessions.detach(stray, door=self._door, now=now)

    def _publish(self, will: LastWill, now: datetime) -> None:
        message = publication(will, self._registry, now)
        add = self._intake.add if isinstance(message, Delivery) else self._intake.add_letter
        try:
            done = add(message).done  # type: ignore[arg-type]  # each takes its own kind
        except QueueFullError:
            return  # it stays due, and is claimed again
        self._metrics.mqtt_wills.inc()
        done.add_done_callback(lambda future: self._was_published(will, future))

    def _was_published(self, will: LastWill, future: asyncio.Future[list[Receipt]]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._published.append(will)
            self._wake.set()
