"""One connection to an MQTT door: it connects, publishes, subscribes, keeps itself alive and tells what comes back.

What comes is told by methods that a subclass overrides: `on_acknowledged`, `on_message`, `on_lost`, `on_writable`. It
never connects again by itself; `ReliablePublisher` does.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Self, cast

from mqtt_client.packets import (
    DISCONNECT,
    MQTT_311,
    PACKET_IDS,
    PINGREQ,
    Incoming,
    PacketType,
    ProtocolError,
    Station,
    Will,
    answer,
    connect,
    incoming,
    packet_id_of,
    publish,
    reason_of,
    split,
    subscribe,
)

CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 2.0
ACKNOWLEDGEMENT_BYTES = 4
"""A PUBACK without a reason: type, size, packet id."""
PUBACK_BYTE, PUBACK_SIZE = 0x40, 2


class RefusedError(ConnectionRefusedError):
    """The door answered CONNECT with a refusal; ``code`` is its reason."""

    def __init__(self, device: str, code: int) -> None:
        super().__init__(f"{device} was refused: CONNACK {code}")
        self.code = code


class Connection(asyncio.Protocol):
    """One connection of one device; open it once."""

    write_bytes_max = 1 << 20
    """What may wait in memory before `is_writable` is false."""

    def __init__(
        self,
        station: Station,
        *,
        level: int = MQTT_311,
        clean_start: bool = True,
        keep_alive_seconds: int = 60,
        will: Will | None = None,
        silence_ends: bool = False,
    ) -> None:
        """``silence_ends``: end it when the door does not even answer a ping, as a device in the field must."""
        self.station = station
        self.level = level
        self._greeting = connect(
            station, level=level, clean_start=clean_start, keep_alive_seconds=keep_alive_seconds, will=will
        )
        self._silence_ends = silence_ends
        self._ping_seconds = keep_alive_seconds / 2
        self._pinger: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._awaited: dict[tuple[PacketType, int], asyncio.Future[int]] = {}
        self._held = bytearray()
        self._packet_id = 0
        self._heard = False
        """Whether anything came since the last ping."""
        self._transport: asyncio.Transport | None = None
        self.is_writable = True
        """False while the door does not read: what is written now only waits in memory."""

    @property
    def ended(self) -> asyncio.Future[None]:
        """Done once the connection has ended."""
        return self._ended

    @property
    def is_open(self) -> bool:
        """Tell whether the door has accepted it and it has not ended since."""
        return self._transport is not None and self._accepted.done() and not self._ended.done()

    async def open(self, *, timeout_seconds: float = CONNECT_SECONDS) -> Self:
        """Connect and be accepted.

        Raises:
            RefusedError: the door refuses it.
            OSError: it cannot be reached, or hangs up (ProtocolError: it is no MQTT door).
            TimeoutError: it does not answer in time.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._loop.create_connection(lambda: self, self.station.host, self.station.port)
                await self._accepted
        except BaseException:
            self.abort()
            raise
        return self

    def write(self, data: bytes) -> None:
        """Write bytes as they are, as far as the connection still stands."""
        if self._transport is not None:
            self._transport.write(data)

    def next_packet_id(self) -> int:
        """Return 1, 2, ... 65,535 and again."""
        self._packet_id = self._packet_id % PACKET_IDS + 1
        return self._packet_id

    def publish(
        self, topic: str, payload: bytes, *, packet_id: int | None = None, qos: int = 1, again: bool = False
    ) -> int:
        """Publish and return the packet id; `on_acknowledged` is told of its acknowledgement."""
        number = packet_id or self.next_packet_id()
        self.write(publish(topic, number, payload, qos=qos, again=again, level=self.level))
        return number

    def publish_and_wait(
        self, topic: str, payload: bytes, *, packet_id: int | None = None, again: bool = False
    ) -> asyncio.Future[int]:
        """Publish at QoS 1 at once; what is returned becomes the reason code of its PUBACK (0: it is committed).

        It becomes a ConnectionError when the connection ends first.
        """
        number = packet_id or self.next_packet_id()
        sent = publish(topic, number, payload, again=again, level=self.level)
        return self._answer_to(PacketType.PUBACK, number, sent)

    def subscribe(self, topic_filter: str) -> asyncio.Future[int]:
        """Subscribe at QoS 1; what is returned becomes the reason code, which is the QoS that was granted."""
        number = self.next_packet_id()
        return self._answer_to(PacketType.SUBACK, number, subscribe(topic_filter, number, level=self.level))

    def _answer_to(self, kind: PacketType, packet_id: int, sent: bytes) -> asyncio.Future[int]:
        coming: asyncio.Future[int] = self._loop.create_future()
        if self.is_open:
            self._awaited[kind, packet_id] = coming
            self.write(sent)
        else:
            coming.set_exception(ConnectionResetError(f"{self.station.device} has no connection"))
        return coming

    async def close(self) -> None:
        """Say goodbye, so that no will is published, and wait a little until the socket is closed."""
        if self._transport is not None:
            self._transport.write(DISCONNECT)
            self._transport.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._ended), CLOSE_SECONDS)
        self.abort()

    def abort(self) -> None:
        """End it at once without a goodbye."""
        if self._pinger is not None:
            self._pinger.cancel()
        if self._transport is not None:
            self._transport.abort()

    # -- what a subclass may override

    def on_acknowledged(self, packet_id: int, reason: int) -> None:
        """Take note of a PUBACK, or of the PUBCOMP of a publish at QoS 2."""

    def on_plain_pubacks(self, data: bytes) -> None:
        """Take note of PUBACKs without a reason, four bytes each; a crowd of them is the fast path of a sender."""
        for at in range(ACKNOWLEDGEMENT_BYTES // 2, len(data), ACKNOWLEDGEMENT_BYTES):
            self._acknowledge(int.from_bytes(data[at : at + 2], "big"), 0)

    def on_message(self, message: Incoming) -> None:
        """Take in a message; at QoS 1 it has been acknowledged."""

    def on_lost(self, error: Exception | None) -> None:
        """Take note that the connection has ended, whoever ended it."""

    def on_writable(self) -> None:
        """Go on writing: the door reads again."""

    # -- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce itself."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self.write_bytes_max)
        self._transport.write(self._greeting)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whatever still waits."""
        self._transport = None
        if self._pinger is not None:
            self._pinger.cancel()
        self._fail_what_waits(
            exc if isinstance(exc, OSError) else ConnectionResetError(f"{self.station.device}: the door hung up")
        )
        if not self._ended.done():
            self._ended.set_result(None)
        self.on_lost(exc)

    def pause_writing(self) -> None:
        """The door does not read."""
        self.is_writable = False

    def resume_writing(self) -> None:
        """It reads again."""
        self.is_writable = True
        self.on_writable()

    def data_received(self, data: bytes) -> None:
        """Read packets; the usual answer to many publishes, nothing but plain PUBACKs, is not taken apart."""
        held = self._held
        self._heard = True
        if not held and not len(data) % ACKNOWLEDGEMENT_BYTES and self._accepted.done():
            count = len(data) // ACKNOWLEDGEMENT_BYTES
            # In 3.1.1 each has four bytes. In MQTT 5 one with a reason is longer, so the sizes must be checked.
            if data[::ACKNOWLEDGEMENT_BYTES].count(PUBACK_BYTE) == count and (
                self.level == MQTT_311 or data[1::ACKNOWLEDGEMENT_BYTES].count(PUBACK_SIZE) == count
            ):
                self.on_plain_pubacks(data)
                return
        held += data
        try:
            for first, body in split(held):
                self._take(first, body)
        except ConnectionError as error:
            self._fail(error)

    def _take(self, first: int, body: bytes) -> None:
        kind = first >> 4
        if not self._accepted.done() and kind != PacketType.CONNACK:
            raise ProtocolError(f"the first packet is of type {kind} and no CONNACK")
        if kind == PacketType.PUBACK or kind == PacketType.PUBCOMP:  # noqa: PLR1714 - asked for each packet
            self._acknowledge(packet_id_of(body), reason_of(body))
        elif kind == PacketType.PUBLISH:
            message = incoming(first, body, level=self.level)
            if message.qos:
                self.write(answer(PacketType.PUBACK, message.packet_id))
            self.on_message(message)
        elif kind == PacketType.PUBREC:
            self.write(answer(PacketType.PUBREL, packet_id_of(body)))
        elif kind == PacketType.SUBACK:
            self._settle(PacketType.SUBACK, packet_id_of(body), body[-1])
        elif kind == PacketType.CONNACK:
            self._connack(body)
        elif kind == PacketType.DISCONNECT:
            raise ConnectionResetError(f"the door ended the connection: {body.hex() or 'no reason'}")

    def _acknowledge(self, packet_id: int, reason: int) -> None:
        if self._awaited:
            self._settle(PacketType.PUBACK, packet_id, reason)
        self.on_acknowledged(packet_id, reason)

    def _settle(self, kind: PacketType, packet_id: int, reason: int) -> None:
        coming = self._awaited.pop((kind, packet_id), None)
        if coming is not None and not coming.done():
            coming.set_result(reason)

    def _connack(self, body: bytes) -> None:
        if self._accepted.done():
            return
        if body[1]:
            raise RefusedError(self.station.device, body[1])
        self._accepted.set_result(None)
        if self._ping_seconds:
            self._pinger = self._loop.call_later(self._ping_seconds, self._ping)

    def _ping(self) -> None:
        if self._silence_ends and not self._heard:
            # The last ping was not answered: the only sign of a peer that vanished without FIN or reset.
            self._fail(ConnectionResetError(f"{self.station.device}: the door is silent"))
            return
        self._heard = False
        self.write(PINGREQ)
        self._pinger = self._loop.call_later(self._ping_seconds, self._ping)

    def _fail(self, error: ConnectionError) -> None:
        self._fail_what_waits(error)
        if self._transport is not None:
            self._transport.abort()

    def _fail_what_waits(self, error: OSError) -> None:
        waiting: list[asyncio.Future[Any]] = [self._accepted, *self._awaited.values()]
        for coming in waiting:
            if not coming.done():
                coming.set_exception(error)
        self._awaited.clear()
