"""`python -m bench.http_sender`: NDJSON bodies to the HTTP door, each after the answer to the one before it.

Bodies are written before the clock starts. Told as JSON on standard input, like bench.publisher.
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


def request(gauge: Gauge, port: int, body: bytes) -> bytes:
    """Return one POST of NDJSON lines."""
    head = (
        f"POST /api/v1/feeds/{gauge.feed}/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {gauge.key}\r\nContent-Type: application/x-ndjson\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send(gauge: Gauge, port: int, requests: list[bytes]) -> int:
    """Send bodies one after the other; return how many events were accepted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    accepted = 0
    for whole in requests:
        writer.write(whole)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        answer = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 202"):
            raise ConnectionError(f"{gauge.device}: {head[:60]!r} {answer[:200]!r}")
        accepted += json.loads(answer)["accepted"]
    writer.close()
    return accepted


async def run(job: dict[str, Any]) -> None:
    """Do as told: {port, gauges, count, lines (of one body), tag}; answer {began, ended, count, cpu_seconds}."""
    gauges = [Gauge(*given) for given in job["gauges"]]
    bodies = []
    for gauge, count in zip(gauges, share(job["count"], gauges), strict=True):
        lines = payloads(gauge.feed, count, tag=job["tag"], start=datetime.now(UTC))
        chunks = [lines[begin : begin + job["lines"]] for begin in range(0, count, job["lines"])]
        bodies.append([request(gauge, job["port"], b"\n".join(chunk)) for chunk in chunks])
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    cpu, began = time.process_time(), time.monotonic()
    accepted = await asyncio.gather(*(send(gauge, job["port"], own) for gauge, own in zip(gauges, bodies, strict=True)))
    answer = {"began": began, "ended": time.monotonic(), "count": sum(accepted),
              "cpu_seconds": time.process_time() - cpu}  # fmt: skip
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(run(json.loads(sys.stdin.readline())))
