"""Durable events a second, side by side in one run on one machine: our doors, a broker's way, and bare inserts.

The roads take turns for several short rounds (ABAB), because a machine is not the same from minute to minute; a ratio
is the median of the ratios within the rounds. Every road carries the same readings. Ours end at the acknowledgement of
the last event, which is after its COMMIT; that the log has each of them is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.readings import Gauge
from bench.site import Site, cpu_seconds, open_site, resident_mb
from bench.stages import stages
from bench.sustain import sustain
from bench.workers import Broker, broker, worker
from ioc.assembly.context import door_names
from proof.harness.instance import version_facts

GAUGES = 50
FEW = 8
"""Connections of the narrow rounds; the wide ones have all gauges."""
IN_FLIGHT = 8_000
"""Unacknowledged events of one publisher, over all its connections."""
NDJSON_LINES = 500
TIMEOUT_SECONDS = 120.0
DRAIN_STEP_SECONDS = 0.5
HEAD_POLL_SECONDS = 0.02


@dataclass(slots=True)
class Road:
    """What one road did, round by round: events a second, and CPU microseconds an event by process."""

    what: str
    events_per_second: list[float] = field(default_factory=list)
    cpu_us_per_event: dict[str, list[float]] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """The middle of its rounds."""
        return statistics.median(self.events_per_second)

    def note(self, count: int, seconds: float, cpu: dict[str, float]) -> None:
        """Take note of one round."""
        self.events_per_second.append(count / seconds)
        for name, used in cpu.items():
            self.cpu_us_per_event.setdefault(name, []).append(used / count * 1e6)

    def figures(self) -> dict[str, Any]:
        """Return it for the results file."""
        cpu = {name: round(statistics.median(used), 1) for name, used in self.cpu_us_per_event.items()}
        return {"what": self.what, "events_per_second": round(self.median),
                "rounds": [round(rate) for rate in self.events_per_second], "cpu_us_per_event": cpu}  # fmt: skip


class Bench:
    """One run: a site, two brokers, and the roads."""

    def __init__(self, site: Site, gauges: Sequence[Gauge], *, plain: Broker, bridged: Broker, count: int) -> None:
        self._site = site
        self._gauges = gauges
        self._plain = plain
        self._bridged = bridged
        self._count = count
        self._tag = 0
        self.roads = {
            "paho": Road("bare paho subscriber (3.1.1, QoS 1, discards) behind mosquitto"),
            "bridge": Road("our bridge behind mosquitto, durable"),
            "unnest": Road("bare asyncpg unnest inserts: event_key (as grown) and a table LIKE event INCLUDING ALL, "
                           "1,000 rows a transaction, columns ready beforehand"),
            "door": Road(f"the MQTT door alone, durable, {GAUGES} connections"),
            "door_few": Road(f"the MQTT door alone, durable, {FEW} connections"),
            "http": Road(f"the HTTP door, NDJSON of {NDJSON_LINES} lines, durable, {FEW} connections"),
        }  # fmt: skip

    async def round(self) -> None:
        """Let each road carry its events once."""
        await self._paho()
        await self._door("door", self._gauges)
        await self._unnest()
        await self._door("door_few", self._gauges[:FEW])
        await self._bridge()
        await self._http()

    def _next_tag(self) -> str:
        self._tag += 1
        return f"b{self._tag}"

    def _job(self, gauges: Sequence[Gauge], port: int) -> dict[str, Any]:
        return {"port": port, "gauges": [[gauge.device, gauge.feed, gauge.key] for gauge in gauges],
                "count": self._count, "window": IN_FLIGHT // len(gauges), "tag": self._next_tag(), "rate": None,
                "timeout_seconds": TIMEOUT_SECONDS}  # fmt: skip

    async def _paho(self) -> None:
        job = self._job(self._gauges, self._plain.port)
        async with (
            worker(
                "subscriber", port=self._plain.port, count=self._count, timeout_seconds=TIMEOUT_SECONDS
            ) as subscriber,
            worker("publisher", **job) as publisher,
        ):
            before = cpu_seconds([self._plain.pid])
            publisher.begin()
            sent, got = await publisher.answer(), await subscriber.answer()
            assert got["received"] == self._count, f"the subscriber got {got['received']} of {self._count}"
            self.roads["paho"].note(
                self._count, got["ended"] - sent["began"],
                {"publisher": sent["cpu_seconds"], "mosquitto": cpu_seconds([self._plain.pid]) - before,
                 "paho": got["cpu_seconds"]},
            )  # fmt: skip

    async def _door(self, name: str, gauges: Sequence[Gauge]) -> None:
        job = self._job(gauges, self._site.settings.mqtt_port)
        async with worker("publisher", **job) as publisher, self._watched(name, "door") as found:
            publisher.begin()
            found.update(await publisher.answer())

    async def _bridge(self) -> None:
        """The end is when the log has every event: the broker acknowledges on its own."""
        job = self._job(self._gauges, self._bridged.port)
        async with worker("publisher", **job) as publisher, self._watched("bridge", "bridge") as found:
            before, broker_cpu = await self._head(), cpu_seconds([self._bridged.pid])
            publisher.begin()
            found.update(await publisher.answer())
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while await self._head() < before + self._count and time.monotonic() < deadline:  # noqa: ASYNC110 - in PostgreSQL
                await asyncio.sleep(HEAD_POLL_SECONDS)
            found["ended"] = time.monotonic()
            found["mosquitto"] = cpu_seconds([self._bridged.pid]) - broker_cpu

    async def _http(self) -> None:
        job = self._job(self._gauges[:FEW], self._site.settings.http_port)
        async with worker("http_sender", **job, lines=NDJSON_LINES) as sender, self._watched("http", "api") as found:
            sender.begin()
            found.update(await sender.answer())

    async def _unnest(self) -> None:
        job = self._job(self._gauges, 0)
        async with worker("bare", **job, dsn=self._site.dsn, batch=1_000) as bare:
            postgres = self._site.pids()["postgres"]
            before = cpu_seconds(postgres)
            bare.begin()
            found = await bare.answer()
            used = found["postgres_seconds"] + cpu_seconds(postgres) - before
            self.roads["unnest"].note(
                self._count, found["ended"] - found["began"], {"asyncpg": found["cpu_seconds"], "postgres": used}
            )

    @contextlib.asynccontextmanager
    async def _watched(self, name: str, role: str) -> AsyncIterator[dict[str, Any]]:
        """Measure one of our roads; its log must have grown by every event."""
        head, pids = await self._head(), self._site.pids()
        before = {part: cpu_seconds(pids[part]) for part in (role, "postgres")}
        found: dict[str, Any] = {}
        yield found
        used = {part: cpu_seconds(pids[part]) - before[part] for part in before}
        used["publisher"] = found["cpu_seconds"]
        if "mosquitto" in found:
            used["mosquitto"] = found["mosquitto"]
        stored = await self._head() - head
        assert stored == self._count == found["count"], f"{name}: {stored} of {self._count} are in the log"
        self.roads[name].note(self._count, found["ended"] - found["began"], used)

    async def _head(self) -> int:
        async with self._site.instance.database() as connection:
            position: int = await connection.fetchval("SELECT position FROM log_head")
        return position

    def ratios(self) -> dict[str, float]:
        """Return the medians of the ratios within the rounds."""
        pairs = {"door_to_paho": ("door", "paho"), "door_few_to_paho": ("door_few", "paho"),
                 "door_to_unnest": ("door", "unnest"), "bridge_to_paho": ("bridge", "paho"),
                 "http_to_paho": ("http", "paho"), "http_to_unnest": ("http", "unnest")}  # fmt: skip
        return {
            name: round(statistics.median(
                mine / theirs
                for mine, theirs in zip(self.roads[one].events_per_second, self.roads[other].events_per_second,
                                        strict=True)
            ), 2)
            for name, (one, other) in pairs.items()
        }  # fmt: skip


async def drain(site: Site, *, seconds: float) -> dict[str, Any]:
    """Start roll-up and rules over what the door took alone; say how far behind they were and how fast they fold."""
    async with site.instance.database() as connection:
        head, cursors = await _cursors(connection)
        behind = {name: head - position for name, position in cursors.items()}
        await site.start("rollup", "rules")
        began, first = time.monotonic(), cursors
        took: dict[str, float] = {}
        while len(took) < len(cursors) and time.monotonic() - began < seconds:
            await asyncio.sleep(DRAIN_STEP_SECONDS)
            _, cursors = await _cursors(connection)
            for name, position in cursors.items():
                if position >= head:
                    took.setdefault(name, time.monotonic() - began)
    spent = time.monotonic() - began
    return {
        name: {"behind_events": behind[name], "left_events": max(head - cursors[name], 0),
               "seconds": round(took.get(name, spent), 1),
               "events_per_second": round((cursors[name] - first[name]) / took.get(name, spent))}
        for name in cursors
    }  # fmt: skip


async def _cursors(connection: Any) -> tuple[int, dict[str, int]]:
    head = await connection.fetchval("SELECT position FROM log_head")
    rows = await connection.fetch("SELECT name, position FROM cursor WHERE name IN ('rollup', 'rules')")
    return head, {row["name"]: row["position"] for row in rows}


async def measure(*, seconds: float, rounds: int, keys: int, batch_rows: int, doors: int = 1) -> dict[str, Any]:
    """Return every figure of one run. ``seconds``: about how long a round of one road lasts.

    All settings are the shipped ones, but for the rate of one connection: a road has few and is to be filled.
    """
    count = int(seconds * 15_000)
    async with broker() as plain, broker(inflight=2_000) as bridged:
        options = {
            "mqtt_messages_per_second": 0, "mqtt_bytes_per_second": 0, "batch_rows": batch_rows, "mqtt_doors": doors,
            "mqtt_bridge_url": f"mqtt://127.0.0.1:{bridged.port}",
        }  # fmt: skip
        async with open_site(**options) as site:
            await site.start("keeper", "rollup", "rules", *door_names(doors), "api")
            gauges = await site.add_gauges(GAUGES)
            began = time.monotonic()
            grown = await site.grow_keys(keys) if keys else 0
            print(f"keys in event_key: {grown:,} ({time.monotonic() - began:.0f} s)", flush=True)
            all_on = await sustain(site, gauges)
            await site.stop()
            await site.start("keeper", "api", "bridge", *door_names(doors))
            bench = Bench(site, gauges, plain=plain, bridged=bridged, count=count)
            for number in range(rounds):
                await bench.round()
                print(
                    f"round {number + 1}: "
                    + ", ".join(f"{name} {road.events_per_second[-1]:,.0f}/s" for name, road in bench.roads.items()),
                    flush=True,
                )
            memory = {name: resident_mb(pids) for name, pids in site.pids().items()}
            lag = await drain(site, seconds=60.0)
            memory.update({name: resident_mb(site.pids()[name]) for name in ("rules", "rollup")})
    ratios = bench.ratios()
    ratios["all_on_to_paho"] = round(all_on["events_per_second"] / bench.roads["paho"].median, 2)
    return {
        "command": f"python -m bench throughput --seconds {seconds:g} --rounds {rounds} --keys {keys} "
                   f"--batch-rows {batch_rows} --doors {doors}",
        "doors": doors,
        **version_facts(),
        "keys": grown,
        "roads": {name: road.figures() for name, road in bench.roads.items()},
        "all_on": all_on,
        "ratios": ratios,
        "drain": lag,
        "memory_mb": memory,
        "stages": asdict(stages()),
    }  # fmt: skip
