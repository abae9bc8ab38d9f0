"""What one connection writes to its client once it is welcome, as far as the client reads it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from ioc.domain.messaging.outbound import receipts_topic
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import Publish
from ioc.ingest.mqtt.connect import Client
from ioc.ingest.mqtt.ports import Pause, ReadingSide
from ioc.runtime.metrics import Metrics

UNSENT_BYTES_MAX = 1 << 20
"""Receipts at QoS 0 that wait for a client to read: those of an array of a thousand events fit."""


class Writer:
    """The writing side of one connection. It writes nothing before the welcome, and nothing after the end."""

    __slots__ = (
        "_buffer_bytes_max", "_client", "_metrics", "_reader", "_retire", "_transport", "_unsent", "_unsent_bytes",
        "is_live",
    )  # fmt: skip

    def __init__(
        self, *, client: Client, transport: asyncio.Transport, reader: ReadingSide, buffer_bytes_max: int,
        metrics: Metrics, retire: Callable[[], None],
    ) -> None:  # fmt: skip
        """``retire`` ends the connection, once what the client has sent is read."""
        self._client = client
        self._transport = transport
        self._reader = reader
        self._buffer_bytes_max = buffer_bytes_max
        self._metrics = metrics
        self._retire = retire
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self.is_live = False
        """The client is welcome, and nobody has hung up."""

    def welcome(self, answer: bytes) -> None:
        """Answer the CONNECT; from now on everything else may be written."""
        self.is_live = True
        self.write(answer)

    def end(self) -> None:
        """Write nothing more."""
        self.is_live = False
        self._unsent.clear()

    @property
    def room_bytes(self) -> int:
        """How many bytes may be written now; 0 when the client is not there or does not read."""
        if not self.is_live:
            return 0
        return max(self._buffer_bytes_max - self._transport.get_write_buffer_size(), 0)

    @property
    def has_unsent(self) -> bool:
        """Whether receipts wait for the client to read."""
        return bool(self._unsent)

    def write(self, data: bytes) -> None:
        """Write packets, if the client is still there."""
        if data and self.is_live:
            self._transport.write(data)

    def write_receipts(self, payloads: Iterable[bytes]) -> None:
        """Write receipts at QoS 0 as far as the client reads them.

        Those that do not fit wait, and nothing more is read meanwhile, so that a slow reader costs no more memory than
        what one commit of it says; past a bound they are dropped and counted.
        """
        if not payloads or not self.is_live:
            return
        for payload in payloads:
            packet = encode(Publish(topic=receipts_topic(self._client.device), payload=payload), self._client.level)
            if len(packet) > min(UNSENT_BYTES_MAX - self._unsent_bytes, self._client.packet_bytes_max):
                self._metrics.mqtt_receipts_dropped.inc()
            else:
                self._unsent.append(packet)
                self._unsent_bytes += len(packet)
        self.flush()

    def flush(self) -> None:
        """Write receipts as far as the client reads; while some are left nothing more is read from it."""
        if not self._unsent or not self.is_live:
            return
        high, transport = self._buffer_bytes_max, self._transport
        while self._unsent and (room := high - transport.get_write_buffer_size()) >= 0:
            chunk = bytearray()
            while self._unsent and len(chunk) <= room:  # one past the bound, so that we are told when there is room
                chunk += self._unsent.popleft()
            self._unsent_bytes -= len(chunk)
            transport.write(bytes(chunk))
        if self._unsent:
            self._reader.pause(Pause.UNSENT)
        else:
            self._reader.resume(Pause.UNSENT)

    def retire(self) -> None:
        """Hang up, once what the client has sent is read: its device has a newer connection."""
        self._retire()
