"""One device's MQTT connection: QoS 1, a bounded backlog while it is cut, and a resend of what was not acknowledged.

paho keeps a QoS 1 message until its PUBACK and sends it again, marked as a duplicate, after a reconnect. What it
cannot take now waits here; past the bound the oldest reading goes, as in a station's ring memory, and is counted.
"""

from __future__ import annotations

import selectors
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulators.roster import Device

BACKLOG_MAX = 300
IN_FLIGHT_MAX = 20
KEEP_ALIVE_SECONDS = 30
CONNECT_TIMEOUT_SECONDS = 3.0
RETRY_FIRST_SECONDS = 0.5
RETRY_MAX_SECONDS = 15.0
REFUSED_FROM = 0x80


@dataclass(slots=True)
class Tally:
    """What became of the readings of a run."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    dropped: int = 0
    connections: int = 0
    cuts: int = 0
    denied: int = 0
    connected: int = 0


@dataclass(frozen=True, slots=True)
class Address:
    """Where the MQTT door listens."""

    host: str
    port: int


class Link:
    """One paho client driven by the fleet's selector: no thread of its own."""

    def __init__(
        self,
        device: Device,
        *,
        address: Address,
        protocol: MQTTProtocolVersion,
        selector: selectors.BaseSelector,
        tally: Tally,
        random: Random,
    ) -> None:
        self.device = device
        self.connected = False
        self.retry_at = 0.0
        self._selector = selector
        self._tally = tally
        self._random = random
        self._failures = 0
        self._closing = False
        self._backlog: deque[bytes] = deque()
        self._in_flight = 0
        self._topic = f"ioc/v1/{device.feed}/{device.id}"
        self._client = self._make_client(address, protocol)

    def _make_client(self, address: Address, protocol: MQTTProtocolVersion) -> Client:
        """Return the client with its callbacks; it connects at the first :meth:`connect`."""
        # A kept session (clean_session=False) makes the client id stand for the device across its connections.
        options: dict[str, Any] = {} if protocol is MQTTProtocolVersion.MQTTv5 else {"clean_session": False}
        client = Client(CallbackAPIVersion.VERSION2, client_id=self.device.id, protocol=protocol, **options)
        client.username_pw_set(self.device.id, self.device.key)
        client.max_inflight_messages_set(IN_FLIGHT_MAX)
        client.max_queued_messages_set(BACKLOG_MAX)
        client.connect_timeout = CONNECT_TIMEOUT_SECONDS
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_socket_open = lambda _client, _data, sock: self._watch(sock)
        client.on_socket_close = lambda _client, _data, sock: self._unwatch(sock)
        client.on_socket_register_write = lambda _client, _data, sock: self._watch_writes(sock, wanted=True)
        client.on_socket_unregister_write = lambda _client, _data, sock: self._watch_writes(sock, wanted=False)
        client.connect_async(address.host, address.port, keepalive=KEEP_ALIVE_SECONDS)
        return client

    def _watch(self, sock: Any) -> None:
        self._selector.register(sock, selectors.EVENT_READ, self)

    def _unwatch(self, sock: Any) -> None:
        self._selector.unregister(sock)

    def _watch_writes(self, sock: Any, *, wanted: bool) -> None:
        events = selectors.EVENT_READ | selectors.EVENT_WRITE if wanted else selectors.EVENT_READ
        self._selector.modify(sock, events, self)

    @property
    def waiting(self) -> int:
        """Return how many readings are not acknowledged yet."""
        return len(self._backlog) + self._in_flight

    @property
    def open(self) -> bool:
        """Tell whether a socket is open, acknowledged as a connection or not."""
        return self._client.socket() is not None

    def connect(self, now: float) -> None:
        """Try to connect; a failure sets the time of the next try (`now` is monotonic seconds)."""
        self.retry_at = now + self._pause()
        try:
            self._client.reconnect()
        except OSError:
            self._failures += 1

    def _pause(self) -> float:
        """Return the next pause: doubling from half a second to fifteen, jittered so that a fleet spreads out."""
        longest = min(RETRY_MAX_SECONDS, RETRY_FIRST_SECONDS * 2.0 ** min(self._failures, 10))
        return longest * self._random.uniform(0.5, 1.0)

    def send(self, payload: bytes) -> None:
        """Send one reading, or keep it until the connection can take it; the oldest goes past the bound."""
        self._tally.sent += 1
        if self.waiting >= BACKLOG_MAX and self._backlog:
            self._backlog.popleft()
            self._tally.dropped += 1
        self._backlog.append(payload)
        self._flush()

    def _flush(self) -> None:
        """Hand readings to paho while the connection stands and few are unacknowledged."""
        while self.connected and self._backlog and self._in_flight < IN_FLIGHT_MAX:
            # Counted first: on a fast door the PUBACK could be read before publish returns.
            self._in_flight += 1
            info = self._client.publish(self._topic, self._backlog[0], qos=1)
            if info.rc is MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
                self._in_flight -= 1
                return
            # Any other code means that paho holds the message and will send it after a reconnect.
            self._backlog.popleft()

    def step(self, *, readable: bool, writable: bool) -> None:
        """Do the socket work that the selector found."""
        if readable:
            self._client.loop_read()
        if writable:
            self._client.loop_write()
        self._flush()

    def tend(self, now: float) -> None:
        """Do the keep-alive, and try again when cut and its pause is over."""
        if self.open:
            self._client.loop_misc()
            if not self.connected and self.open and now >= self.retry_at + CONNECT_TIMEOUT_SECONDS:
                # The door took the socket but never answered the CONNECT: start afresh.
                self.connect(now)
        elif now >= self.retry_at:
            self.connect(now)

    def close(self) -> None:
        """Say goodbye and close."""
        self._closing = True
        self._client.disconnect()
        if self.open:
            # The goodbye is only queued until this write, which also closes the socket.
            self._client.loop_write()
        # A socket that could not take the goodbye closes with the client, when the selector may be gone.
        self._client.on_socket_unregister_write = None
        self._client.on_socket_close = None

    def _on_connect(
        self, _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._tally.denied += 1
            self._failures += 1
            return
        self._failures = 0
        self.connected = True
        self._tally.connections += 1
        self._tally.connected += 1

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self.connected:
            self._tally.cuts += not self._closing
            self._tally.connected -= 1
        self.connected = False

    def _on_publish(
        self, _client: Client, _data: object, _mid: int, reason: ReasonCode, _properties: Properties
    ) -> None:
        self._in_flight -= 1
        if reason.value >= REFUSED_FROM:
            self._tally.refused += 1
        else:
            self._tally.acknowledged += 1
