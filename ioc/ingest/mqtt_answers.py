"""What one connection writes to its client once it is welcome: acknowledgements, receipts, messages of its session."""

from __future__ import annotations

import asyncio
from functools import partial

from ioc.domain.outbound import receipts_topic
from ioc.domain.presence import PresenceReason
from ioc.ingest.mqtt.encode import encode
from ioc.ingest.mqtt.packets import Publish
from ioc.ingest.mqtt.reasons import ReasonCode
from ioc.ingest.mqtt_client_session import ClientSession
from ioc.ingest.mqtt_ports import Connection, Door, Pause
from ioc.ingest.mqtt_welcome import Client


class Answers:
    """The writing side of one connection."""

    def __init__(self, *, door: Door, connection: Connection, transport: asyncio.Transport, client: Client) -> None:
        self._door = door
        self._connection = connection
        self._transport = transport
        self.client = client
        self.session: ClientSession
        self.welcomes: dict[bool, bytes] = {}
        """The CONNACK, by whether an earlier session goes on."""
        self.lane = connection.lane
        """Whether the client catches up, and its turn."""
        self.receipts_topic: str | None = None
        """The topic of the client's receipts, if it asks for them."""
        self.is_live = False
        """The client is welcome, and nobody has hung up."""
        self.withheld = 0
        """Commits whose acknowledgements wait until their receipts are stored."""

    def welcome(self, *, resumed: bool) -> None:
        """Answer the CONNECT."""
        self.is_live = True
        self.write(self.welcomes[resumed])
        self.welcomes.clear()

    def lost(self) -> None:
        """Take note that the socket is gone."""
        self.is_live = False
        self.session.leave(PresenceReason.LOST)

    def ended(self, reason: ReasonCode | None) -> None:
        """Take note that the door ends the connection, with this reason."""
        self.is_live = False
        if reason is ReasonCode.SERVER_SHUTTING_DOWN:
            self.session.abandon()
        else:
            silent = reason is ReasonCode.KEEP_ALIVE_TIMEOUT
            self.session.leave(PresenceReason.LOST if silent else PresenceReason.CLOSED)

    @property
    def room_bytes(self) -> int:
        """How many bytes may be written now; 0 when the client is not there or does not read."""
        if not self.is_live:
            return 0
        return max(self._door.bounds.write_buffer_bytes_max - self._transport.get_write_buffer_size(), 0)

    def write(self, data: bytes) -> None:
        """Write packets, if the client is still there."""
        if data and self.is_live:
            self._transport.write(data)

    def acknowledge(self, acknowledgements: bytes, receipts: list[bytes]) -> None:
        """Write what a commit allows: acknowledgements always, receipts (payloads) as far as the client reads them.

        At QoS 0 a receipt that does not fit is dropped and counted, never kept: a slow reader must not cost memory.
        Receipts that outlive the connection are stored before the acknowledgements go: who has those, gets them.
        """
        if self.withheld or (receipts and self.session.receipts_qos):
            self.withheld += 1
            self._connection.pause(Pause.RECEIPTS)
            self._door.desk.keep_receipts(self.session, receipts, partial(self._receipts_kept, acknowledgements))
        else:
            self.write(acknowledgements)
            self._tell(receipts)
        self._acknowledged()

    def _receipts_kept(self, acknowledgements: bytes) -> None:
        self.withheld -= 1
        self.write(acknowledgements)
        if not self.withheld:
            self._connection.resume(Pause.RECEIPTS)
        self._acknowledged()

    def _acknowledged(self) -> None:
        if not self._connection.waiting_count:
            self._door.acknowledged()
        self._connection.resume(Pause.INFLIGHT)

    def _tell(self, receipts: list[bytes]) -> None:
        if not receipts or not self.is_live:
            return
        room, written = self.room_bytes, bytearray()
        for payload in receipts:
            packet = encode(Publish(topic=receipts_topic(self.client.device), payload=payload), self.client.level)
            if len(packet) > min(room - len(written), self.client.packet_bytes_max):
                self._door.metrics.mqtt_receipts_dropped.inc()
            else:
                written += packet
        self.write(bytes(written))

    def not_committed(self) -> None:
        """Hang up without acknowledging: the process stops, and the client sends it again elsewhere."""
        self._connection.end(ReasonCode.SERVER_SHUTTING_DOWN, "not_committed")

    def session_busy(self) -> None:
        """Read nothing more until ``session_stored``."""
        self._connection.pause(Pause.SESSION)

    def session_stored(self) -> None:
        """Go on reading."""
        self._connection.resume(Pause.SESSION)

    def end(self, reason: ReasonCode | None, label: str | None) -> None:
        """Say why (MQTT 5) and hang up."""
        self._connection.end(reason, label)
