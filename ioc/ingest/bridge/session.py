"""One connection to the broker, driven by one paho client of its own, all in the link's thread.

The number of the connection, its *epoch*, bounds what a packet id means. What paho calls here only takes notes, puts
arrivals into the inbox and never waits; nothing is acknowledged but what the link is ordered to.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ioc.ingest.bridge.inbox import BridgeMessage, Inbox
from ioc.ingest.bridge.plan import DOOR, DROPPED_TOPIC, RECEIPTS, VERSION_TOPIC, BridgePlan, version_complaint
from ioc.runtime.clock import IOClock
from ioc.runtime.metrics import Metrics

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0
"""The broker's time for CONNACK and SUBACK together."""
TURN_SECONDS = 0.5
READS_IN_A_ROW = 64
OUTGOING_MAX = 20
"""Our unacknowledged publishes; a broker that takes fewer says so in its CONNACK."""
AT_LEAST_ONCE = 1
SESSION_TAKEN_OVER = 142
GOOD = MQTTErrorCode.MQTT_ERR_SUCCESS


@dataclass(slots=True)
class LinkMemory:
    """What the link knows from one connection to the next."""

    session_known: bool
    """A session of ours was at this broker: not to find it again is a loss."""
    subscribed: bool = False
    """This process has subscribed: a session that is still there needs no second time."""
    outgoing_max: int = OUTGOING_MAX
    receipts_done: int = 0
    """Receipts that were ordered and have an end, good or bad."""
    complaint: str | None = None


class BrokerSession:
    """One connection, from CONNECT to its end."""

    def __init__(
        self, epoch: int, *, plan: BridgePlan, tls: ssl.SSLContext | None, inbox: Inbox, remembered: LinkMemory,
        io_clock: IOClock, metrics: Metrics, on_connected: Callable[[], None],
    ) -> None:  # fmt: skip
        self.epoch = epoch
        self.connected = False
        """The subscription stands: what devices publish comes here."""
        self.end: str | None = None
        """Why the connection ended, or must."""
        self.wanted_anew = False
        """We end it ourselves and want the next at once."""
        self._plan = plan
        self._inbox = inbox
        self._remembered = remembered
        self._io_clock = io_clock
        self._metrics = metrics
        self._on_connected = on_connected
        self._open = False
        self._received = 0
        self._subscription: int | None = None
        self._client = self._make_client(tls)

    def _make_client(self, tls: ssl.SSLContext | None) -> Client:
        plan = self._plan
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=plan.client_id, protocol=MQTTProtocolVersion(plan.level),
            clean_session=None if plan.is_5 else False, manual_ack=True, reconnect_on_failure=False,
        )  # fmt: skip
        if plan.address.username is not None:
            client.username_pw_set(plan.address.username, plan.address.password)
        if tls is not None:
            client.tls_set_context(tls)
        client.connect_timeout = CONNECT_SECONDS
        client.max_inflight_messages = self._remembered.outgoing_max
        # Set before the connection is made: what a resumed session holds arrives at once, before any SUBACK.
        client.on_message = self._on_message
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        # With a handler here paho never writes to the socket by itself: our loop does.
        client.on_socket_register_write = _nothing
        return client

    def connect(self) -> None:
        """Reach the broker and prepare the CONNECT. Blocks as long as that takes.

        Raises:
            OSError: it cannot be reached, or its certificate is not good.
        """
        plan, address = self._plan, self._plan.address
        if not plan.is_5:
            self._client.connect(address.host, address.port, plan.keepalive_seconds)
            return
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        # Without an expiry a session of MQTT 5 ends with its connection, whatever clean start says.
        wishes.SessionExpiryInterval = plan.session_seconds
        wishes.ReceiveMaximum = plan.inflight_max
        wishes.MaximumPacketSize = plan.packet_bytes_max
        self._client.connect(address.host, address.port, plan.keepalive_seconds, clean_start=False, properties=wishes)

    def serve(self, *, wake: socket.socket, turn: Callable[[], bool]) -> None:
        """Read and write until the connection ends or :attr:`end` is set.

        ``turn`` is called at each turn, at least every half second, and may call the methods below; False: end it.
        ``wake`` becomes readable when there is something for ``turn`` to do.
        """
        client, began = self._client, self._io_clock.seconds()
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        while (connection := client.socket()) is not None:
            descriptor = connection.fileno()
            poll.register(descriptor, select.POLLIN | (select.POLLOUT if client.want_write() else 0))
            ready = dict(poll.poll(0 if _decrypted(connection) else TURN_SECONDS * 1_000))
            if ready.get(wake.fileno()):
                with contextlib.suppress(BlockingIOError):
                    wake.recv(4_096)
            readable = ready.get(descriptor, 0) & ~select.POLLOUT or _decrypted(connection)
            if readable and not self._read():
                return
            goes_on = turn()
            if client.want_write() and client.loop_write() != GOOD:
                return
            if self.end is not None or not goes_on:
                return
            if client.loop_misc() != GOOD:
                return
            if not self.connected and self._io_clock.seconds() - began > ANSWER_SECONDS:
                self.end = "the broker does not answer"

    def close(self) -> None:
        """Say good-bye where there is still a connection, and close it. The session stays with the broker."""
        for _ in self._client.drop_out_messages():
            self._receipt("dropped")
        with contextlib.suppress(OSError):
            self._client.disconnect()
            self._client.loop_write()

    def acknowledge(self, packet_ids: Iterable[int]) -> None:
        """Send the PUBACKs of messages of this connection."""
        for packet_id in packet_ids:
            self._client.ack(packet_id, AT_LEAST_ONCE)

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a receipt at QoS 1; without a connection it is dropped and counted."""
        if not self._open:
            self._receipt("dropped")
            return
        # paho has no bound of its own here, so this cannot fail; the link bounds what it orders.
        self._client.publish(topic, payload, qos=AT_LEAST_ONCE)

    def _read(self) -> bool:
        """Read the packets that are there, a bounded number in a row; tell whether the connection still stands."""
        for _ in range(READS_IN_A_ROW):
            before = self._received
            if self._client.loop_read() != GOOD:
                return False
            if self._received == before:
                break
        return True

    def _on_message(self, client: Client, _: Any, message: MQTTMessage) -> None:
        self._received += 1
        try:
            topic = message.topic
        except UnicodeDecodeError as error:
            topic = error.object.decode(errors="replace")
        if topic.startswith("$SYS/"):
            self._told_by_broker(topic, bytes(message.payload))
        elif topic.startswith(RECEIPTS):
            # Our own receipt, sent back to us: MQTT 3.1.1 and shared subscriptions cannot exclude it.
            self._metrics.bridge_echoes.inc()
            if message.qos:
                client.ack(message.mid, AT_LEAST_ONCE)
        else:
            taken = self._inbox.put(
                BridgeMessage(
                    epoch=self.epoch, packet_id=message.mid, qos=message.qos, topic=topic,
                    payload=bytes(message.payload), again=message.dup, retained=message.retain,
                    content_type=getattr(message.properties, "ContentType", None),
                )
            )  # fmt: skip
            if not taken:
                self._metrics.ingest_full.labels(DOOR).inc()

    def _told_by_broker(self, topic: str, payload: bytes) -> None:
        text = payload[:200].decode(errors="replace")
        if topic == DROPPED_TOPIC and text.isascii() and text.isdecimal():
            self._metrics.bridge_broker_dropped.set(int(text))
        elif topic == VERSION_TOPIC:
            complaint = version_complaint(text)
            if complaint is not None and complaint != self._remembered.complaint:
                self._remembered.complaint = complaint
                structlog.get_logger().warning("bridge_broker_version", complaint=complaint)

    def _on_connect(
        self, _: Client, __: Any, flags: ConnectFlags, reason: ReasonCode, given: Properties | None
    ) -> None:
        remembered = self._remembered
        if reason.is_failure:
            self.end = f"the broker refuses us: {reason}"
            return
        announced = getattr(given, "ReceiveMaximum", OUTGOING_MAX)
        if announced < remembered.outgoing_max:
            remembered.outgoing_max = announced
            self.wanted_anew = True
            self.end = f"the broker takes only {announced} unacknowledged messages of ours"
            return
        self._open = True
        if remembered.session_known and not flags.session_present:
            self._metrics.bridge_sessions_lost.inc()
            structlog.get_logger().warning(
                "bridge_session_lost", broker=self._plan.address.display_text, client_id=self._plan.client_id,
                hint="the broker has forgotten our session: what it had acknowledged to devices for us may be lost",
            )  # fmt: skip
        if flags.session_present and remembered.subscribed:
            self._stands()
        else:
            self._subscribe()

    def _subscribe(self) -> None:
        """Subscribe at QoS 1, never 2: paho takes such a message over before we commit it, and a crash loses it."""
        plan, told = self._plan, (VERSION_TOPIC, DROPPED_TOPIC)
        if plan.is_5:
            wish = SubscribeOptions(
                qos=AT_LEAST_ONCE, noLocal=not plan.shared, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
            )
            self._subscription = self._client.subscribe([(item, wish) for item in plan.filters])[1]
        else:
            self._subscription = self._client.subscribe([(item, AT_LEAST_ONCE) for item in plan.filters])[1]
        # Its SUBACK is not awaited: many brokers do not let clients read $SYS.
        self._client.subscribe([(item, 0) for item in told])

    def _on_subscribe(self, _: Client, __: Any, number: int, codes: list[ReasonCode], given: Properties | None) -> None:
        del given
        if number != self._subscription:
            return
        refused = [item for item, code in zip(self._plan.filters, codes, strict=False) if code.value != AT_LEAST_ONCE]
        if refused:
            self.end = f"the broker does not grant QoS 1 on {', '.join(refused)}: see its access list"
            return
        self._remembered.subscribed = self._remembered.session_known = True
        self._stands()

    def _stands(self) -> None:
        self.connected = True
        self._on_connected()

    def _on_publish(self, _: Client, __: Any, number: int, reason: ReasonCode, given: Properties | None) -> None:
        del number, given
        self._receipt("refused" if reason.is_failure else "sent")

    def _on_disconnect(
        self, _: Client, __: Any, flags: DisconnectFlags, reason: ReasonCode, given: Properties | None
    ) -> None:
        del flags, given
        if self.end is None:
            self.end = f"disconnected: {reason}"
        if reason.value == SESSION_TAKEN_OVER:
            structlog.get_logger().error(
                "bridge_taken_over", client_id=self._plan.client_id,
                hint="another client uses this client id: give each bridge its own (IOC_MQTT_BRIDGE_CLIENT_ID)",
            )  # fmt: skip

    def _receipt(self, outcome: str) -> None:
        self._remembered.receipts_done += 1
        self._metrics.bridge_receipts.labels(outcome).inc()


def _decrypted(connection: Any) -> bool:
    """Tell whether TLS holds bytes that poll() does not see."""
    return isinstance(connection, ssl.SSLSocket) and connection.pending() > 0


def _nothing(*_: object) -> None:
    """Do nothing, where paho wants a handler."""
