"""The link to a site's own broker: one persistent session, kept connected by a thread of its own until stopped.

The event loop queues orders (acknowledge, publish, begin anew); the thread carries them out between two reads. An
acknowledgement for an older connection is counted and dropped. A failure ends the thread; :meth:`BrokerLink.check` then
raises it in the role. The thread notes its failure before it ends, so that its end is never seen without the reason.
"""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import paho.mqtt
import structlog

from ioc.errors import ServiceUnreachableError, SettingsError
from ioc.ingest.bridge.inbox import Inbox
from ioc.ingest.bridge.plan import BridgePlan
from ioc.ingest.bridge.session import CONNECT_SECONDS, BrokerSession, LinkMemory
from ioc.runtime.clock import IOClock
from ioc.runtime.metrics import Metrics

PAHO_MIN = (2, 2)
"""Before 2.2 paho gave up during a long receive and counted incoming QoS 2 wrongly."""
STUCK_SECONDS = 90.0
"""A thread that shows no sign for this long hangs: in a name look-up, or in paho."""
STOP_SECONDS = 3.0
BACKOFF_SECONDS = (0.2, 30.0)
RECEIPTS_WAITING_MAX = 5_000


@dataclass(frozen=True, slots=True)
class LinkState:
    """What the link says whenever it changes. ``why``: the reason of the last end or failure."""

    connected: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Acknowledge:
    epoch: int
    packet_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Publish:
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class _BeginAnew:
    epoch: int


class BrokerLink:
    """One session at one broker. Methods are for the event loop's thread unless they say otherwise."""

    def __init__(
        self, *, plan: BridgePlan, inbox: Inbox, io_clock: IOClock, metrics: Metrics,
        on_change: Callable[[LinkState], None],
    ) -> None:  # fmt: skip
        """Prepare; ``on_change`` is called in the link's thread and must not block.

        Raises:
            SettingsError: paho is too old, or a file for TLS cannot be used.
        """
        check_paho(paho.mqtt.__version__)
        self._plan = plan
        self._tls = tls_context(plan) if plan.address.tls else None
        self._inbox = inbox
        self._io_clock = io_clock
        self._metrics = metrics
        self._on_change = on_change
        self._dice = random.SystemRandom()
        self._orders: deque[_Acknowledge | _Publish | _BeginAnew] = deque()
        self._wake_read, self._wake_write = socket.socketpair()
        for end in (self._wake_read, self._wake_write):
            end.setblocking(False)  # noqa: FBT003 - the standard library's signature
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bridge", daemon=True)
        self._due = float("inf")
        self._failure: BaseException | None = None
        self._epoch = 0
        self._receipts_ordered = 0
        self._remembered = LinkMemory(plan.session_known)
        self._state = LinkState(connected=False)

    def start(self) -> None:
        """Begin to connect, and stay connected."""
        self._thread.start()

    def acknowledge(self, epoch: int, packet_ids: Iterable[int]) -> None:
        """Acknowledge messages of a connection; if it is not the present one it is dropped: they will come again."""
        self._orders.append(_Acknowledge(epoch, tuple(packet_ids)))
        self._wake()

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Publish (topic, payload) at QoS 1, as far as there is room and a connection; the rest is counted."""
        for topic, payload in messages:
            if self._receipts_ordered - self._remembered.receipts_done >= RECEIPTS_WAITING_MAX:
                self._metrics.bridge_receipts.labels("dropped").inc()
                continue
            self._receipts_ordered += 1
            self._orders.append(_Publish(topic, payload))
        self._wake()

    def begin_anew(self, epoch: int) -> None:
        """End this connection, so that the broker sends again what is not acknowledged."""
        self._orders.append(_BeginAnew(epoch))
        self._wake()

    def stop(self) -> None:
        """Send what is ordered, say good-bye and end the thread. Blocks briefly; the session stays with the broker."""
        self._stopping.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS + CONNECT_SECONDS)
        if not self._thread.is_alive():
            self._wake_read.close()
            self._wake_write.close()

    def check(self) -> None:
        """Look whether the thread lives and moves.

        Raises:
            ServiceUnreachableError: it does not; only a new process helps.
        """
        failure = self._failure  # read before is_alive: the thread notes its failure first, then ends
        if failure is not None:
            raise ServiceUnreachableError(f"the bridge's thread ended: {failure!r}") from failure
        started = self._thread.ident is not None
        if started and not self._thread.is_alive() and not self._stopping.is_set() and self._failure is None:
            raise ServiceUnreachableError("the bridge's thread ended without a reason")
        if self._io_clock.seconds() > self._due:
            raise ServiceUnreachableError("the bridge's thread hangs")

    def _run(self) -> None:
        """Work until stopped; what ends it is kept for :meth:`check`, and the event loop told to look."""
        try:
            self._stay_connected()
        except BaseException as error:  # noqa: BLE001 - whatever it is, check() raises it where the role hears it
            self._failure = error
            self._inbox.wake()
            structlog.get_logger().error("bridge_thread_failed", trace="".join(traceback.format_exception(error)))

    def _stay_connected(self) -> None:
        """Connect, serve, wait a little longer after each failure, connect again."""
        shortest, longest = BACKOFF_SECONDS
        pause = shortest
        while not self._stopping.is_set():
            self._expect(STUCK_SECONDS)
            session = self._session()
            pause = shortest if session.connected else min(pause * 2, longest)
            self._changed(LinkState(connected=False, why=session.end or "the connection was lost"))
            if session.wanted_anew:
                continue
            self._expect(STUCK_SECONDS + pause)
            self._stopping.wait(pause * self._dice.uniform(0.5, 1.0))
        self._due = float("inf")

    def _session(self) -> BrokerSession:
        """Live through one connection."""
        self._epoch += 1
        session = BrokerSession(
            self._epoch, plan=self._plan, tls=self._tls, inbox=self._inbox, remembered=self._remembered,
            io_clock=self._io_clock, metrics=self._metrics, on_connected=self._connected,
        )  # fmt: skip
        try:
            session.connect()
            session.serve(wake=self._wake_read, turn=lambda: self._turn(session))
        except OSError as error:
            session.end = f"{self._plan.address.display_text} cannot be reached: {error}"
        finally:
            session.close()
        if not session.connected:
            self._metrics.bridge_connects.labels("failed").inc()
        return session

    def _turn(self, session: BrokerSession) -> bool:
        """Carry out the queued orders; tell whether the connection goes on."""
        self._expect(STUCK_SECONDS)
        # Read before the orders: those that came before the stop are still carried out.
        stopping = self._stopping.is_set()
        while self._orders:
            order = self._orders.popleft()
            if isinstance(order, _Acknowledge):
                self._acknowledge(session, order)
            elif isinstance(order, _Publish):
                session.publish(order.topic, order.payload)
            elif order.epoch == session.epoch:
                session.wanted_anew, session.end = True, "the inbox was full: what was not taken is sent again"
        return not stopping

    def _acknowledge(self, session: BrokerSession, order: _Acknowledge) -> None:
        if order.epoch != session.epoch:
            # The packet id is of an older connection. On this one it may be another message's, which an acknowledgement
            # would delete at the broker.
            self._metrics.bridge_acks.labels("stale").inc(len(order.packet_ids))
            return
        session.acknowledge(order.packet_ids)
        self._metrics.bridge_acks.labels("sent").inc(len(order.packet_ids))

    def _connected(self) -> None:
        self._metrics.bridge_connects.labels("connected").inc()
        self._changed(LinkState(connected=True))

    def _changed(self, state: LinkState) -> None:
        if state == self._state:
            return
        self._state = state
        self._metrics.bridge_connected.set(state.connected)
        log = structlog.get_logger()
        if state.connected:
            log.info("bridge_connected", broker=self._plan.address.display_text, epoch=self._epoch)
        elif self._stopping.is_set():
            log.info("bridge_stopped", broker=self._plan.address.display_text)
        else:
            log.warning("bridge_away", broker=self._plan.address.display_text, why=state.why)
        self._on_change(state)

    def _expect(self, seconds: float) -> None:
        """Promise to be here again within this time."""
        self._due = self._io_clock.seconds() + seconds

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._wake_write.send(b"\0")


def check_paho(version: str) -> None:
    """Refuse a paho that is known to lose.

    Raises:
        SettingsError: it is older than 2.2.
    """
    if tuple(int(part) for part in version.split(".")[:2]) < PAHO_MIN:
        raise SettingsError(f"paho-mqtt {version} is too old for the bridge: install 2.2 or newer")


def tls_context(plan: BridgePlan) -> ssl.SSLContext:
    """Return what a connection over TLS 1.2 or later trusts and shows.

    Raises:
        SettingsError: a file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=plan.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if plan.cert_file is not None:
            context.load_cert_chain(plan.cert_file, plan.key_file)
    except OSError as error:
        raise SettingsError(f"IOC_MQTT_BRIDGE_CA_FILE, _CERT_FILE, _KEY_FILE: {error}") from error
    return context
