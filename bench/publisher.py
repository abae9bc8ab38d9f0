"""`python -m bench.publisher`: a lean MQTT 3.1.1 publisher at QoS 1, the same for a broker and for our door.

Every packet is written before the clock starts; on the clock it only copies bytes and counts acknowledgements, so that
it is never the bottleneck (its own CPU seconds are in its answer). It is told what to do on standard input as one line
of JSON, says `ready` once every connection stands, begins at the next line, and answers with one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import uvloop

from bench.readings import Gauge, payloads, share
from proof.mqtt_device import Station, connect, publish

TICK_SECONDS = 0.005
CONNACK_BYTES = 4
PUBACK_BYTES = 4
PUBACK = 0x40
PACKET_IDS = 65_535


class Publisher(asyncio.Protocol):
    """One device's connection: a window of unacknowledged packets, refilled when half of it is free."""

    def __init__(self, hello: bytes, packets: list[bytes], window: int) -> None:
        self._hello = hello
        self._packets = packets
        self._window = window
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        self.connected = self._loop.create_future()
        self.finished = self._loop.create_future()
        self.free_running = False
        self.sent = self.acknowledged = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce itself."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=1 << 24)
        self._transport.write(self._hello)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what waits: a bench never dials again."""
        for waiting in (self.connected, self.finished):
            if not waiting.done():
                waiting.set_exception(exc or ConnectionError("the server hung up"))

    def data_received(self, data: bytes) -> None:
        """Count acknowledgements; send more when half the window is free."""
        data = self._rest + data if self._rest else data
        if not self.connected.done():
            if len(data) < CONNACK_BYTES:
                self._rest = data
                return
            if data[:2] != b"\x20\x02" or data[3] != 0:
                self.connected.set_exception(ConnectionError(f"refused: {data[:4]!r}"))
                return
            data = data[CONNACK_BYTES:]
            self.connected.set_result(None)
        whole = len(data) // PUBACK_BYTES
        self._rest = data[whole * PUBACK_BYTES :]
        if data[: whole * PUBACK_BYTES : PUBACK_BYTES].count(PUBACK) != whole:
            self.finished.set_exception(ConnectionError("something else than a PUBACK came"))
            return
        self.acknowledged += whole
        if self.acknowledged >= len(self._packets):
            if not self.finished.done():
                self.finished.set_result(time.monotonic())
        elif self.free_running and self.sent - self.acknowledged <= self._window // 2:
            self.send(self._window - (self.sent - self.acknowledged))

    def send(self, count: int) -> int:
        """Write the next ``count`` packets, as far as there are any and the window has room; return how many."""
        count = min(count, self._window - (self.sent - self.acknowledged))
        chunk = self._packets[self.sent : self.sent + count]
        if chunk:
            self.sent += len(chunk)
            self._transport.write(b"".join(chunk))
        return len(chunk)

    def close(self) -> None:
        """Hang up as a client that means it."""
        self._transport.write(b"\xe0\x00")
        self._transport.close()


async def run(told: dict[str, Any]) -> None:
    """Do as told: {port, gauges: [[device, feed, key]], count, window, tag, rate (events/s) or null}."""
    gauges = [Gauge(*given) for given in told["gauges"]]
    start = datetime.now(UTC)
    loop = asyncio.get_running_loop()
    publishers = []
    for gauge, count in zip(gauges, share(told["count"], gauges), strict=True):
        hello = connect(Station(gauge.device, gauge.key, told["port"]))
        packets = [
            publish(gauge.topic, number % PACKET_IDS + 1, payload)
            for number, payload in enumerate(payloads(gauge.feed, count, tag=told["tag"], start=start))
        ]
        publisher = Publisher(hello, packets, told["window"])
        await loop.create_connection(partial(_itself, publisher), "127.0.0.1", told["port"])
        await publisher.connected
        publishers.append(publisher)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    cpu, began = time.process_time(), time.monotonic()
    if told["rate"] is None:
        for publisher in publishers:
            publisher.free_running = True
            publisher.send(told["window"])
    else:
        await _steady(publishers, per_second=told["rate"], began=began)
    ended = await asyncio.wait_for(asyncio.gather(*(publisher.finished for publisher in publishers)), told["patience"])
    used = time.process_time() - cpu
    for publisher in publishers:
        publisher.close()
    answer = {"began": began, "ended": max(ended), "count": sum(publisher.sent for publisher in publishers),
              "cpu_seconds": used}  # fmt: skip
    print(json.dumps(answer), flush=True)


def _itself(publisher: Publisher) -> Publisher:
    return publisher


async def _steady(publishers: list[Publisher], *, per_second: float, began: float) -> None:
    """Send in turn at a rate; a late tick is caught up, so the rate holds unless the windows are full."""
    sent, total, turn = 0, sum(len(publisher._packets) for publisher in publishers), 0  # noqa: SLF001
    while sent < total:
        due = min(int((time.monotonic() - began) * per_second), total) - sent
        each = max(due // len(publishers), 1)
        for _ in range(len(publishers)):
            if due <= 0:
                break
            done = publishers[turn].send(min(each, due))
            turn = (turn + 1) % len(publishers)
            sent += done
            due -= done
        await asyncio.sleep(TICK_SECONDS)


if __name__ == "__main__":
    uvloop.run(run(json.loads(sys.stdin.readline())))
