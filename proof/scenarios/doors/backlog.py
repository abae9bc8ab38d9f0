"""Fair intake: sites that were cut off for hours send all they have, out of order, while live alerts stay fast.

Many devices drain a backlog through the MQTT door as fast as they are let. Beside them gauges, each with one live
reading over its limit, are timed from their publish to the alert on the stream. The control is the same door
without fair intake.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mqtt_client.packets import Station
from proof.clients.flood import Flood
from proof.harness.instance import Instance, add_device, running
from proof.harness.report import Profile, Report

PROMISE = "a backlog drains whole and once, while a live reading's alert is on the stream in less than a second (p99)"
LIVE_SECONDS_MAX = 1.0
AGES_HOURS = (1.0, 6.0)
WINDOW = 200
"""Unacknowledged messages of one device: a field station's memory."""
FEED = "rainfall"
OPENING = 12.0
CHUNK_DEVICES = 16
REGISTRY_SECONDS = 3.0
"""Doors read a changed registry within two."""


@dataclass(frozen=True, slots=True)
class BacklogSize:
    """How much of it."""

    devices: int
    events: int
    probe_pause_seconds: float = 0.5
    probes_max: int = 600
    seconds_max: float = 900.0
    control_seconds: float = 25.0
    mutant: str | None = None


SIZES = {
    # Twelve seconds on a quiet machine. The promise is that it drains, not how fast a busy machine is.
    Profile.QUICK: BacklogSize(
        devices=40, events=60_000, probe_pause_seconds=0.2, probes_max=300, seconds_max=180.0, control_seconds=12.0
    ),
    Profile.FULL: BacklogSize(devices=200, events=1_000_000, control_seconds=40.0),
}


def late_readings(device: int, count: int, *, seed: int) -> Iterator[bytes]:
    """Return readings of the past hours, each once, in an order of the seed's."""
    dice = random.Random(f"{seed}/{device}")
    now = datetime.now(UTC)
    numbers = list(range(count))
    dice.shuffle(numbers)
    oldest, newest = now - timedelta(hours=AGES_HOURS[1]), now - timedelta(hours=AGES_HOURS[0])
    step = (newest - oldest) / max(count, 1)
    for number in numbers:
        body = {"id": f"b{number}", "time": (oldest + number * step).isoformat(), "rain_mm": 0.2, "rain_24h_mm": 31.0}
        yield json.dumps(body, separators=(",", ":")).encode()


async def register(admin: Any, names: Sequence[str]) -> dict[str, str]:
    """Register devices over the API, some side by side; return their keys."""
    keys: dict[str, str] = {}
    for start in range(0, len(names), CHUNK_DEVICES):
        some = names[start : start + CHUNK_DEVICES]
        found = await asyncio.gather(*(add_device(admin, name) for name in some))
        keys |= dict(zip(some, found, strict=True))
    return keys


async def backdate(instance: Instance, names: Sequence[str]) -> None:
    """Let devices be old acquaintances: a time long before a device's registration is no backlog but a wrong clock."""
    long_ago = datetime.now(UTC) - timedelta(days=30)
    async with instance.database() as connection, connection.transaction():
        await connection.execute("UPDATE device SET registered_at = $1 WHERE id = ANY($2)", long_ago, list(names))
        await connection.execute("UPDATE registry_version SET version = version + 1 WHERE id = 1")
    await asyncio.sleep(REGISTRY_SECONDS)


class Probes:
    """Gauges that rain too hard, one after another, and when their alerts came."""

    def __init__(self, stations: Sequence[Station], pause_seconds: float) -> None:
        self._stations = stations
        self._pause_seconds = pause_seconds
        self._sent: dict[str, float] = {}
        self._heard: dict[str, float] = {}

    async def listen(self, admin: Any) -> None:
        """Follow the stream."""
        async with admin.stream("GET", "/api/v1/stream", timeout=None) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: ") and '"proof.swing"' in line:
                    self._heard.setdefault(json.loads(line[6:])["key"], time.monotonic())

    async def send(self) -> None:
        """Let one gauge after another report until cancelled, or until all have."""
        for station in self._stations:
            supply = iter([json.dumps({"id": "1", "time": datetime.now(UTC).isoformat(), "rain_mm": OPENING}).encode()])
            flood = await Flood(station, feed=FEED, supply=supply, window=1).open()
            self._sent[station.device] = time.monotonic()
            flood.start()
            with contextlib.suppress(TimeoutError):  # its wait is what is measured
                await asyncio.wait_for(flood.finished.wait(), 30.0)
            flood.abort()
            await asyncio.sleep(self._pause_seconds)

    def facts(self) -> dict[str, Any]:
        """Return the waits in milliseconds. One whose alert did not come counts as the time it has waited so far."""
        now = time.monotonic()
        waits = sorted((self._heard.get(device, now) - sent) * 1_000 for device, sent in self._sent.items())
        if not waits:
            return {"live_alerts": 0}
        missing = sum(device not in self._heard for device in self._sent)
        p99 = waits[min(int(len(waits) * 0.99), len(waits) - 1)]
        return {"live_alerts": len(waits), "live_alerts_missing": missing, "live_p50_ms": round(waits[len(waits) // 2]),
                "live_p99_ms": round(p99), "live_max_ms": round(waits[-1])}  # fmt: skip


async def _run(*, seed: int, size: BacklogSize, seconds_max: float) -> dict[str, Any]:
    async with running(mutant=size.mutant) as instance, instance.admin() as admin:
        late = [f"late-{number:03d}" for number in range(size.devices)]
        gauges = [f"live-{number:03d}" for number in range(size.probes_max)]
        span = int(seconds_max / (size.probe_pause_seconds or 1)) + 10
        keys = await register(admin, [*late, *gauges[:span]])
        await backdate(instance, late)
        each = size.events // size.devices
        floods = [
            await Flood(Station(name, keys[name], instance.mqtt_port), feed=FEED, window=WINDOW,
                supply=late_readings(number, each, seed=seed)).open()
            for number, name in enumerate(late)
        ]  # fmt: skip
        probes = Probes(
            [Station(name, keys[name], instance.mqtt_port) for name in gauges[:span]], size.probe_pause_seconds
        )
        listening = asyncio.create_task(probes.listen(admin))
        await asyncio.sleep(0.5)
        started = time.monotonic()
        for flood in floods:
            flood.start()
        sending = asyncio.create_task(probes.send())
        drained = await _until_drained(floods, seconds_max)
        seconds = time.monotonic() - started
        sending.cancel()
        await asyncio.sleep(1.0)
        listening.cancel()
        await asyncio.gather(sending, listening, return_exceptions=True)
        figures = {**probes.facts(), "drained": drained, "drain_seconds": round(seconds, 1),
                   "backlog_acknowledged": sum(flood.acknowledged for flood in floods),
                   "backlog_events_per_second": round(sum(flood.acknowledged for flood in floods) / seconds),
                   "connections_lost": sum(flood.dropped_out for flood in floods)}  # fmt: skip
        for flood in floods:
            flood.abort()
        figures["backlog_stored"] = await _stored(instance, late)
        return figures


async def _until_drained(floods: Sequence[Flood], seconds_max: float) -> bool:
    try:
        async with asyncio.timeout(seconds_max):
            for flood in floods:
                await flood.finished.wait()
    except TimeoutError:
        return False
    return True


async def _stored(instance: Instance, names: Sequence[str]) -> int:
    async with instance.database() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM event WHERE device = ANY($1)", list(names)))


async def prove(*, seed: int, size: BacklogSize) -> Report:
    """Drain a backlog beside live alerts; then the same without fair intake, for a while."""
    report = Report("backlog", seed, PROMISE)
    figures = await _run(seed=seed, size=size, seconds_max=size.seconds_max)
    events = size.events // size.devices * size.devices
    problems = [
        text
        for wrong, text in (
            (not figures["drained"], "the backlog did not drain in time"),
            (figures["backlog_stored"] != events, f"stored {figures['backlog_stored']} of {events}"),
            (figures.get("live_p99_ms", 1e9) >= LIVE_SECONDS_MAX * 1_000, "live alerts took a second or longer (p99)"),
            (figures["connections_lost"] > 0, "a device lost its connection"),
        )
        if wrong
    ]
    report.facts = {"devices": size.devices, "backlog_events": events, **figures, "problems": problems}
    mutant = replace(size, mutant="unfair")
    control = await _run(seed=seed, size=mutant, seconds_max=size.control_seconds)
    report.control = {"mutant": "unfair", **control}
    slower = control.get("live_p99_ms", 0) >= LIVE_SECONDS_MAX * 1_000
    report.judge(held=not problems, evidence=figures.get("live_alerts", 0) > 0, control_failed=slower)
    return report
