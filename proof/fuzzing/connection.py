"""A live MQTT connection under any bytes: it answers or ends, loses no acknowledgement, and leaves nothing waiting.

Door, pipeline and registry are the real ones (the house of the integration tests); the socket, the log and the
sessions are in memory, and deadlines are asked for with a moment to come, so that they cost no time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from ioc.ingest.mqtt.codec.decoder import Decoder
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import (
    Connack,
    Connect,
    Oversize,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Pubrec,
    Sender,
)
from ioc.ingest.mqtt.codec.reasons import ProtocolViolation
from ioc.ingest.mqtt.connect import MQTTBounds
from ioc.ingest.mqtt.connection import MQTTConnection
from ioc.ingest.mqtt.limits import MQTTLimits
from proof.fuzzing.codec import WORDS, join_packets, sample_packets, split_packets
from tests.integration.ingest.mqtt_house import HeldSink, House, house_of

OLD_EXECUTIONS = 2_000
"""Then the door is made anew: what piles up in it would slow the run, and hide what piles up in one connection."""
SETTLE_SECONDS = 3.0
DEVICE = "rain-1"
BOUNDS = MQTTBounds(
    body_bytes_max=200, inflight_max=50, sweep_seconds=3_600,
    limits=MQTTLimits(refusal_seconds_max=0, device_connects_per_minute=0, address_connects_per_second=0),
)  # fmt: skip
LATER_SECONDS = 1_000_000.0


class MemoryTransport(asyncio.Transport):
    """A socket without a network: keeps what is written, and knows whether anybody reads."""

    def __init__(self, connection: MQTTConnection) -> None:
        super().__init__()
        self.connection = connection
        self.written = bytearray()
        self.reading = True
        self.ended = False
        """Our side has said its last word."""
        self.lost = False
        connection.connection_made(self)

    def write(self, data: Any) -> None:
        """Keep it."""
        assert not self.ended, "it writes after its end"
        self.written += data

    def pause_reading(self) -> None:
        """Hand over nothing more."""
        self.reading = False

    def resume_reading(self) -> None:
        """Hand over again."""
        self.reading = True

    def has_ended(self) -> bool:
        """Tell whether our side has said its last word."""
        return self.ended

    def can_write_eof(self) -> bool:
        """Say yes, as TCP does."""
        return True

    def write_eof(self) -> None:
        """Take note of the end."""
        self.ended = True

    def close(self) -> None:
        """End."""
        self.abort()

    def abort(self) -> None:
        """End at once; the connection hears of it from the loop."""
        self.ended = True
        if not self.lost:
            self.lost = True
            asyncio.get_running_loop().call_soon(self.connection.connection_lost, None)

    def is_closing(self) -> bool:
        """Tell whether it has ended for good."""
        return self.lost

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Have none."""
        del high, low

    def get_write_buffer_size(self) -> int:
        """Return that the other side has read all."""
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Know nothing of a network."""
        del name
        return default


class ConnectionTarget:
    """The first byte chooses the version, whether the bytes come after a good CONNECT, and how they are cut."""

    name = "connection"
    words: Sequence[bytes] = (*WORDS, b"ioc/v1/rainfall/rain-1", b"ioc/v1/receipts/rain-1", b'{"id":"1","rain_mm":1}')
    files: Sequence[str] = (
        "ioc/ingest/mqtt/connection.py", "ioc/ingest/mqtt/handshake.py", "ioc/ingest/mqtt/live.py",
        "ioc/ingest/mqtt/writer.py", "ioc/ingest/mqtt/acknowledger.py", "ioc/ingest/mqtt/read_scheduler.py",
        "ioc/ingest/mqtt/sessions/session.py", "ioc/ingest/mqtt/sessions/inflight.py", "ioc/ingest/mqtt/publish.py",
        "ioc/ingest/mqtt/sessions/subscriptions.py", "ioc/ingest/mqtt/connect.py",
        "ioc/ingest/mqtt/sessions/wills.py", "ioc/ingest/mqtt/acl.py", "ioc/ingest/mqtt/acks.py",
        "ioc/ingest/mqtt/sessions/worker.py", "ioc/ingest/mqtt/codec/decoder.py", "ioc/ingest/mqtt/codec/parser.py",
    )  # fmt: skip

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._failed)
        self._failures: list[BaseException | str] = []
        self._stack = AsyncExitStack()
        self._house: House | None = None
        self._sink = HeldSink()
        self._age = 0

    def close(self) -> None:
        """Take the door down."""
        self._loop.run_until_complete(self._stack.aclose())
        self._loop.close()

    def seeds(self) -> list[bytes]:
        """Return conversations of both versions, whole and in packets."""
        made = []
        for level in (4, 5):
            written = [encode(packet, level) for packet in sample_packets(level)]
            flags = (level - 4) | 2
            made.append(bytes([flags]) + b"".join(written[1:]))
            made.append(bytes([flags & 1 | 0x40]) + b"".join(written))
            made += [bytes([flags | 0x10]) + packet for packet in written]
        return made

    def split(self, data: bytes) -> list[bytes]:
        """Return the packets."""
        return split_packets(data)

    def join(self, parts: Sequence[bytes]) -> bytes:
        """Return the stream."""
        return join_packets(parts)

    def run(self, data: bytes) -> Hashable:
        """Serve one client that sends these bytes."""
        outcome = self._loop.run_until_complete(self._serve(data))
        if self._failures:
            failure = self._failures[0]
            self._failures.clear()
            raise failure if isinstance(failure, Exception) else RuntimeError(f"in the loop: {failure}")
        return outcome

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        self._failures.append(context.get("exception") or str(context.get("message")))

    async def _open(self) -> House:
        if self._house is None or self._age >= OLD_EXECUTIONS:
            await self._stack.aclose()
            self._age, self._sink = 0, HeldSink()
            self._house = await self._stack.enter_async_context(house_of(self._sink, bounds=BOUNDS, batch_seconds=0.0))
        self._age += 1
        return self._house

    async def _serve(self, data: bytes) -> Hashable:
        house = await self._open()
        flags = data[0] if data else 0
        level, introduced, stream = 4 + (flags & 1), flags & 2, bytes(data[1:])
        cut = len(stream) // ((flags >> 4) + 1) + 1
        if introduced:
            hello = Connect(protocol_level=level, client_id="x", username=DEVICE, password=house.key.encode())
            stream = encode(hello, level) + stream
        connection = house.door.handler("127.0.0.1")
        transport = MemoryTransport(connection)
        fed = await self._feed(connection, transport, stream, cut=cut)
        try:
            return await self._judged(connection, transport, stream[:fed])
        finally:
            transport.abort()
            await asyncio.sleep(0)
            self._sink.items.clear()

    async def _feed(self, connection: MQTTConnection, transport: MemoryTransport, stream: bytes, *, cut: int) -> int:
        """Send the stream as its reader reads it; return how much of it was read."""
        for at in range(0, len(stream), cut):
            await self._settled(connection, transport)
            if transport.has_ended():
                return at
            connection.data_received(stream[at : at + cut])
        await self._settled(connection, transport)
        return len(stream)

    async def _settled(self, connection: MQTTConnection, transport: MemoryTransport) -> None:
        """Wait until everything is committed and it reads again, or has ended."""
        deadline = self._loop.time() + SETTLE_SECONDS
        while not transport.has_ended() and (not transport.reading or connection.waiting_count):
            assert self._loop.time() < deadline, "it neither reads nor ends"
            await asyncio.sleep(0)

    async def _judged(self, connection: MQTTConnection, transport: MemoryTransport, stream: bytes) -> Hashable:
        house = self._house
        assert house is not None, "the door is open"
        reader = Decoder(1 << 20, max_connect_bytes=BOUNDS.connect_bytes_max)
        sent, broken = _read(reader, stream)
        level = reader.protocol_level or 4
        answers = _answers(transport, level)
        welcomed = bool(answers) and isinstance(answers[0], Connack) and not answers[0].reason_code.is_failure
        kinds = tuple(sorted(Counter(type(packet).__name__ for packet in answers).items()))
        now, log_now = house.door.context.io_clock.seconds(), house.door.context.log_clock.now()
        if transport.has_ended():
            connection.check(now + LATER_SECONDS, log_now)
            await asyncio.sleep(0)
            assert transport.lost, "it lingers for ever after its end"
            return ("ended", level, welcomed, kinds)
        assert not broken, "a violation was let pass"
        if not welcomed:
            connection.check(now + LATER_SECONDS, log_now)
            assert transport.has_ended(), "it waits for ever for a CONNECT"
            return ("waited", level, kinds)
        due = sum(1 for packet in sent if isinstance(packet, Publish | Oversize) and packet.qos)
        done = sum(isinstance(packet, Puback | Pubrec) for packet in answers)
        assert due == done, f"{due} messages are to be acknowledged, {done} are"
        if reader.is_amid_packet:
            connection.check(now, log_now)
            connection.check(now + LATER_SECONDS, log_now)
            assert transport.has_ended(), "it waits for ever for the rest of a packet"
            return ("cut off", level, kinds)
        before = sum(isinstance(packet, Pingresp) for packet in answers)
        connection.data_received(encode(Pingreq(), level))
        await self._settled(connection, transport)
        after = sum(isinstance(packet, Pingresp) for packet in _answers(transport, level))
        assert after == before + 1, "it lives and does not answer"
        return ("live", level, kinds)


def _read(reader: Decoder, stream: bytes) -> tuple[list[Packet | Oversize], bool]:
    packets: list[Packet | Oversize] = []
    reader.feed(stream)
    try:
        packets.extend(reader)
    except ProtocolViolation:
        return packets, True
    return packets, False


def _answers(transport: MemoryTransport, level: int) -> list[Packet | Oversize]:
    """Return what was written, as a client reads it; a violation of ours is a crash."""
    decoder = Decoder(1 << 20, sender=Sender.SERVER, protocol_level=level)
    decoder.feed(bytes(transport.written))
    return list(decoder)
