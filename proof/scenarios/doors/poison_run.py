"""One run of the poison: its devices' connections to both doors, its tally, and the tables that say what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx2

from mqtt_client.connection import Connection
from mqtt_client.packets import Station
from proof.corpus import STORED

FEED = "rainfall"
PATH = f"/api/v1/feeds/{FEED}/events"
END_SECONDS = 10.0
JSON_KIND = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the two doors are, whose keys to use, and where to look."""

    http_port: int
    mqtt_port: int
    keys: Mapping[str, str]
    feed_key: str
    dsn: str


@dataclass(slots=True)
class PoisonTally:
    """What came of a run."""

    bodies: int = 0
    stored: int = 0
    letters: int = 0
    good: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    delays: list[float] = field(default_factory=list)
    longest: float = 0.0
    problems: list[str] = field(default_factory=list)

    def delay(self, share: float) -> float:
        """Return a quantile of the good readings' delays in ms."""
        ordered = sorted(self.delays)
        return round(ordered[int(len(ordered) * share)] * 1_000, 1) if ordered else 0.0

    def facts(self) -> dict[str, Any]:
        """Return it for a report."""
        return {
            "operations": self.bodies, "stored": self.stored, "dead_letters": self.letters, "neighbours": self.good,
            "statuses": {str(status): number for status, number in sorted(self.statuses.items())},
            "server_errors": sum(number for status, number in self.statuses.items() if status >= 500),
            "longest_seconds": round(self.longest, 2), "neighbour_p50_ms": self.delay(0.5),
            "neighbour_p99_ms": self.delay(0.99),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredOutcome:
    """What the tables hold more of than before, of one sender."""

    events: int
    reasons: tuple[str, ...]

    @property
    def verdicts(self) -> list[str]:
        """Return one verdict for each thing that ended."""
        return [STORED] * self.events + list(self.reasons)


class TableWitness:
    """Looks into the tables: what came of a sender's bodies since it looked last."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._events: dict[str, int] = {}
        self._dead_letters: dict[str, int] = {}
        self._lock = asyncio.Lock()

    async def look(self, device: str) -> StoredOutcome:
        """Return what is new."""
        async with self._lock:
            return await self._look(device)

    async def _look(self, device: str) -> StoredOutcome:
        events = await self._connection.fetchval("SELECT count(*) FROM event WHERE device = $1", device)
        rows = await self._connection.fetch(
            "SELECT id, reason FROM dead_letter WHERE device = $1 AND id > $2 ORDER BY id", device,
            self._dead_letters.get(device, 0),
        )  # fmt: skip
        fresh = events - self._events.get(device, 0)
        self._events[device] = events
        if rows:
            self._dead_letters[device] = rows[-1]["id"]
        return StoredOutcome(fresh, tuple(row["reason"] for row in rows))


@contextlib.asynccontextmanager
async def publishing(doors: Doors, device: str) -> AsyncIterator[Connection]:
    """Lend a connection of a device over MQTT 3.1.1."""
    station = Station(device, doors.keys[device], doors.mqtt_port)
    connection = await Connection(station, clean_start=False).open(timeout_seconds=END_SECONDS)
    try:
        yield connection
    finally:
        connection.abort()


def publish(connection: Connection, payload: bytes) -> asyncio.Future[int]:
    """Publish at QoS 1; the future is done at the PUBACK."""
    return connection.publish_and_wait(f"ioc/v1/{FEED}/{connection.station.device}", payload)


@dataclass(slots=True)
class Run:
    """One pass over the corpus."""

    doors: Doors
    client: httpx2.AsyncClient
    witness: TableWitness
    name: str
    tally: PoisonTally = field(default_factory=PoisonTally)
    _number: int = 0

    def fresh_id(self) -> str:
        """Return an id that nobody has used."""
        self._number += 1
        return f"{self.name}-{self._number}"

    async def post(self, device: str, content: bytes, headers: Mapping[str, str], path: str = PATH) -> httpx2.Response:
        """Post as a device."""
        key = {"Authorization": f"Bearer {self.doors.keys[device]}"}
        answer = await self.client.post(path, content=content, headers={**headers, **key})
        self.tally.statuses[answer.status_code] += 1
        return answer

    async def good_over_http(self) -> None:
        """Send one good reading and keep how long its 202 took."""
        began = time.monotonic()
        answer = await self.post("good-http", self.good(), JSON_KIND)
        self.tally.delays.append(time.monotonic() - began)
        if answer.status_code != 202 or answer.json()["accepted"] != 1:
            self.tally.problems.append(f"a good reading was not stored: {answer.status_code} {answer.text[:200]}")

    async def good_over_mqtt(self, connection: Connection) -> None:
        """Publish one good reading and keep how long its PUBACK took."""
        began = time.monotonic()
        await asyncio.wait_for(publish(connection, self.good()), END_SECONDS)
        self.tally.delays.append(time.monotonic() - began)

    def good(self) -> bytes:
        """Return a good reading and count it."""
        self.tally.good += 1
        return json.dumps({"id": self.fresh_id(), "rain_mm": 1}).encode()
