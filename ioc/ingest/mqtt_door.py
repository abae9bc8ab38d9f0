"""The MQTT endpoint for publishing devices: MQTT 3.1.1 and 5, PUBACK after COMMIT.

It is no broker: devices publish their events and read what the house tells them, nothing else. One door serves many
connections from one event loop; they wait their turn when the intake is full, and a device has one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque

import structlog

from ioc.clock import IOClock, LogClock
from ioc.errors import StoreUnavailableError
from ioc.ingest.fairness import TURN_EVENTS
from ioc.ingest.mqtt.reasons import ReasonCode
from ioc.ingest.mqtt_connection import MQTTConnection
from ioc.ingest.mqtt_desk import SessionDesk, Waiter
from ioc.ingest.mqtt_limits import Addresses, Reconnects, site_of
from ioc.ingest.mqtt_listener import Listener, TLSContext
from ioc.ingest.mqtt_ports import DOOR, Connection, Intake, Pause
from ioc.ingest.mqtt_stores import MQTTStores
from ioc.ingest.mqtt_welcome import LiveRegistry, MQTTBounds
from ioc.metrics import Metrics

DOOR_NAME_BYTES = 8
MOVES_PER_CONNECTION = 4
"""Arrivals and departures that may wait for the database, for each connection that may be open."""
FORGET_SECONDS = 30.0
"""How often addresses and devices that were not seen lately are forgotten."""
SLICE_BYTES = 32 << 10
"""How much one turn of the event loop reads before it looks at everything else: about 2 ms of work."""
MESSAGE_BYTES = 128
"""What a message costs of a slice beside its payload."""
NEVER = float("-inf")


class MQTTDoor:
    """Listens for devices. Nothing happens before :meth:`start`."""

    def __init__(
        self, *, pipeline: Intake, registry: LiveRegistry, bounds: MQTTBounds, log_clock: LogClock, io_clock: IOClock,
        metrics: Metrics, stores: MQTTStores, waiter: Waiter, wall: LogClock | None = None,
    ) -> None:  # fmt: skip
        """``wall`` dates sessions and the doors' beats: never virtual, where ``log_clock`` is a drill's."""
        self.intake = pipeline
        self.registry = registry
        self.bounds = bounds
        self.log_clock = log_clock
        self.io_clock = io_clock
        self.metrics = metrics
        self.desk = SessionDesk(
            door=secrets.token_hex(DOOR_NAME_BYTES), stores=stores, registry=registry, intake=pipeline,
            log_clock=wall or log_clock, io_clock=io_clock, metrics=metrics,
            moves_max=MOVES_PER_CONNECTION * bounds.connections_max,
        )  # fmt: skip
        self._waiter = waiter
        self.revoked: frozenset[str] = frozenset()
        self._listeners: list[Listener] = []
        self._addresses = Addresses(bounds.limits)
        self._reconnects = Reconnects(bounds.limits.device_connects_per_minute)
        self._connections: set[Connection] = set()
        self._by_device: dict[str, Connection] = {}
        self._waiting: deque[Connection] = deque()  # for room in the intake, each once, in turn
        self._turn: Connection | None = None
        self._slice_left = SLICE_BYTES
        self._is_slicing = False
        self._loop: asyncio.AbstractEventLoop
        self._sliced: deque[Connection] = deque()  # for the next turn of the event loop, each once
        self._catching_up: deque[Connection] = deque()  # backlogs that wait for their turn, each once
        self._asking: list[Connection] = []  # for a fresh registry
        self._asked_at = NEVER
        self._tasks: set[asyncio.Task[None]] = set()
        self._giving = self._sharing = self._refreshing = False
        self._stopping = False
        self._quiet = asyncio.Event()
        self._gone = asyncio.Event()
        self._broken: list[asyncio.Task[None]] = []
        self._broke = asyncio.Event()

    async def start(self, host: str, port: int, *, tls: TLSContext | None = None, shared: bool = False) -> int:
        """Listen on an address, over TLS or not, and return the bound port (``port`` 0 picks a free one).

        ``shared``: other doors of this machine listen there too, and the kernel shares the connections out.

        It may be called once for each address.

        Raises:
            OSError: the address is taken or not ours.
        """
        listener = Listener(self, tls=tls, handshake_seconds=self.bounds.limits.handshake_seconds)
        self._loop = asyncio.get_running_loop()
        bound = listener.open(host, port, shared=shared)
        if not self._listeners:
            self.registry.on_change.append(self.registry_changed)
            self._spawn(self._sweep(), "mqtt-sweep")
            self._spawn(self.desk.run(), "mqtt-desk")
            self._spawn(self.desk.listen(self._waiter), "mqtt-desk-listen")
        self._listeners.append(listener)
        return bound

    async def stop(self, deadline_seconds: float) -> None:
        """Take nothing more, acknowledge what is submitted, say goodbye and hang up, within about the deadline."""
        self._stopping = True
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.close()
        if listeners:
            self.registry.on_change.remove(self.registry_changed)
        for connection in self._connections:
            connection.pause(Pause.STOPPING)
        if self._busy():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), deadline_seconds)
        for connection in tuple(self._connections):
            connection.end(ReasonCode.SERVER_SHUTTING_DOWN, None)
        if self._connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), self.bounds.linger_seconds)
        for connection in tuple(self._connections):
            connection.abort()
        if listeners:
            with contextlib.suppress(TimeoutError, StoreUnavailableError):  # what was not noted is sent again
                await asyncio.wait_for(self.desk.work(), self.bounds.linger_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for listener in listeners:
            await listener.wait_closed()

    def revoke(self, fingerprints: frozenset[str]) -> None:
        """Hold these client certificates for worthless; connections that rest on one end."""
        self.revoked = fingerprints
        self.registry_changed()

    def registry_changed(self) -> None:
        """Let every connection look at its key again; those whose key is gone are closed."""
        for connection in tuple(self._connections):
            connection.registry_changed()

    def _spawn(self, work: asyncio._CoroutineLike[None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._broken.append(task)
            self._broke.set()

    async def broken(self) -> None:
        """Return never, or raise what one of the door's own workers died of: half a door is worse than none."""
        await self._broke.wait()
        self._broken[0].result()

    # -- what listeners ask

    def arrives(self, host: str, *, tls: bool) -> str | None:
        """Return why a socket from ``host`` is not taken in, as the reason of a metric; None: it has its place."""
        if self._stopping:
            return "stopping"
        return self._addresses.opens(site_of(host), self.io_clock.seconds(), tls=tls)

    def guest(self, host: str) -> MQTTConnection:
        """Return the protocol that serves a socket which has its place."""
        return MQTTConnection(self, site_of(host))

    def turned_away(self, host: str | None, reason: str) -> None:
        """Count a socket that never became a connection; with its ``host`` its place is free again."""
        self.metrics.mqtt_refused.labels(reason).inc()
        if host is not None:
            self._addresses.closed(site_of(host), was_admitted=False)

    # -- what connections ask

    def opened(self, connection: Connection) -> bool:
        """Tell whether there is place for one more connection."""
        if self._stopping or len(self._connections) >= self.bounds.connections_max:
            return False
        self._connections.add(connection)
        self.metrics.mqtt_connections.set(len(self._connections))
        return True

    def may_connect(self, device: str) -> bool:
        """Tell whether a device that has proved itself may connect once more now."""
        return self._reconnects.may_connect(device, self.io_clock.seconds())

    def refused(self, host: str) -> float:
        """Take note of a refused CONNECT; return how many seconds its answer should wait."""
        return self._addresses.failed(host, self.io_clock.seconds())

    def admitted(self, connection: Connection) -> None:
        """Take note of who it is and end an older connection of the same device."""
        self._addresses.admitted(connection.host)
        older = self._by_device.get(connection.device)
        self._by_device[connection.device] = connection
        if older is not None:
            older.end(ReasonCode.SESSION_TAKEN_OVER, "session_taken_over")

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        self._addresses.closed(connection.host, was_admitted=bool(connection.device))
        with contextlib.suppress(ValueError):  # who comes and goes during an outage must not pile up here
            self._waiting.remove(connection)
        with contextlib.suppress(ValueError):
            self._catching_up.remove(connection)
        if self._by_device.get(connection.device) is connection:
            del self._by_device[connection.device]
        self.metrics.mqtt_connections.set(len(self._connections))
        if self._stopping and not self._connections:
            self._gone.set()
        self.acknowledged()

    def acknowledged(self) -> None:
        """Take note that a connection has no message waiting any more: a stop may go on."""
        if self._stopping and not self._busy():
            self._quiet.set()

    def _busy(self) -> bool:
        return any(connection.waiting_count for connection in self._connections)

    # -- room in the intake, in turn

    def may_submit(self, connection: Connection) -> bool:
        """Tell whether the intake has room and no other connection has waited longer for it."""
        return self.intake.has_room and (not self._waiting or self._turn is connection)

    def wait_for_room(self, connection: Connection) -> None:
        """Call the connection when its turn has come."""
        self.metrics.ingest_full.labels(DOOR).inc()
        self._waiting.append(connection)
        if not self._giving:
            self._giving = True
            self._spawn(self._give_room(), "mqtt-room")

    async def _give_room(self) -> None:
        try:
            while self._waiting:
                await self.intake.wait_for_room()
                self._turn = self._waiting.popleft()
                try:
                    self._turn.resume(Pause.INTAKE)
                finally:
                    self._turn = None
                await asyncio.sleep(0)  # with room to spare the loop would not let anybody else in
        finally:
            self._giving = False

    # -- slices of reading

    def may_read(self, cost: int) -> bool:
        """Tell whether this turn of the event loop may read another message of ``cost`` bytes, and count it.

        A burst of all devices at once would keep the loop for a tenth of a second; the commit that is under way has
        half a dozen questions to PostgreSQL, and each would be asked only after the whole burst. So they take turns:
        a slice of reading, then whatever else the loop has heard.
        """
        if self._slice_left <= 0:
            return False
        self._slice_left -= cost + MESSAGE_BYTES
        if not self._is_slicing:
            self._is_slicing = True
            self._loop.call_soon(self._next_slice)
        return True

    def wait_for_slice(self, connection: Connection) -> None:
        """Call the connection in the next turn of the event loop, or one of the next."""
        self._sliced.append(connection)

    def _next_slice(self) -> None:
        self._slice_left = SLICE_BYTES
        self._is_slicing = False
        for _ in range(len(self._sliced)):
            if self._slice_left <= 0:
                break
            self._sliced.popleft().resume(Pause.SLICE)
        if self._sliced and not self._is_slicing:
            self._is_slicing = True
            self._loop.call_soon(self._next_slice)

    # -- backlogs, in turn

    def wait_for_turn(self, connection: Connection) -> None:
        """Call the connection when a backlog may send and it is its turn."""
        self.metrics.ingest_backlog_held.labels(DOOR).inc()
        # Whose turn was cut short because the share was used up goes on with it; whose turn is over goes to the end.
        queue = self._catching_up.appendleft if connection.lane.turn_left > 0 else self._catching_up.append
        queue(connection)
        if not self._sharing:
            self._sharing = True
            self._spawn(self._give_turns(), "mqtt-backlog")

    async def _give_turns(self) -> None:
        try:
            while self._catching_up:
                await self.intake.share.wait()
                if not self._catching_up:
                    return  # who waited has gone
                connection = self._catching_up.popleft()
                if connection.lane.turn_left <= 0:
                    connection.lane.turn_left += TURN_EVENTS  # a large array is paid for with several turns
                if connection.lane.turn_left <= 0:
                    self._catching_up.append(connection)
                else:
                    connection.resume(Pause.BACKLOG)
                await asyncio.sleep(0)
        finally:
            self._sharing = False

    # -- a fresh registry, not too often

    def ask_again(self, connection: Connection) -> None:
        """Read the registry again and call the connection; a flood of unknown keys costs one read a second."""
        self._asking.append(connection)
        if not self._refreshing:
            self._refreshing = True
            self._spawn(self._refresh(), "mqtt-registry")

    async def _refresh(self) -> None:
        """Ask the database for all who wait, at most once a second, however many strangers knock.

        Who comes while it is asked waits for the next answer: this one may be older than their key.
        """
        while self._asking:
            pause = self._asked_at + self.bounds.refresh_seconds - self.io_clock.seconds()
            if pause > 0:
                await asyncio.sleep(pause)
            self._asked_at = self.io_clock.seconds()
            asking, self._asking = self._asking, []
            readable = True
            try:
                await self.registry.refresh()
            except StoreUnavailableError as error:
                readable = False
                structlog.get_logger().warning("registry_unreadable", error=str(error))
            for connection in asking:
                connection.looked_up(readable=readable)
        self._refreshing = False

    # -- deadlines

    async def _sweep(self) -> None:
        """Look at every connection's deadlines twice a second: cheaper than a timer for each."""
        forgotten_at = self.io_clock.seconds()
        while True:
            await asyncio.sleep(self.bounds.sweep_seconds)
            seconds, now = self.io_clock.seconds(), self.log_clock.now()
            if seconds - forgotten_at > FORGET_SECONDS:
                forgotten_at = seconds
                self._addresses.forget(seconds)
                self._reconnects.forget(seconds)
            for connection in tuple(self._connections):
                connection.check(seconds, now)
