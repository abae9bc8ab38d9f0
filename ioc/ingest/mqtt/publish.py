"""From a client's messages to deliveries, and from their commits to acknowledgements, in order.

A PUBACK is written only when the pipeline's future of its bundle is done, which is after COMMIT. Whatever was framed is
submitted: as a delivery, or, where the topic is not the device's or the body too long, as a dead letter.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, Protocol, cast

from ioc.domain.event import DeadLetter, Outcome, Receipt
from ioc.ingest.mqtt import acks
from ioc.ingest.mqtt.acl import Route, own_topic, route
from ioc.ingest.mqtt.codec.decoder import HEAD_BYTES_MAX
from ioc.ingest.mqtt.codec.packets import LEVEL_311, Oversize, Publish
from ioc.ingest.mqtt.codec.reasons import ProtocolViolation, ReasonCode
from ioc.ingest.mqtt.connect import Client, MQTTBounds
from ioc.ingest.mqtt.ports import DOOR
from ioc.ingest.mqtt.sessions.subscriptions import ReceiptSubscription
from ioc.ingest.pipeline.backlog import Lane
from ioc.ingest.pipeline.delivery import Bundle, Delivery, Registry, Submission

ROUTES_REMEMBERED_MAX = 64
TOPIC_CHARS_MAX = 512
EPOCH_BYTES = 12
EXACTLY_ONCE = 2
# tuple's own __new__: the one that NamedTuple generates costs half as much again.
_made = cast("Callable[[type[Delivery], tuple[Any, ...]], Delivery]", tuple.__new__)


class Outlet(Protocol):
    """Where an uplink's answers go: the connection's writing side."""

    def acknowledge(self, acknowledgements: bytes, receipts: list[bytes]) -> None:
        """Write what a commit allows; ``receipts`` are payloads."""
        ...

    def not_committed(self) -> None:
        """Hang up without acknowledging: the process stops."""
        ...


class ForeignTopics(Protocol):
    """Who is told of topics that are not their sender's."""

    def foreign(self, device: str, topic: str) -> None:
        """Take note that a device spoke on a topic that is not its own."""
        ...


class _WaitingPublish:
    """Messages of one bundle between their submission and their acknowledgement."""

    __slots__ = ("acknowledgements", "bundle", "bytes", "count", "one_by_one")

    def __init__(self, bundle: Bundle, *, is_told: bool) -> None:
        self.bundle = bundle
        self.count = self.bytes = 0
        self.acknowledgements = bytearray()
        """What is written when every event of it stands, which is nearly always."""
        self.one_by_one: list[_Message] | None = [] if is_told else None
        """The messages, kept where an acknowledgement says more than that it came, or receipts are asked for."""


class _Message(NamedTuple):
    """One message of a bundle, as far as its answer needs it."""

    packet_id: int
    qos: int
    events: int
    wants_receipts: bool
    """Its client asked for them when it came in."""
    device: str | None


class Uplink:
    """The messages of one connection that are on their way to the log."""

    def __init__(
        self, *, client: Client, lane: Lane, receipts: ReceiptSubscription, outlet: Outlet, intake: Submission,
        registry: Registry, foreign: ForeignTopics, bounds: MQTTBounds,
    ) -> None:  # fmt: skip
        self._client = client
        self._lane = lane
        self._receipts = receipts
        self._outlet = outlet
        self._intake = intake
        self._registry = registry
        self._foreign = foreign
        self._body_bytes_max = bounds.body_bytes_max
        self._inflight_max = bounds.inflight_max
        self._always_told = client.level != LEVEL_311
        self._waiting: deque[_WaitingPublish] = deque()
        self._count = 0
        self.waiting_bytes = 0
        """How many bytes of payload wait for their commit."""
        self._unreleased: set[int] = set()
        """Packet ids at QoS 2 of which no PUBREL has come."""
        self._routes: dict[str, Route | None] = {}
        self._serials: dict[int, int] = {}
        self._serial = 0
        self._epoch = secrets.token_bytes(EPOCH_BYTES)

    def __len__(self) -> int:
        """How many messages wait for their commit."""
        return self._count

    def forget_routes(self) -> None:
        """Ask the registry again which topics are allowed."""
        self._routes.clear()

    def released(self, packet_id: int) -> None:
        """Take note of a PUBREL: what was sent under it at QoS 2 no longer counts."""
        self._unreleased.discard(packet_id)

    def _count_qos_2(self, packet_id: int) -> None:
        """Hold a client to our receive maximum (MQTT 5): so many messages at QoS 2 may lack their PUBREL."""
        if packet_id not in self._unreleased and len(self._unreleased) >= self._inflight_max:
            raise ProtocolViolation(ReasonCode.RECEIVE_MAXIMUM_EXCEEDED, "more messages than the receive maximum")
        self._unreleased.add(packet_id)

    def take(self, packet: Publish | Oversize, now: datetime) -> None:
        """Submit a message that there is room for.

        Raises:
            ProtocolViolation: the client has more messages under way at QoS 2 than our CONNACK allows.
            QueueFullError: the pipeline takes nothing more because the process is stopping.
        """
        if packet.qos == EXACTLY_ONCE and self._always_told:
            self._count_qos_2(packet.packet_id)
        topic = packet.topic
        try:
            where = self._routes[topic]
        except KeyError:
            where = self._remember(topic)
        waiting = self._waiting
        is_told = self._always_told or self._receipts.topic is not None
        last = waiting[-1] if waiting else None
        open_one = last.bundle if last is not None and (last.one_by_one is not None) is is_told else None
        before = len(open_one.items) if open_one is not None else 0
        size = len(packet.payload) if type(packet) is Publish else HEAD_BYTES_MAX
        if where is None or type(packet) is not Publish or size > self._body_bytes_max:
            bundle = self._intake.add_letter(self._letter(packet, where, now), open_one)
        else:
            delivery = _made(Delivery, (  # by position: its order is that of Delivery
                where.feed, where.device, packet.payload, now, DOOR, self._nonce(packet), topic,
                packet.properties.content_type, False, None, self._lane, False, None,
            ))  # fmt: skip
            bundle = self._intake.add(delivery, open_one)
        if last is None or bundle is not open_one:
            before = 0
            last = _WaitingPublish(bundle, is_told=is_told)
            waiting.append(last)
            if len(waiting) == 1:
                bundle.done.add_done_callback(self._committed)
        self._count += 1
        self.waiting_bytes += size
        last.count += 1
        last.bytes += size
        if packet.qos:
            last.acknowledgements += acks.good(packet.packet_id, packet.qos)
        if last.one_by_one is not None:
            last.one_by_one.append(self._message(packet, where, len(bundle.items) - before))

    def _message(self, packet: Publish | Oversize, where: Route | None, events: int) -> _Message:
        device = where.device if where is not None and where.device != self._client.device else None
        return _Message(packet.packet_id, packet.qos, events, self._receipts.topic is not None, device)

    def _remember(self, topic: str) -> Route | None:
        if len(self._routes) >= ROUTES_REMEMBERED_MAX:
            self._routes.clear()
        where = self._routes[topic] = route(topic, self._client.device, self._registry)
        return where

    def _letter(self, packet: Publish | Oversize, where: Route | None, now: datetime) -> DeadLetter:
        """Return the dead letter of what may not be or is too long: its first 4 kB are kept."""
        if isinstance(packet, Oversize):
            body, length = packet.head, packet.payload_bytes
        else:
            body, length = packet.payload, len(packet.payload)
        bound = self._body_bytes_max
        device, feed = self._client.device, None
        if where is None:
            self._foreign.foreign(device, packet.topic[:TOPIC_CHARS_MAX])
            own = own_topic(device, self._registry)
            reason, detail = "forbidden_topic", f"{device} may not publish there: its topic is {own}"
        else:
            reason, detail = "too_large", f"the payload has {length} bytes, {bound} are allowed"
            device, known = where.device, self._registry.device(where.device)
            # A feed's name that nobody has checked must not become a label of a metric.
            feed = where.feed if known is not None and known.feed == where.feed else None
        return DeadLetter(
            door=DOOR, feed=feed, device=device, reason=reason, detail=detail,
            raw=body[:HEAD_BYTES_MAX] if length > bound else body, received_at=now,
            topic=packet.topic[:TOPIC_CHARS_MAX], content_type=packet.properties.content_type, raw_bytes=length,
        )  # fmt: skip

    def _nonce(self, packet: Publish) -> bytes:
        """Return what makes a message without id and time one of a kind, yet the same when it is sent again.

        The packet id alone does not: clients use one for every message. So each use of a packet id has a number, and
        only a repeat (DUP) finds that of the use before. Across connections such messages cannot be told apart.
        """
        packet_id = packet.packet_id
        if not packet_id:
            self._serial += 1
            return self._epoch + self._serial.to_bytes(8, "big")
        number = self._serials.pop(packet_id, None)
        if number is None or not packet.dup:
            self._serial = number = self._serial + 1
        if len(self._serials) >= self._inflight_max:
            del self._serials[next(iter(self._serials))]
        self._serials[packet_id] = number
        return self._epoch + number.to_bytes(8, "big")

    def _committed(self, _: asyncio.Future[list[Receipt]]) -> None:
        """Acknowledge all that is committed, in order, at once.

        Only the oldest waiting bundle has a callback: a batch commits as one, so it finds the others done too.
        """
        waiting = self._waiting
        acknowledgements = bytearray()
        receipts: list[bytes] = []
        failed = False
        while waiting and waiting[0].bundle.done.done():
            sent = waiting.popleft()
            self._count -= sent.count
            self.waiting_bytes -= sent.bytes
            done = sent.bundle.done
            if done.cancelled() or done.exception() is not None:
                failed = True
                continue
            if sent.one_by_one is None:
                acknowledgements += sent.acknowledgements
            else:
                acknowledgements += self._answer(sent, sent.one_by_one, done.result(), receipts)
        if waiting:
            waiting[0].bundle.done.add_done_callback(self._committed)
        self._outlet.acknowledge(bytes(acknowledgements), receipts)
        if failed:
            self._outlet.not_committed()

    def _answer(
        self, sent: _WaitingPublish, messages: list[_Message], answers: list[Receipt], receipts: list[bytes]
    ) -> bytes | bytearray:
        """Return the acknowledgements of a committed bundle; the receipts that its messages ask for are added."""
        client, topic = self._client, self._receipts.topic
        all_stand = all(answer.outcome is not Outcome.REFUSED for answer in answers)
        if all_stand and topic is None:
            return sent.acknowledgements
        acknowledgements = bytearray()
        start = 0
        for message in messages:
            of_it = slice(start, start + message.events)
            start += message.events
            mine = answers[of_it]
            if message.qos == EXACTLY_ONCE and acks.reason_code(mine).is_failure:
                self._unreleased.discard(message.packet_id)  # a refused one gets no PUBREL
            if message.qos:
                acknowledgements += acks.acknowledgement(
                    message.packet_id, message.qos, mine, level=client.level, with_reason=client.with_reason,
                    bytes_max=client.packet_bytes_max,
                )  # fmt: skip
            if message.wants_receipts and topic is not None:
                receipts += acks.receipt_bodies(sent.bundle.items[of_it], mine, device=message.device)
        return acknowledgements
