"""P4, nothing vanishes: three times what the instance can store is offered, and PostgreSQL is frozen in the middle.

Stations push over MQTT and a system posts over HTTP. Every few seconds, by the clients' own counts, the counters of the
roles and the tables: what was acknowledged is stored, what is stored was sent, and what is neither acknowledged nor
refused is still held by its sender; when it is over, all that was sent is acknowledged in the end. What a station would
have sent and could not, since the door did not read, it has kept (``mqtt_unsent``). Memory stays under a bound that is
set beforehand. The control is an intake without a bound: it must break that bound.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from mqtt_client.packets import Station
from proof.clients.flood import Flood, at_rate
from proof.harness.instance import Instance, running
from proof.harness.report import Profile, Report
from proof.scenarios.doors.backlog import register

PROMISE = "under overload everything offered is stored, refused or still held by its sender; memory stays bounded"
FEED = "rainfall"
STATIONS = 8
WINDOW = 20_000
"""Far more than any field station holds: the bound must be the door's."""
CONTROL_WINDOW = 60_000
POSTERS = 60
"""Requests at once: more than the queue of the HTTP door takes."""
OVERLOAD = 3.0
RSS_ROOM_BYTES = 192 << 20
"""What a role's memory may grow by beyond what it has when idle: queue_rows_max messages, and the batch at work."""
SETTINGS: dict[str, object] = {
    "queue_rows_max": 20_000,
    # The bound of the queue is tested, so the bounds of a single connection are set where they are never reached.
    "mqtt_inflight_max": 65_535, "mqtt_inflight_bytes_max": 1 << 30, "mqtt_messages_per_second": 0,
    "mqtt_bytes_per_second": 0,
}  # fmt: skip
HTTP_BATCH = 500
PAGE = os.sysconf("SC_PAGE_SIZE")
COUNTER = re.compile(r'^ioc_ingest_events_total\{door="(mqtt|http)",.*outcome="(\w+)".*\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class OverloadSize:
    """How much of it."""

    seconds: float
    frozen_seconds: float
    calibrate_seconds: float = 6.0
    check_seconds: float = 5.0
    drain_seconds: float = 180.0
    """What waited in sockets is late by then, and is held to what the engine can take."""
    mutant: str | None = None


SIZES = {
    Profile.QUICK: OverloadSize(seconds=36.0, frozen_seconds=12.0, calibrate_seconds=4.0, check_seconds=3.0),
    Profile.FULL: OverloadSize(seconds=300.0, frozen_seconds=60.0, drain_seconds=1_200.0),
}
CONTROL_SECONDS = 40.0
CONTROL_FROZEN_SECONDS = 25.0


def readings(prefix: str) -> Iterator[bytes]:
    """Return readings without end, each once."""
    for number in itertools.count(1):
        moment = datetime.now(UTC).isoformat()
        yield f'{{"id":"{prefix}{number}","time":"{moment}","rain_mm":0.4,"rain_24h_mm":12.5}}'.encode()


@dataclass(slots=True)
class Poster:
    """A system that posts batches and takes a refusal for an answer."""

    url: str
    device: str
    key: str
    sent: int = 0
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    """Events of requests without an answer: stored or not."""
    statuses: dict[int, int] = field(default_factory=dict)

    async def run(self) -> None:
        """Post until cancelled; a refusal is not repeated."""
        supply = readings("h")
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/x-ndjson"}
        limits = httpx2.Limits(max_connections=POSTERS)
        async with (
            httpx2.AsyncClient(timeout=30.0, headers=headers, limits=limits) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(POSTERS):
                tasks.create_task(self._post(client, supply))

    async def _post(self, client: httpx2.AsyncClient, supply: Iterator[bytes]) -> None:
        while True:
            body = b"\n".join(itertools.islice(supply, HTTP_BATCH))
            self.sent += HTTP_BATCH
            try:
                answer = await client.post(f"{self.url}/api/v1/feeds/{FEED}/events", content=body)
            except httpx2.HTTPError:
                self.unknown += HTTP_BATCH
                continue
            self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
            if answer.status_code == httpx2.codes.ACCEPTED:
                self.accepted += HTTP_BATCH
            elif "store_unavailable" in answer.text:
                self.unknown += HTTP_BATCH  # not committed in time: it may be later
            else:
                self.refused += HTTP_BATCH
                await asyncio.sleep(0.05)


class OverloadChecks:
    """The checks of one run."""

    def __init__(self, instance: Instance, floods: Sequence[Flood], poster: Poster) -> None:
        self._instance = instance
        self._floods = floods
        self._poster = poster
        self._idle = {role: rss(instance, role) for role in ("door", "api")}
        self.grown = dict.fromkeys(self._idle, 0)
        self.is_frozen = False
        self.checks = 0
        self.table_checks = 0
        self.problems: list[str] = []

    def look_at_memory(self) -> None:
        """Note the growth of each role."""
        for role, idle in self._idle.items():
            self.grown[role] = max(self.grown[role], rss(self._instance, role) - idle)

    async def check(self) -> None:
        """Compare clients, counters and tables. Each bound is read on its safe side of the moment."""
        poster = self._poster
        acknowledged = sum(flood.acknowledged for flood in self._floods)
        accepted = poster.accepted
        self.checks += 1
        counters = await self._counters()
        rows = await self._rows()
        sent = sum(flood.sent for flood in self._floods)
        http_at_most = poster.sent - poster.refused
        held = sent - acknowledged
        if held < 0:
            self.problems.append(f"more acknowledged ({acknowledged}) than sent ({sent})")
        for name, found in (("counters", counters), ("tables", rows)):
            if found is None:
                continue
            for door, low, high in (("mqtt", acknowledged, sent), ("http", accepted, http_at_most)):
                if not low <= found.get(door, 0) <= high:
                    self.problems.append(f"{name} of {door}: {found.get(door, 0)} is not within {low} to {high}")

    async def _counters(self) -> dict[str, int] | None:
        try:
            async with httpx2.AsyncClient(timeout=4.0) as client:
                answer = await client.get(f"{self._instance.url}/metrics")
        except httpx2.HTTPError:
            return None
        if answer.status_code != httpx2.codes.OK:
            return None
        found: dict[str, int] = {}
        for door, _, value in COUNTER.findall(answer.text):
            found[door] = found.get(door, 0) + int(float(value))
        return found or None

    async def _rows(self) -> dict[str, int] | None:
        if self.is_frozen:
            return None
        try:
            async with self._instance.database() as connection:
                rows = await connection.fetch(
                    "SELECT door, count(*) AS n FROM event WHERE device IS NOT NULL GROUP BY door"
                )
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return None
        self.table_checks += 1
        return {row["door"]: row["n"] for row in rows}

    async def run(self, pause_seconds: float) -> None:
        """Check until cancelled, and look at memory in between."""
        while True:
            until = time.monotonic() + pause_seconds
            while time.monotonic() < until:
                self.look_at_memory()
                await asyncio.sleep(0.25)
            await self.check()


def rss(instance: Instance, role: str) -> int:
    """Return a role's resident bytes; 0 while it is away."""
    pid = instance.role_pid(role)
    if pid is None:
        return 0
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * PAGE
    except OSError:
        return 0


@contextlib.asynccontextmanager
async def frozen(instance: Instance, watch: OverloadChecks) -> Any:
    """Stop every process of PostgreSQL meanwhile."""
    pids = instance.postgres_pids()
    watch.is_frozen = True
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in {*pids, *instance.postgres_pids()}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        watch.is_frozen = False


async def _capacity(floods: Sequence[Flood], seconds: float) -> float:
    """Return how many events a second are acknowledged when the senders push as they can."""
    before = sum(flood.acknowledged for flood in floods)
    for flood in floods:
        flood.allow(WINDOW / 20)
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        await asyncio.sleep(0.05)
        for flood in floods:
            flood.allow(WINDOW / 20 - (flood.sent - flood.acknowledged))
    return (sum(flood.acknowledged for flood in floods) - before) / (time.monotonic() - started)


async def _run(size: OverloadSize) -> dict[str, Any]:
    async with running(mutant=size.mutant, **SETTINGS) as instance, instance.admin() as admin:
        names = [f"push-{number}" for number in range(STATIONS)]
        keys = await register(admin, [*names, "system-1"])
        floods = [
            await Flood(
                Station(name, keys[name], instance.mqtt_port), feed=FEED, supply=readings(name), window=WINDOW
            ).open()
            for name in names
        ]
        poster = Poster(instance.url, "system-1", keys["system-1"])
        watch = OverloadChecks(instance, floods, poster)
        capacity = await _capacity(floods, size.calibrate_seconds)
        over = asyncio.Event()
        tasks = [
            asyncio.create_task(at_rate(floods, OVERLOAD * capacity, over.is_set)),
            asyncio.create_task(poster.run()),
            asyncio.create_task(watch.run(size.check_seconds)),
        ]
        quiet = (size.seconds - size.frozen_seconds) / 2
        await asyncio.sleep(quiet)
        async with frozen(instance, watch):
            await asyncio.sleep(size.frozen_seconds)
        await asyncio.sleep(quiet)
        over.set()
        tasks[1].cancel()
        await tasks[0]
        unsent = sum(flood.rest() for flood in floods)
        drained = await _drain(floods, size.drain_seconds)
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if size.mutant is None:
            await watch.check()
        for flood in floods:
            flood.abort()
        return {
            "capacity_events_per_second": round(capacity), "offered_times": OVERLOAD,
            "frozen_seconds": size.frozen_seconds,
            "mqtt_unsent": unsent, "mqtt_sent": sum(flood.sent for flood in floods),
            "mqtt_acknowledged": sum(flood.acknowledged for flood in floods), "drained": drained,
            "mqtt_connections_lost": sum(flood.dropped_out for flood in floods),
            "http_sent": poster.sent, "http_accepted": poster.accepted, "http_refused": poster.refused,
            "http_unknown": poster.unknown, "http_statuses": poster.statuses, "checks": watch.checks,
            "table_checks": watch.table_checks, "grown_bytes": watch.grown, "problems": watch.problems,
            **({"stored_twice": await _twice(instance)} if size.mutant is None else {}),
        }  # fmt: skip


async def _drain(floods: Sequence[Flood], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if all(flood.dropped_out or flood.sent == flood.acknowledged for flood in floods):
            return True
        await asyncio.sleep(0.2)
    return False


async def _twice(instance: Instance) -> int:
    async with instance.database() as connection:
        return int(
            await connection.fetchval(
                "SELECT count(*) - count(DISTINCT (device, id)) FROM event WHERE device IS NOT NULL"
            )
        )


async def prove(*, seed: int, size: OverloadSize) -> Report:
    """Overload and freeze; then the same against an intake without a bound."""
    report = Report("overload", seed, PROMISE)
    figures = await _run(size)
    problems = list(figures.pop("problems"))
    for wrong, text in (
        (not figures["drained"], "not everything sent was acknowledged in the end"),
        (figures["mqtt_connections_lost"] > 0, "a station lost its connection"),
        (figures["stored_twice"] > 0, "something is stored twice"),
        (max(figures["grown_bytes"].values()) > RSS_ROOM_BYTES, "memory grew past its bound"),
        (figures["http_refused"] == 0, "HTTP refused nothing: it was no overload"),
    ):
        if wrong:
            problems.append(text)
    report.facts = {"faults": 1, "memory_bound_bytes": RSS_ROOM_BYTES, **figures, "problems": problems}
    mutant = replace(
        size, mutant="unbounded", seconds=CONTROL_SECONDS, frozen_seconds=CONTROL_FROZEN_SECONDS, calibrate_seconds=3.0
    )
    try:
        control = await asyncio.wait_for(_control(mutant), CONTROL_SECONDS * 5)
    except TimeoutError:
        control = {"ended": "in time only"}
    report.control = {"mutant": "unbounded", **control}
    broke = max(control.get("grown_bytes", {"none": 0}).values()) > RSS_ROOM_BYTES
    report.judge(held=not problems, evidence=figures["mqtt_acknowledged"] > 0, control_failed=broke)
    return report


async def _control(size: OverloadSize) -> dict[str, Any]:
    """Freeze an unbounded intake under the same load and see what its memory does; whether it drains is not asked."""
    async with running(mutant=size.mutant, **SETTINGS) as instance, instance.admin() as admin:
        names = [f"push-{number}" for number in range(STATIONS)]
        keys = await register(admin, names)
        floods = [
            await Flood(
                Station(name, keys[name], instance.mqtt_port), feed=FEED, supply=readings(name), window=CONTROL_WINDOW
            ).open()
            for name in names
        ]
        watch = OverloadChecks(instance, floods, Poster("", "", ""))
        async with frozen(instance, watch):
            for flood in floods:
                flood.start()
            until = time.monotonic() + size.frozen_seconds
            while time.monotonic() < until and watch.grown["door"] <= 2 * RSS_ROOM_BYTES:
                watch.look_at_memory()
                await asyncio.sleep(0.25)
        for flood in floods:
            flood.abort()
        return {"grown_bytes": watch.grown, "frozen_seconds": size.frozen_seconds,
                "taken_in": sum(flood.sent for flood in floods)}  # fmt: skip
