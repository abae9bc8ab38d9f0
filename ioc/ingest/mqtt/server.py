"""The MQTT endpoint for publishing devices: MQTT 3.1.1 and 5, PUBACK after COMMIT.

It is no broker: devices publish their events and read what the house tells them, nothing else. One door serves many
connections from one event loop; they wait their turn when the intake is full, and a device has one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Coroutine

from ioc.errors import StoreUnavailableError
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.connect import LiveRegistry, MQTTBounds
from ioc.ingest.mqtt.connection import MQTTConnection
from ioc.ingest.mqtt.connections import ConnectionTable
from ioc.ingest.mqtt.context import DoorContext
from ioc.ingest.mqtt.gate import ConnectGate
from ioc.ingest.mqtt.limits import Addresses, site_of
from ioc.ingest.mqtt.listener import Listener, TLSContext
from ioc.ingest.mqtt.ports import Pause
from ioc.ingest.mqtt.read_scheduler import ReadScheduler
from ioc.ingest.mqtt.sessions.ports import MQTTStores
from ioc.ingest.mqtt.sessions.worker import SessionWorker
from ioc.ingest.pipeline.delivery import Intake
from ioc.runtime.clock import IOClock, LogClock
from ioc.runtime.liveness import Beat, no_beat
from ioc.runtime.metrics import Metrics
from ioc.runtime.waiter import Waiter

DOOR_NAME_BYTES = 8
MOVES_PER_CONNECTION = 4
"""Arrivals and departures that may wait for the database, for each connection that may be open."""
FORGET_SECONDS = 30.0
"""How often addresses and devices that were not seen lately are forgotten."""
STOP_STEP_SECONDS = 0.01
"""How often a stop looks whether what it waits for is done."""


class MQTTDoor:
    """Listens for devices. Nothing happens before :meth:`start`."""

    def __init__(
        self, *, pipeline: Intake, registry: LiveRegistry, bounds: MQTTBounds, log_clock: LogClock, io_clock: IOClock,
        metrics: Metrics, stores: MQTTStores, waiter: Waiter, wall: LogClock | None = None,
        beat: Beat = no_beat,
    ) -> None:  # fmt: skip
        """``wall`` dates sessions and the doors' beats: never virtual, where ``log_clock`` is a drill's.

        ``beat`` is called by the loop that does the sessions' business.
        """
        self.session_worker = SessionWorker(
            door=secrets.token_hex(DOOR_NAME_BYTES), stores=stores, registry=registry, intake=pipeline,
            log_clock=wall or log_clock, io_clock=io_clock, metrics=metrics,
            moves_max=MOVES_PER_CONNECTION * bounds.connections_max, beat=beat,
        )  # fmt: skip
        self._addresses = addresses = Addresses(bounds.limits)
        self.gate = ConnectGate(
            registry=registry, bounds=bounds, addresses=addresses, io_clock=io_clock, wall=wall or log_clock,
            metrics=metrics, spawn=self._spawn,
        )  # fmt: skip
        scheduler = ReadScheduler(room=pipeline, metrics=metrics, spawn=self._spawn)
        self.connections = ConnectionTable(
            connections_max=bounds.connections_max, addresses=addresses, scheduler=scheduler, io_clock=io_clock,
            metrics=metrics,
        )  # fmt: skip
        self.context = DoorContext(
            bounds=bounds, registry=registry, gate=self.gate, turns=scheduler, intake=pipeline,
            sessions=self.session_worker, log_clock=log_clock, io_clock=io_clock, metrics=metrics,
        )  # fmt: skip
        self._waiter = waiter
        self._refusal_store = stores.refusals
        self._listeners: list[Listener] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._broken: list[asyncio.Task[None]] = []
        self._broke = asyncio.Event()

    async def start(self, host: str, port: int, *, tls: TLSContext | None = None, shared: bool = False) -> int:
        """Listen on an address, over TLS or not, and return the bound port (``port`` 0 picks a free one).

        ``shared``: other doors of this machine listen there too, and the kernel shares the connections out.

        It may be called once for each address.

        Raises:
            OSError: the address is taken or not ours.
        """
        context = self.context
        listener = Listener(self, tls=tls, handshake_seconds=context.bounds.limits.handshake_seconds)
        bound = listener.open(host, port, shared=shared)
        if not self._listeners:
            context.registry.on_change.append(self.registry_changed)
            self._spawn(self._sweep(), "mqtt-sweep")
            self._spawn(self.gate.refusals.write(self._refusal_store), "mqtt-refusals")
            self._spawn(self.session_worker.run(), "mqtt-sessions")
            self._spawn(self.session_worker.listen(self._waiter), "mqtt-sessions-listen")
        self._listeners.append(listener)
        return bound

    async def stop(self, deadline_seconds: float) -> None:
        """Take nothing more, acknowledge what is submitted, say goodbye and hang up, within about the deadline."""
        self.connections.is_open = False
        linger_seconds = self.context.bounds.linger_seconds
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.close()
        if listeners:
            self.context.registry.on_change.remove(self.registry_changed)
        for connection in self.connections:
            connection.pause(Pause.STOPPING)
        await self._until(lambda: not self.connections.is_busy, deadline_seconds)
        for connection in self.connections:
            connection.end(ReasonCode.SERVER_SHUTTING_DOWN, None)
        await self._until(lambda: not len(self.connections), linger_seconds)
        for connection in self.connections:
            connection.abort()
        if listeners:
            with contextlib.suppress(TimeoutError, StoreUnavailableError):  # what was not noted is sent again
                await asyncio.wait_for(self.session_worker.drain(), linger_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for listener in listeners:
            await listener.wait_closed()

    async def _until(self, condition: Callable[[], bool], seconds_max: float) -> None:
        """Wait until a condition holds, at most so long."""
        seconds = self.context.io_clock.seconds
        until = seconds() + seconds_max
        while not condition() and seconds() < until:  # noqa: ASYNC110 - a stop, once in the life of a door
            await asyncio.sleep(STOP_STEP_SECONDS)

    def revoke(self, fingerprints: frozenset[str]) -> None:
        """Hold these client certificates for worthless; connections that rest on one end."""
        self.gate.revoked = fingerprints
        self.registry_changed()

    def registry_changed(self) -> None:
        """Let every connection look at its key again; those whose key is gone are closed."""
        for connection in self.connections:
            connection.registry_changed()

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
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
        if not self.connections.is_open:
            return "stopping"
        return self._addresses.opens(site_of(host), self.context.io_clock.seconds(), tls=tls)

    def handler(self, host: str) -> MQTTConnection:
        """Return the protocol that serves a socket which has its place."""
        return MQTTConnection(self.context, self.connections, site_of(host))

    def turned_away(self, host: str | None, reason: str) -> None:
        """Count a socket that never became a connection; with its ``host`` its place is free again."""
        self.context.metrics.mqtt_refused.labels(reason).inc()
        if host is not None:
            self._addresses.closed(site_of(host), was_admitted=False)

    # -- deadlines

    async def _sweep(self) -> None:
        """Look at every connection's deadlines twice a second: cheaper than a timer for each."""
        io_clock, log_clock = self.context.io_clock, self.context.log_clock
        forgotten_at = io_clock.seconds()
        while True:
            await asyncio.sleep(self.context.bounds.sweep_seconds)
            seconds, now = io_clock.seconds(), log_clock.now()
            if seconds - forgotten_at > FORGET_SECONDS:
                forgotten_at = seconds
                self._addresses.forget(seconds)
                self.gate.forget(seconds)
            for connection in self.connections:
                connection.check(seconds, now)
