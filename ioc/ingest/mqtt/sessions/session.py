"""One connection's side of its device's session: subscriptions, what goes out and is confirmed, and how it ends.

The door's session worker does the work with the database; until it has, whoever waits for it (CONNACK of a session that
may go on, SUBACK, PUBREL) is not answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from ioc.domain.messaging.outbound import Closing, OutboundOutcome, PendingMessage, granted_qos, receipts_topic
from ioc.domain.messaging.presence import Arrival, AttachedSession, Departure, Grant, LastWill, PresenceReason
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import (
    LEVEL_5,
    Disconnect,
    Packet,
    Puback,
    Pubcomp,
    Pubrec,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from ioc.ingest.mqtt.codec.reasons import ProtocolViolation, ReasonCode
from ioc.ingest.mqtt.connect import Client, MQTTBounds
from ioc.ingest.mqtt.ports import Pause, ReadingSide
from ioc.ingest.mqtt.sessions.inflight import Downlink
from ioc.ingest.mqtt.sessions.subscriptions import ReceiptSubscription, subscribed, unsubscribed

CONNECTION_BITS = 62
"""Of the random number that a connection of a device is known by."""


class SessionStorage(Protocol):
    """What a session needs of the door's session worker for itself."""

    def arrive(self, session: ClientSession) -> None:
        """Attach the session, then call its ``attached`` or, where the database does not answer, ``unavailable``."""
        ...

    def leave(self, session: ClientSession, departure: Departure | None) -> None:
        """Take note that its connection is over; without a departure nobody is told (the process stops)."""
        ...

    def grant(self, session: ClientSession, answer: bytes) -> None:
        """Store its filters, then call its ``granted`` with the answer."""
        ...


class MessageStorage(Protocol):
    """What a session needs of the door's session worker for the messages to its device."""

    def read_pending(self, session: ClientSession) -> None:
        """Read what waits for it."""
        ...

    def close(self, closing: Closing, then: Callable[[], None] | None = None) -> None:
        """End a message, then call ``then``."""
        ...

    def release(self, device: str, number: int, then: Callable[[], None]) -> None:
        """Note that a message is confirmed at QoS 2, then call ``then``."""
        ...


class SessionOutlet(Protocol):
    """The connection's writing side as its session sees it."""

    @property
    def room_bytes(self) -> int:
        """How many bytes may be written now; 0 when the client is not there."""
        ...

    def write(self, data: bytes) -> None:
        """Write packets, if the client is still there."""
        ...

    def retire(self) -> None:
        """Hang up, once what the client has sent is read: its device has a newer connection."""
        ...


class Entrance(Protocol):
    """The connection while its client waits for its welcome."""

    def session_ready(self, *, resumed: bool) -> None:
        """Welcome the client, whose session is attached."""
        ...

    def session_unavailable(self) -> None:
        """Send the client away: whether it has a session cannot be known now."""
        ...


class ClientSession:
    """The session of a device, as one of its connections has it."""

    def __init__(
        self, *, client: Client, connection: int, will: LastWill | None, bounds: MQTTBounds, sessions: SessionStorage,
        messages: MessageStorage, outlet: SessionOutlet, reader: ReadingSide, entrance: Entrance,
    ) -> None:  # fmt: skip
        """``connection`` is a number of its own among all connections of its device, ever."""
        # Who waits for the session to be attached; one that begins anew is welcome before.
        self._entrance = None if client.clean_start else entrance
        self._client = client
        self._bounds = bounds
        self._sessions = sessions
        self._messages = messages
        self._outlet = outlet
        self._reader = reader
        self._expiry_seconds: int | None = None
        self._downlink = Downlink(
            level=client.level,
            window=min(client.receive_maximum, bounds.outbound_inflight_max),
            packet_bytes_max=client.packet_bytes_max,
        )
        self._newest = 0
        self.will = will
        """What the client leaves behind, until the store has it."""
        self.left_will = will is not None
        """Its CONNECT came with a will."""
        self.connection = connection
        self.filters: dict[str, int] = {}
        self.receipts = ReceiptSubscription()
        """Whether the client asks for its receipts."""
        self.is_attached = False
        self.has_left = False

    @property
    def device(self) -> str:
        """The device whose session it is."""
        return self._client.device

    @property
    def may_wait(self) -> bool:
        """Whether the client must not be welcomed before its session is attached: an earlier one may go on."""
        return not self._client.clean_start

    # -- its beginning

    def begin(self) -> None:
        """Ask for the session."""
        self._sessions.arrive(self)

    @property
    def arrival(self) -> Arrival:
        """What the session worker is to attach."""
        return Arrival(
            device=self.device,
            connection=self.connection,
            clean_start=self._client.clean_start,
            expiry_seconds=self._client.session_expiry_seconds,
            will=self.will,
        )

    def attached(self, answer: AttachedSession) -> None:
        """Take over the session."""
        self.is_attached = True
        self.will = None
        if self.has_left:
            return
        if answer.resumed:
            self._ask_for(dict(answer.filters))
            self._downlink.resume(answer.number if answer.sent_to is None else answer.sent_to)
            self.announce(answer.number)
        entrance, self._entrance = self._entrance, None
        if entrance is not None:
            entrance.session_ready(resumed=answer.resumed)

    def unavailable(self) -> None:
        """Give up: the database does not answer."""
        entrance, self._entrance = self._entrance, None
        if entrance is not None and not self.has_left:
            entrance.session_unavailable()

    # -- packets

    def take(self, packet: Packet) -> None:
        """Take a packet that concerns the session.

        Raises:
            ProtocolViolation: it asks for what our CONNACK does not offer.
        """
        match packet:
            case Subscribe():
                self._store(*subscribed(packet, self._client, self.filters))
            case Unsubscribe():
                self._store(*unsubscribed(packet, self.filters))
            case Puback():
                self._ended(self._downlink.puback(packet.packet_id, packet.reason_code))
            case Pubrec():
                self._confirmed(packet)
            case Pubcomp():
                number = self._downlink.pubcomp(packet.packet_id)
                self._ended(None if number is None else (number, OutboundOutcome.ACKNOWLEDGED))
            case _:
                raise ProtocolViolation(ReasonCode.PROTOCOL_ERROR, "this packet has no meaning here")

    def _store(self, answer: Suback | Unsuback, filters: dict[str, int]) -> None:
        self._ask_for(filters)
        self._reader.pause(Pause.SESSION)
        self._sessions.grant(self, encode(answer, self._client.level))

    def _ask_for(self, filters: dict[str, int]) -> None:
        topic = receipts_topic(self.device)
        granted = granted_qos(filters, topic)
        self.filters = filters
        self.receipts.qos = granted if granted is None or self._client.session_expiry_seconds else 0
        self.receipts.topic = None if granted is None else topic

    def _ended(self, end: tuple[int, OutboundOutcome] | None) -> None:
        if end is not None:
            self._messages.close(Closing(self.device, *end))
        if self._newest > self._downlink.loaded:
            self._messages.read_pending(self)

    def _confirmed(self, packet: Pubrec) -> None:
        answer = self._downlink.pubrec(packet.packet_id, packet.reason_code)
        if isinstance(answer, bytes):
            self._outlet.write(answer)
        elif isinstance(answer, tuple):
            self._ended(answer)
        else:
            self._messages.release(
                self.device, answer, lambda: self._outlet.write(self._downlink.release(packet.packet_id))
            )

    def granted(self, answer: bytes) -> None:
        """Tell the client that its subscriptions are stored; new ones may ask for what waits already."""
        self._outlet.write(answer)
        self._reader.resume(Pause.SESSION)

    @property
    def grant(self) -> Grant:
        """What the session worker is to store."""
        return Grant(self.device, self.connection, dict(self.filters))

    # -- what goes out

    def announce(self, newest: int) -> None:
        """Take note of the number of its newest message."""
        self._newest = max(self._newest, newest)
        if self._newest > self._downlink.loaded:
            self._messages.read_pending(self)

    def room_again(self) -> None:
        """Go on with what waits: the client reads again."""
        if self._newest > self._downlink.loaded:
            self._messages.read_pending(self)

    @property
    def wanted(self) -> tuple[str, int, int, int] | None:
        """What the session worker is to read: device, connection, after which number, how many; None: nothing now."""
        count = self._downlink.room
        if self.has_left or not self.is_attached or not count or not self._outlet.room_bytes:
            return None
        return self.device, self.connection, self._downlink.loaded, count

    def deliver(self, messages: Sequence[PendingMessage], now: datetime) -> None:
        """Send what was read, as far as the client takes it."""
        if self.has_left:
            return
        sending = self._downlink.send(messages, self.filters, now, bytes_max=self._outlet.room_bytes)
        if sending.data:
            self._outlet.write(sending.data)
        for number, outcome in sending.ended:
            self._messages.close(Closing(self.device, number, outcome))
        for number, data in sending.quiet:
            self._messages.close(Closing(self.device, number, OutboundOutcome.SENT), self._writing(data))
        if not messages:
            self._newest = self._downlink.loaded  # what was announced has expired or was closed meanwhile
        elif self._newest > self._downlink.loaded and self._downlink.room and self._outlet.room_bytes:
            self._messages.read_pending(self)

    def _writing(self, data: bytes) -> Callable[[], None]:
        return lambda: self._outlet.write(data)

    # -- its end

    def said_goodbye(self, packet: Disconnect) -> None:
        """Take a DISCONNECT: it may set the session's length anew, and ask for the will all the same.

        Raises:
            ProtocolViolation: it gives a session a length that its CONNECT did not.
        """
        asked = packet.properties.session_expiry_s if self._client.level == LEVEL_5 else None
        if asked and not self._client.session_expiry_seconds:
            raise ProtocolViolation(
                ReasonCode.PROTOCOL_ERROR, "a session without length cannot be given one at its end"
            )
        if asked is not None:
            self._expiry_seconds = min(asked, self._bounds.session_seconds_max)
        wills = packet.reason_code is ReasonCode.DISCONNECT_WITH_WILL
        self.leave(PresenceReason.LOST if wills else PresenceReason.DISCONNECTED, publish_will=wills)

    def leave(self, reason: PresenceReason, *, publish_will: bool = True) -> None:
        """Take note that the connection is over; only the first reason counts."""
        if self.has_left:
            return
        self.has_left = True
        departure = Departure(
            device=self.device,
            connection=self.connection,
            reason=reason,
            publish_will=publish_will,
            sent_to=self._downlink.sent_to,
            expiry_seconds=self._expiry_seconds,
        )
        self._sessions.leave(self, departure)

    def abandon(self) -> None:
        """End without a departure: the process stops, and the device will most likely be back at another door."""
        if not self.has_left:
            self.has_left = True
            self._sessions.leave(self, None)

    def taken_over(self) -> None:
        """Make room for a newer connection of the device, at another door."""
        self._outlet.retire()
