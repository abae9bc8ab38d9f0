"""An honest client beside an attack: it posts events and reads the alerts, each on a connection of its own.

It comes from another address than the attacker (127.0.0.2), as people do, and dials anew each time, so that what it
feels includes getting in at all.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections import Counter
from dataclasses import dataclass, field

HERE = "127.0.0.2"
ANSWER_SECONDS = 10.0
PAUSE_SECONDS = 0.03
SERVER_ERROR = 500


@dataclass(slots=True)
class Felt:
    """What it felt. Seconds from dialling to the end of the answer; ``failed``: no answer at all."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def at(self, share: float) -> float:
        """Return the quantile."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else ANSWER_SECONDS

    @property
    def wrong(self) -> int:
        """Return how many requests were not served."""
        return self.failed.total() + sum(count for status, count in self.statuses.items() if status not in (200, 202))

    def facts(self) -> dict[str, object]:
        """Return it for a report."""
        return {
            "requests": len(self.seconds) + self.failed.total(),
            "p50_ms": round(self.at(0.5) * 1_000, 1),
            "p95_ms": round(self.at(0.95) * 1_000, 1),
            "max_ms": round(max(self.seconds, default=0.0) * 1_000, 1),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "failed": dict(self.failed),
            "wrong": self.wrong,
        }


@dataclass(slots=True)
class Honest:
    """The client: a device's key to send with, a district's key to read with."""

    port: int
    device_key: str
    reader_key: str
    tls: ssl.SSLContext | None = None
    _number: int = 0

    async def live(self, seconds: float) -> Felt:
        """Post and read in turn for a while."""
        felt = Felt()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._number += 1
            began = time.monotonic()
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    felt.statuses[await self._exchange(self._request())] += 1
            except (OSError, EOFError, ValueError, TimeoutError) as error:
                felt.failed[type(error).__name__] += 1
            else:
                felt.seconds.append(time.monotonic() - began)
            await asyncio.sleep(PAUSE_SECONDS)
        return felt

    def _request(self) -> bytes:
        if self._number % 2:
            return (
                f"GET /api/v1/alerts HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                f"Authorization: Bearer {self.reader_key}\r\n\r\n"
            ).encode()
        body = json.dumps({"id": f"honest-{self._number}", "rain_mm": self._number % 7}).encode()
        head = (
            f"POST /api/v1/feeds/rainfall/events HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            f"Authorization: Bearer {self.device_key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def _exchange(self, request: bytes) -> int:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1",
            self.port,
            local_addr=(HERE, 0),
            ssl=self.tls,
            server_hostname="127.0.0.1" if self.tls else None,
        )
        try:
            writer.write(request)
            status = int((await reader.readline()).split(b" ", 2)[1])
            while await reader.read(1 << 16):
                pass
            return status
        finally:
            writer.transport.abort()
