"""From what the broker hands over to deliveries, and from their commits to acknowledgements and receipts, in order.

The bridge trusts its broker's topics: `ioc/v1/{feed}/{device}` names the device. Whatever else comes is kept as a dead
letter with its reason. Each message is acknowledged only after the commit that holds it; while the pipeline is full
nothing more is taken, and the broker, with its window used up, waits.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ioc.domain.event import DeadLetter, Receipt, hash16
from ioc.errors import QueueFullError, ServiceUnreachableError
from ioc.ingest.bridge.inbox import BridgeMessage, Inbox
from ioc.ingest.bridge.plan import DOOR, RECEIPTS, source_of
from ioc.ingest.mqtt.acks import plain, receipt_bodies
from ioc.ingest.pipeline.backlog import Lane
from ioc.ingest.pipeline.delivery import Bundle, Delivery, Intake
from ioc.runtime.clock import LogClock
from ioc.runtime.liveness import TURN_SECONDS_MAX, Beat, no_beat
from ioc.runtime.metrics import Metrics

CHUNK = 200
HEAD_BYTES_MAX = 4_096
TOPIC_CHARS_MAX = 512
WATCH_SECONDS = TURN_SECONDS_MAX
RUN_BYTES = 12


class Link(Protocol):
    """The link to the broker, as far as the uplink needs it."""

    def acknowledge(self, epoch: int, packet_ids: Iterable[int]) -> None:
        """Acknowledge messages of a connection, if it is still the present one."""
        ...

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Publish at QoS 1 as far as there is room."""
        ...

    def begin_anew(self, epoch: int) -> None:
        """End this connection, so that the broker sends again what is not acknowledged."""
        ...

    def check(self) -> None:
        """Raise when the link can never work again."""
        ...


@dataclass(slots=True, eq=False)
class _WaitingMessage:
    """One message between its submission and its acknowledgement."""

    arrival: BridgeMessage
    device: str | None
    bundle: Bundle


class BridgeUplink:
    """Takes from the inbox, submits, and acknowledges after the commit."""

    def __init__(
        self, *, inbox: Inbox, link: Link, intake: Intake, log_clock: LogClock, metrics: Metrics, body_bytes_max: int,
        inflight_max: int, receipts: bool = True, beat: Beat = no_beat,
    ) -> None:  # fmt: skip
        self._inbox = inbox
        self._link = link
        self._intake = intake
        self._log_clock = log_clock
        self._metrics = metrics
        self._body_bytes_max = body_bytes_max
        self._inflight_max = inflight_max
        self._receipts = receipts
        self._beat = beat
        self._lane = Lane()
        self._chunk: deque[BridgeMessage] = deque()
        self._waiting: deque[_WaitingMessage] = deque()
        self._owners: dict[tuple[int, int], _WaitingMessage] = {}
        """The message that a packet id of a connection stands for. A broker may send one again unasked (NATS does)."""
        self._nonces: dict[int, tuple[bytes, bytes]] = {}
        self._run_nonce = secrets.token_bytes(RUN_BYTES)
        self._serial = 0
        self._renewed = 0
        self._stopping = self._broken = False
        self._idle = asyncio.Event()

    def __len__(self) -> int:
        """How many messages are taken and not yet committed."""
        return len(self._chunk) + len(self._waiting)

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            ServiceUnreachableError: the link's thread or the intake has ended; the role must begin anew.
        """
        while True:
            try:
                await asyncio.wait_for(self._inbox.wait(), WATCH_SECONDS)
            except TimeoutError:
                self._check()
            while not self._stopping and len(self._inbox):
                self._chunk.extend(self._inbox.take(CHUNK))
                self._metrics.bridge_waiting.set(len(self._inbox) + len(self))
                while self._chunk and not self._stopping:
                    if not self._intake.has_room:
                        await self._room()
                    elif not self._intake.share.may_pass(self._lane):
                        await self._turn()
                    else:
                        self._take(self._chunk.popleft())
                self._beat()
                await asyncio.sleep(0)
            self._check()
            self._renew()

    async def _room(self) -> None:
        """Wait until the pipeline takes more, with an eye on the link."""
        waiting = asyncio.ensure_future(self._intake.wait_for_room())
        try:
            while not waiting.done():
                await asyncio.wait({waiting}, timeout=WATCH_SECONDS)
                self._check()
        finally:
            waiting.cancel()

    async def _turn(self) -> None:
        """Wait for the turn of a backlog: to fair intake the broker's queue, in its one order, is one sender."""
        self._metrics.ingest_backlog_held.labels(DOOR).inc()
        if not await self._intake.share.take_turn(self._lane, seconds_max=WATCH_SECONDS):
            self._check()

    async def stop(self, deadline_seconds: float) -> None:
        """Take nothing more and wait, at most ``deadline_seconds``, until what was taken is committed."""
        self._stopping = True
        if self._waiting:
            self._idle.clear()
            try:
                await asyncio.wait_for(self._idle.wait(), deadline_seconds)
            except TimeoutError:
                return

    def _check(self) -> None:
        """Look whether the link and the intake can still work; this loop does, as it asks."""
        self._beat()
        self._link.check()
        if self._broken:
            raise ServiceUnreachableError("the intake gave up a message of the bridge")

    def _take(self, arrival: BridgeMessage) -> None:
        """Submit one message that there is room for."""
        source = source_of(arrival.topic)
        try:
            if source is None or len(arrival.payload) > self._body_bytes_max:
                bundle = self._intake.add_letter(self._letter(arrival, source))
            else:
                bundle = self._intake.add(
                    Delivery(
                        feed=source[0], device=source[1], body=arrival.payload, received_at=self._log_clock.now(),
                        door=DOOR, nonce=self._nonce(arrival), topic=arrival.topic,
                        content_type=_plain_or_none(arrival.content_type), retained=arrival.retained,
                        lane=self._lane,
                    )
                )  # fmt: skip
        except QueueFullError:
            # The process stops: not taken, not acknowledged; the broker hands it over to the next one.
            self._stopping = True
            return
        waiting = _WaitingMessage(arrival, source[1] if source is not None else None, bundle)
        if arrival.qos:
            self._owners[arrival.epoch, arrival.packet_id] = waiting
        self._waiting.append(waiting)
        if len(self._waiting) == 1:
            bundle.done.add_done_callback(self._committed)

    def _letter(self, arrival: BridgeMessage, source: tuple[str, str] | None) -> DeadLetter:
        length, bound = len(arrival.payload), self._body_bytes_max
        if source is None:
            reason, detail = "foreign_topic", "the bridge takes ioc/v1/{feed}/{device}"
        else:
            reason, detail = "too_large", f"the payload has {length} bytes, {bound} are allowed"
        return DeadLetter(
            door=DOOR, feed=None, device=source[1] if source is not None else None, reason=reason, detail=detail,
            raw=arrival.payload[:HEAD_BYTES_MAX] if length > bound else arrival.payload,
            received_at=self._log_clock.now(), topic=arrival.topic[:TOPIC_CHARS_MAX].replace("\0", "\ufffd"),
            content_type=_plain_or_none(arrival.content_type), raw_bytes=length,
        )  # fmt: skip

    def _nonce(self, arrival: BridgeMessage) -> bytes:
        """Return what makes a message without id and time one of a kind, yet the same when the broker sends it again.

        The session outlives a connection, and with it the packet id of what is not acknowledged: a repeat (DUP) of the
        same content under the same packet id is the same message, as long as this process lives.
        """
        content = hash16(arrival.topic.encode(errors="replace"), arrival.payload)
        known = self._nonces.pop(arrival.packet_id, None) if arrival.qos else None
        if known is not None and arrival.again and known[0] == content:
            nonce = known[1]
        else:
            self._serial += 1
            nonce = self._run_nonce + self._serial.to_bytes(8, "big")
        if arrival.qos:
            if len(self._nonces) >= 2 * self._inflight_max:
                del self._nonces[next(iter(self._nonces))]
            self._nonces[arrival.packet_id] = (content, nonce)
        return nonce

    def _committed(self, _: asyncio.Future[list[Receipt]]) -> None:
        """Acknowledge all that is committed, in order, at once."""
        waiting = self._waiting
        packet_ids: dict[int, list[int]] = {}
        told: list[tuple[str, bytes]] = []
        while waiting and waiting[0].bundle.done.done():
            message = waiting.popleft()
            arrival = message.arrival
            owned = arrival.qos and self._owners.get((arrival.epoch, arrival.packet_id)) is message
            if owned:
                del self._owners[arrival.epoch, arrival.packet_id]
            done = message.bundle.done
            if done.cancelled() or done.exception() is not None:
                # Not committed, so the broker keeps it, and sends it again on a new connection only: unless the process
                # stops anyway, this role ends and is started again.
                self._broken = not self._stopping
                continue
            if owned:
                packet_ids.setdefault(arrival.epoch, []).append(arrival.packet_id)
            if self._receipts and message.device is not None:
                topic = f"{RECEIPTS}{message.device}"
                told += [(topic, body) for body in receipt_bodies(message.bundle.items, done.result())]
        for epoch, numbers in packet_ids.items():
            self._link.acknowledge(epoch, numbers)
        if told:
            self._link.publish(told)
        if self._broken:
            self._inbox.wake()
        if waiting:
            waiting[0].bundle.done.add_done_callback(self._committed)
            return
        self._idle.set()
        self._metrics.bridge_waiting.set(len(self._inbox) + len(self))
        self._renew()

    def _renew(self) -> None:
        """Where the inbox was full, ask for what it left out, once all that it took is acknowledged."""
        full = self._inbox.full_epoch
        if full is not None and full > self._renewed and not len(self) and not len(self._inbox):
            self._renewed = full
            self._link.begin_anew(full)


def _plain_or_none(text: str | None) -> str | None:
    return plain(text) if text is not None else None
