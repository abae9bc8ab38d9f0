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
from typing import Any

import uvloop

from bench.readings import Gauge, payloads, share
from mqtt_client.connection import Connection
from mqtt_client.packets import PACKET_IDS, Station, publish

TICK_SECONDS = 0.005
PUBACK_BYTES = 4


class WindowPublisher(Connection):
    """One device's connection: a window of unacknowledged packets, refilled when half of it is free."""

    write_bytes_max = 1 << 24

    def __init__(self, station: Station, packets: list[bytes], window: int) -> None:
        super().__init__(station, clean_start=False)
        self.packets = packets
        self._window = window
        self.finished: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        """When the last of them was acknowledged, on the monotonic clock."""
        self.free_running = False
        self.sent = self.acknowledged = 0

    def on_lost(self, error: Exception | None) -> None:
        """Fail what waits: a bench never dials again."""
        if not self.finished.done():
            self.finished.set_exception(error or ConnectionError("the server hung up"))

    def on_acknowledged(self, packet_id: int, reason: int) -> None:
        """Count one that came beside something else."""
        del packet_id, reason
        self.on_plain_pubacks(bytes(PUBACK_BYTES))

    def on_plain_pubacks(self, data: bytes) -> None:
        """Count acknowledgements; send more when half the window is free."""
        self.acknowledged += len(data) // PUBACK_BYTES
        if self.acknowledged >= len(self.packets):
            if not self.finished.done():
                self.finished.set_result(time.monotonic())
        elif self.free_running and self.sent - self.acknowledged <= self._window // 2:
            self.send(self._window - (self.sent - self.acknowledged))

    def send(self, count: int) -> int:
        """Write the next ``count`` packets, as far as there are any and the window has room; return how many."""
        count = min(count, self._window - (self.sent - self.acknowledged))
        chunk = self.packets[self.sent : self.sent + count]
        if chunk:
            self.sent += len(chunk)
            self.write(b"".join(chunk))
        return len(chunk)


async def run(job: dict[str, Any]) -> None:
    """Do as told: {port, gauges: [[device, feed, key]], count, window, tag, rate (events/s) or null}."""
    gauges = [Gauge(*given) for given in job["gauges"]]
    start = datetime.now(UTC)
    publishers = []
    for gauge, count in zip(gauges, share(job["count"], gauges), strict=True):
        packets = [
            publish(gauge.topic, number % PACKET_IDS + 1, payload)
            for number, payload in enumerate(payloads(gauge.feed, count, tag=job["tag"], start=start))
        ]
        publisher = WindowPublisher(Station(gauge.device, gauge.key, job["port"]), packets, job["window"])
        publishers.append(await publisher.open())
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    cpu, began = time.process_time(), time.monotonic()
    if job["rate"] is None:
        for publisher in publishers:
            publisher.free_running = True
            publisher.send(job["window"])
    else:
        await _steady(publishers, per_second=job["rate"], began=began)
    ended = await asyncio.wait_for(
        asyncio.gather(*(publisher.finished for publisher in publishers)), job["timeout_seconds"]
    )
    used = time.process_time() - cpu
    await asyncio.gather(*(publisher.close() for publisher in publishers))
    answer = {"began": began, "ended": max(ended), "count": sum(publisher.sent for publisher in publishers),
              "cpu_seconds": used}  # fmt: skip
    print(json.dumps(answer), flush=True)


async def _steady(publishers: list[WindowPublisher], *, per_second: float, began: float) -> None:
    """Send in turn at a rate; a late tick is caught up, so the rate holds unless the windows are full."""
    sent, total, turn = 0, sum(len(publisher.packets) for publisher in publishers), 0
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
