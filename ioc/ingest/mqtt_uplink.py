"""From a client's messages to deliveries, and from their commits to acknowledgements, in order.

A PUBACK is made only when the pipeline's future of its message is done, which is after COMMIT. Whatever was framed is
submitted: as a delivery, or, where the topic is not the device's or the body too long, as a dead letter.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from datetime import datetime
from typing import Protocol

from ioc.domain.event import DeadLetter, Receipt
from ioc.ingest import mqtt_receipts
from ioc.ingest.door import Delivery
from ioc.ingest.fairness import Lane
from ioc.ingest.mqtt.decoder import HEAD_BYTES_MAX
from ioc.ingest.mqtt.packets import Oversize, Publish
from ioc.ingest.mqtt_ports import DOOR, Door
from ioc.ingest.mqtt_topics import Route, route
from ioc.ingest.mqtt_welcome import Client

ROUTES_REMEMBERED_MAX = 64
TOPIC_LETTERS_MAX = 512
EPOCH_BYTES = 12


class Outlet(Protocol):
    """Where an uplink's answers go: the connection's writing side."""

    lane: Lane
    """Whether the client catches up, and its turn."""
    receipts_topic: str | None
    """The client's subscription to its receipts."""

    def acknowledge(self, acknowledgements: bytes, receipts: list[bytes]) -> None:
        """Write what a commit allows; ``receipts`` are payloads."""
        ...

    def not_committed(self) -> None:
        """Hang up without acknowledging: the process stops."""
        ...


class _Waiting:
    """One message between its submission and its acknowledgement."""

    __slots__ = ("body", "bytes", "device", "done", "packet_id", "qos")

    def __init__(
        self, packet_id: int, qos: int, done: asyncio.Future[list[Receipt]], body: bytes | None, device: str | None,
        size: int,
    ) -> None:  # fmt: skip
        self.packet_id = packet_id
        self.qos = qos
        self.done = done
        self.body = body  # kept only for a client that asked for receipts
        self.device = device
        self.bytes = size


class Uplink:
    """The messages of one connection that are on their way to the log."""

    def __init__(self, *, door: Door, client: Client, outlet: Outlet) -> None:
        self._door = door
        self._client = client
        self._outlet = outlet
        self._waiting: deque[_Waiting] = deque()
        self.waiting_bytes = 0
        """How many bytes of payload wait for their commit."""
        self._routes: dict[str, Route | None] = {}
        self._serials: dict[int, int] = {}
        self._serial = 0
        self._epoch = secrets.token_bytes(EPOCH_BYTES)

    def __len__(self) -> int:
        """How many messages wait for their commit."""
        return len(self._waiting)

    def forget_routes(self) -> None:
        """Ask the registry again which topics are allowed."""
        self._routes.clear()

    def take(self, packet: Publish | Oversize, now: datetime) -> None:
        """Submit a message that there is room for.

        Raises:
            QueueFullError: the pipeline takes nothing more because the process is stopping.
        """
        topic = packet.topic
        try:
            where = self._routes[topic]
        except KeyError:
            where = self._remember(topic)
        if where is None or type(packet) is not Publish or len(packet.payload) > self._door.bounds.body_bytes_max:
            done = self._door.intake.submit_letter(self._letter(packet, where, now))
        else:
            done = self._door.intake.submit(
                Delivery(  # by position, as it is a tuple: its order is that of Delivery
                    where.feed, where.device, packet.payload, now, DOOR, self._nonce(packet), topic,
                    packet.properties.content_type, False, False, self._outlet.lane,  # noqa: FBT003
                )
            )  # fmt: skip
        body = device = None
        if self._outlet.receipts_topic is not None:
            body = packet.payload if type(packet) is Publish else b""
            device = where.device if where is not None and where.device != self._client.device else None
        size = len(packet.payload) if type(packet) is Publish else HEAD_BYTES_MAX
        self.waiting_bytes += size
        self._waiting.append(_Waiting(packet.packet_id, packet.qos, done, body, device, size))
        if len(self._waiting) == 1:
            done.add_done_callback(self._committed)

    def _remember(self, topic: str) -> Route | None:
        if len(self._routes) >= ROUTES_REMEMBERED_MAX:
            self._routes.clear()
        where = self._routes[topic] = route(topic, self._client.device, self._door.registry)
        return where

    def _letter(self, packet: Publish | Oversize, where: Route | None, now: datetime) -> DeadLetter:
        """Return the dead letter of what may not be or is too long: its first 4 kB are kept."""
        if isinstance(packet, Oversize):
            body, length = packet.head, packet.payload_bytes
        else:
            body, length = packet.payload, len(packet.payload)
        bound = self._door.bounds.body_bytes_max
        device, feed = self._client.device, None
        if where is None:
            self._door.desk.foreign(device, packet.topic[:TOPIC_LETTERS_MAX])
            reason, detail = "forbidden_topic", f"{device} may not publish there"
        else:
            reason, detail = "too_large", f"the payload has {length} bytes, {bound} are allowed"
            device, known = where.device, self._door.registry.device(where.device)
            # A feed's name that nobody has checked must not become a label of a metric.
            feed = where.feed if known is not None and known.feed == where.feed else None
        return DeadLetter(
            door=DOOR, feed=feed, device=device, reason=reason, detail=detail,
            raw=body[:HEAD_BYTES_MAX] if length > bound else body, received_at=now,
            topic=packet.topic[:TOPIC_LETTERS_MAX], content_type=packet.properties.content_type, raw_bytes=length,
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
        if len(self._serials) >= self._door.bounds.inflight_max:
            del self._serials[next(iter(self._serials))]
        self._serials[packet_id] = number
        return self._epoch + number.to_bytes(8, "big")

    def _committed(self, _: asyncio.Future[list[Receipt]]) -> None:
        """Acknowledge all that is committed, in order, at once.

        Only the oldest waiting message has a callback: a batch commits as one, so it finds the others done too.
        """
        client, topic, waiting = self._client, self._outlet.receipts_topic, self._waiting
        acknowledgements = bytearray()
        receipts: list[bytes] = []
        failed = False
        while waiting and waiting[0].done.done():
            message = waiting.popleft()
            self.waiting_bytes -= message.bytes
            if message.done.cancelled() or message.done.exception() is not None:
                failed = True
                continue
            answers = message.done.result()
            if message.qos:
                acknowledgements += mqtt_receipts.acknowledgement(
                    message.packet_id, message.qos, answers, level=client.level, with_reason=client.with_reason,
                    bytes_max=client.packet_bytes_max,
                )  # fmt: skip
            if message.body is not None and topic is not None:
                receipts += mqtt_receipts.receipt_bodies(message.body, answers, device=message.device)
        if waiting:
            waiting[0].done.add_done_callback(self._committed)
        self._outlet.acknowledge(bytes(acknowledgements), receipts)
        if failed:
            self._outlet.not_committed()
