"""What one connection was sent and has not yet confirmed: QoS 0 to 2 towards the device, as a state machine. Pure.

A packet id is computed from the message's number, so that this door or another can send a message again under the same
id without having stored it. At most ``window`` messages at QoS 1 and 2 are unconfirmed at a time (the client's receive
maximum); at QoS 2 PUBREL goes out only after the confirmation is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from math import ceil

from ioc.domain.messaging.outbound import OutboundOutcome, PendingMessage, granted_qos
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import LEVEL_5, NO_PROPERTIES, Properties, Publish, Pubrel
from ioc.ingest.mqtt.codec.reasons import ReasonCode

AT_MOST_ONCE, AT_LEAST_ONCE, EXACTLY_ONCE = 0, 1, 2


class Stage(Enum):
    """What a message at QoS 1 or 2 waits for."""

    PUBLISHED = "published"
    """PUBACK or PUBREC."""
    CONFIRMED = "confirmed"
    """Our own note that PUBREC came; then PUBREL goes out."""
    RELEASED = "released"
    """PUBCOMP."""


@dataclass(slots=True)
class _Sent:
    number: int
    qos: int
    stage: Stage


@dataclass(frozen=True, slots=True)
class Sending:
    """What sending some messages leads to.

    ``data`` is to be written now. ``quiet`` are messages at QoS 0 (number, packet): each is closed first and written
    then, so that it goes out at most once. ``ended`` will not be sent.
    """

    data: bytes = b""
    quiet: list[tuple[int, bytes]] = field(default_factory=list)
    ended: list[tuple[int, OutboundOutcome]] = field(default_factory=list)


class Downlink:
    """The messages between the store and one client."""

    def __init__(self, *, level: int, window: int, packet_bytes_max: int) -> None:
        self._level = level
        self._window = window
        self._packet_bytes_max = packet_bytes_max
        self._sent: dict[int, _Sent] = {}
        self._maybe_sent = 0
        self.loaded = 0
        """The number of the newest message that was taken from the store."""

    def __len__(self) -> int:
        """How many messages are unconfirmed."""
        return len(self._sent)

    @property
    def room(self) -> int:
        """How many more messages may go out now."""
        return max(self._window - len(self._sent), 0)

    @property
    def sent_to(self) -> int:
        """The number up to which messages may have gone out, by this connection or one before."""
        return max(self.loaded, self._maybe_sent)

    def resume(self, maybe_sent: int) -> None:
        """Go on with an earlier session: messages up to ``maybe_sent`` may have gone out before, and say so (DUP)."""
        self._maybe_sent = maybe_sent

    def send(
        self, messages: Sequence[PendingMessage], filters: Mapping[str, int], now: datetime, *, bytes_max: int
    ) -> Sending:
        """Take messages in order, as far as ``bytes_max`` bytes of packets go; what is left is read again later."""
        written = bytearray()
        sending = Sending()
        for message in messages:
            if len(written) >= bytes_max or not self.room:
                break
            self.loaded = message.number
            if message.released:
                self._sent[message.packet_id] = _Sent(message.number, EXACTLY_ONCE, Stage.RELEASED)
                written += encode(Pubrel(message.packet_id), self._level)
                continue
            granted = granted_qos(filters, message.topic)
            if granted is None:
                sending.ended.append((message.number, OutboundOutcome.UNSUBSCRIBED))
            elif message.expires_at <= now:
                sending.ended.append((message.number, OutboundOutcome.EXPIRED))
            else:
                self._publish(message, min(granted, message.qos), now, written, sending)
        return Sending(bytes(written), sending.quiet, sending.ended)

    def _publish(self, message: PendingMessage, qos: int, now: datetime, written: bytearray, sending: Sending) -> None:
        packet = encode(
            Publish(
                topic=message.topic,
                payload=message.payload,
                qos=qos,
                packet_id=message.packet_id if qos else 0,
                dup=bool(qos) and message.number <= self._maybe_sent,
                properties=self._properties(message, now),
            ),
            self._level,
        )
        if len(packet) > self._packet_bytes_max:
            sending.ended.append((message.number, OutboundOutcome.TOO_LARGE))
        elif qos == AT_MOST_ONCE:
            sending.quiet.append((message.number, packet))
        else:
            self._sent[message.packet_id] = _Sent(message.number, qos, Stage.PUBLISHED)
            written += packet

    def _properties(self, message: PendingMessage, now: datetime) -> Properties:
        if self._level != LEVEL_5:
            return NO_PROPERTIES
        left_seconds = ceil((message.expires_at - now).total_seconds())
        return Properties(message_expiry_s=min(left_seconds, 0xFFFF_FFFF))

    def puback(self, packet_id: int, reason: ReasonCode) -> tuple[int, OutboundOutcome] | None:
        """Take a PUBACK; return which message came to its end, and how."""
        sent = self._sent.get(packet_id)
        if sent is None or sent.qos != AT_LEAST_ONCE:
            return None
        del self._sent[packet_id]
        return sent.number, OutboundOutcome.REFUSED if reason.is_failure else OutboundOutcome.ACKNOWLEDGED

    def pubrec(self, packet_id: int, reason: ReasonCode) -> tuple[int, OutboundOutcome] | int | bytes:
        """Take a PUBREC.

        Returns: the number of the message to note as confirmed, after which :meth:`release` follows; or the message
        that the client refused; or the PUBREL that answers a PUBREC which was noted before or means nothing here.
        """
        sent = self._sent.get(packet_id)
        if sent is None or sent.qos != EXACTLY_ONCE:
            code = ReasonCode.PACKET_IDENTIFIER_NOT_FOUND if not reason.is_failure else None
            return encode(Pubrel(packet_id, code), self._level) if code is not None else b""
        if sent.stage is Stage.RELEASED:
            return encode(Pubrel(packet_id), self._level)
        if sent.stage is Stage.CONFIRMED:
            return b""  # the PUBREL is on its way
        if reason.is_failure:
            del self._sent[packet_id]
            return sent.number, OutboundOutcome.REFUSED
        sent.stage = Stage.CONFIRMED
        return sent.number

    def release(self, packet_id: int) -> bytes:
        """Return the PUBREL of a message whose confirmation is stored."""
        sent = self._sent.get(packet_id)
        if sent is None or sent.stage is not Stage.CONFIRMED:
            return b""
        sent.stage = Stage.RELEASED
        return encode(Pubrel(packet_id), self._level)

    def pubcomp(self, packet_id: int) -> int | None:
        """Take a PUBCOMP; return the number of the message that came to its end."""
        sent = self._sent.get(packet_id)
        if sent is None or sent.stage is not Stage.RELEASED:
            return None
        del self._sent[packet_id]
        return sent.number
