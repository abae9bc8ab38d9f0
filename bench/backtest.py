"""A backtest over a large stored log, as the keeper runs it, and what live alerts feel of it.

A real instance of the bench's own: the log is filled as if it had been written over ten days, then a draft of a rule
is tried beside its form in force, asked for over the API. Before, meanwhile and afterwards a gauge's first reading over
its limit is timed from the request to the alert on the stream; a steady load goes in beside it. What is compared with
the time of the backtests is both sides of it together: alerts pile up on the way, and that must not look like theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from bench.site import Site, cpu_seconds, open_site
from ioc.runtime.clock import AnchoredLogClock
from ioc.store.log.partitions import ensure_partitions
from ioc.store.postgres.engine import Database
from proof.harness.instance import version_facts

DAYS = 10
DEVICES = 200
ROLES = ("keeper", "rollup", "rules", "api")
INSERT_ROWS = 500_000
INSERT_SECONDS = 900.0
FILL = """
INSERT INTO event (position, log_time, kind, key, feed, device, time, effective, received_at, data, area, zone, lat,
                   lon, door)
SELECT $1 + n, t, 'event', int8send(n) || int8send(n), 'river_level', 'bench-' || (n % {devices}), t, t, t,
       jsonb_build_object('level_cm', 1000 + (hashint8extended(n, 0) & 1048575) % 10000), '04795', 'hoa-binh', 20.8,
       105.3, 'mqtt'
FROM (SELECT n, $2::timestamptz + n * ($3::timestamptz - $2) / {count} AS t
      FROM generate_series({first}::bigint, {last}::bigint) AS n) AS s
"""
"""One reading in 10,000 is over the draft's limit: a thousand alerts in ten million readings, which is many."""
GAUGES = """
INSERT INTO device (id, feed, name_vi, name_en, registered_at, updated_at)
SELECT name, 'rainfall', name, name, $1, $1
FROM (SELECT 'probe-' || lpad(n::text, 6, '0') AS name FROM generate_series(1, $2::int) AS n
      UNION ALL SELECT 'load-' || lpad(n::text, 3, '0') FROM generate_series(0, {loads}) AS n) AS named
"""
"""Without an area: hundreds of alerts of one zone would be one correlation, and its work no measure of a backtest's."""
RULE = """\
rule: bench.{name}
title: {{vi: "Đo", en: "Measured"}}
domain: disaster
feed: river_level
{what}
levels:
  - {{severity: low, when: '{when}'}}
clear: {{for: 1m}}
summary: {{vi: "Đo tại {{device}}", en: "Measured at {{device}}"}}
"""
KINDS = {
    "threshold": {"what": "by: [device]", "when": "level_cm > {limit}"},
    "window": {"what": "over: 1h\nmeasure: {{mean: {{avg: level_cm}}, top: {{max: level_cm}}}}",
               "when": "mean > 5000.0 && top > {limit}"},
}  # fmt: skip
LIMITS = {"draft": "10998.0", "present": "10997.0"}
PROBE_SECONDS = 0.25
PROBES_MAX = 20_000
LOADS = 100
IDLE_SECONDS = 150.0
"""Before and after: together about as long as the backtests, so that a p99 has as many readings above it."""
LOAD_PERIOD_SECONDS = 0.1
LOAD_EVENTS = 20
POLL_SECONDS = 0.2
ENDED = ("done", "failed", "cancelled")


def text_of(kind: str, form: str) -> str:
    """Return the YAML of one of the bench's rules."""
    made = KINDS[kind]
    filled = {name: text.format(limit=LIMITS[form]) for name, text in made.items()}
    return RULE.format(name=kind, **filled)


async def measure(*, events: int, kinds: tuple[str, ...] = tuple(KINDS), note: str = "") -> dict[str, Any]:
    """Return the figures of one run."""
    async with open_site() as site:
        filled = await _fill(site, events)
        await site.start(*ROLES)
        async with site.instance.admin() as admin:
            key = await site.feed_key("rainfall")
            for kind in kinds:
                made = await admin.post("/api/v1/rules", json={"yaml": text_of(kind, "present"), "why": "bench"})
                made.raise_for_status()
            live = Live(admin, key, site.instance.url)
            async with live.running():
                await asyncio.sleep(IDLE_SECONDS)
                before = live.taken()
                found: dict[str, Any] = {}
                during: list[float] = []
                for kind in kinds:
                    found[kind] = await _run(admin, kind, filled["span"])
                    waits = live.taken()
                    found[kind]["live_ms"] = figures(waits)
                    during += waits
                await asyncio.sleep(IDLE_SECONDS)
                after = live.taken()
    idle = before + after
    return {
        "command": f"python -m bench backtest --events {events}",
        **version_facts(),
        "note": note or load_note(),
        "events": events,
        "devices": DEVICES,
        "fill_seconds": filled["seconds"],
        "kinds": found,
        "live_ms_before": figures(before),
        "live_ms_after": figures(after),
        "live_ms_idle": figures(idle),
        "live_ms_during": figures(during),
        "live_ratios": ratios(idle, during),
        "live_unanswered": live.unanswered,
    }


async def _fill(site: Site, events: int) -> dict[str, Any]:
    """Write the log of ten days, as if rules and roll-ups had folded it already."""
    await site.start("rules", "rollup")
    async with site.instance.database() as connection:
        while await connection.fetchval(  # noqa: ASYNC110 - another process folds
            "SELECT count(*) < 2 OR bool_or(c.position < h.position) FROM cursor c, log_head h "
            "WHERE c.name IN ('rules', 'rollup')"
        ):
            await asyncio.sleep(POLL_SECONDS)
    await site.stop()
    now = AnchoredLogClock().now()
    start = now - timedelta(days=DAYS)
    database = Database(site.dsn, name="bench")
    await database.open()
    for day in range(DAYS + 1):
        await ensure_partitions(database, start + timedelta(days=day))
    await database.close()
    began = time.monotonic()
    async with site.instance.database() as connection:
        head = await connection.fetchval("SELECT position FROM log_head")
        await connection.execute(GAUGES.format(loads=LOADS - 1), start, PROBES_MAX)
        await connection.execute("UPDATE event SET log_time = $1", start - timedelta(hours=1))
        for first in range(1, events + 1, INSERT_ROWS):
            last = min(first + INSERT_ROWS - 1, events)
            sql = FILL.format(devices=DEVICES, count=events, first=first, last=last)
            await connection.execute(sql, head, start, now, timeout=INSERT_SECONDS)
        for sql in (
            "UPDATE log_head SET position = $1, log_time = $2",
            "UPDATE cursor SET position = $1, log_time = $2",
            "UPDATE rule_memory SET position = $1, log_time = $2",
        ):
            await connection.execute(sql, head + events, now)
        await connection.execute("VACUUM ANALYZE event", timeout=INSERT_SECONDS)
        await connection.execute("CHECKPOINT", timeout=INSERT_SECONDS)
    span = {"from": (start - timedelta(minutes=1)).isoformat(), "to": now.isoformat()}
    return {"seconds": round(time.monotonic() - began, 1), "span": span}


async def _run(admin: Any, kind: str, span: dict[str, str]) -> dict[str, Any]:
    """Ask for one backtest and watch it to its end."""
    body = {"yaml": text_of(kind, "draft"), **span}
    asked = await admin.post(f"/api/v1/rules/bench.{kind}/backtest", json=body)
    asked.raise_for_status()
    path, identifier = asked.headers["location"], asked.json()["id"]
    began, peak_mb, cpu = time.monotonic(), 0.0, 0.0
    while True:
        await asyncio.sleep(POLL_SECONDS)
        pid = child_of(identifier)
        if pid is not None:
            peak_mb, cpu = max(peak_mb, peak_of(pid)), max(cpu, cpu_seconds([pid]))
        if pid is None or time.monotonic() - began > 1:
            began = time.monotonic()
            row = (await admin.get(path)).json()
            if row["state"] in ENDED:
                break
    if row["state"] != "done":
        raise RuntimeError(f"the backtest {kind} {row['state']}: {row['reason']}")
    result = row["result"]
    return {
        "seconds": result["seconds"],
        "cpu_seconds": round(cpu, 1),
        "events_per_second": round(result["events"] / result["seconds"]),
        "peak_rss_mb": round(peak_mb, 1),
        "evaluated": result["events"],
        "opened": {"candidate": result["candidate"]["opened"], "present": result["present"]["opened"]},
        "load_average": round(os.getloadavg()[0], 1),
    }


@dataclass
class Live:
    """Readings over the limit, one after the other, each timed until its alert is on the stream; a load beside."""

    admin: Any
    key: str
    url: str
    unanswered: int = 0
    _sent: dict[str, float] = field(default_factory=dict)
    _waits: list[float] = field(default_factory=list)
    _number: int = 0

    def taken(self) -> list[float]:
        """Return the waits in milliseconds since the last call."""
        waits, self._waits = self._waits, []
        return waits

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Probe and load until the end."""
        headers = {"Authorization": f"Bearer {self.key}"}
        async with httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=30) as door:
            tasks = [asyncio.create_task(work) for work in (self._listen(), self._probe(door), self._load(door))]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
                self.unanswered = len(self._sent)
                for error in ended:
                    if isinstance(error, Exception):
                        raise error

    async def _probe(self, door: httpx2.AsyncClient) -> None:
        while self._number < PROBES_MAX:
            self._number += 1
            device = f"probe-{self._number:06d}"
            self._sent[device] = time.monotonic()
            await post(door, device, {"id": "1", "rain_24h_mm": 150.0})
            await asyncio.sleep(PROBE_SECONDS)

    async def _load(self, door: httpx2.AsyncClient) -> None:
        number = 0
        while True:
            number += 1
            readings = [{"id": f"{number}-{each}", "rain_24h_mm": 1.0} for each in range(LOAD_EVENTS)]
            await post(door, f"load-{number % LOADS:03d}", readings)
            await asyncio.sleep(LOAD_PERIOD_SECONDS)

    async def _listen(self) -> None:
        async with self.admin.stream("GET", "/api/v1/stream", timeout=None) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: ") and '"probe-' in line:
                    sent = self._sent.pop(str(json.loads(line[6:]).get("device")), None)
                    if sent is not None:
                        self._waits.append((time.monotonic() - sent) * 1_000)


async def post(door: httpx2.AsyncClient, device: str, body: Any) -> None:
    """Hand readings to the HTTP door."""
    answer = await door.post("/api/v1/feeds/rainfall/events", params={"device": device}, json=body)
    answer.raise_for_status()
    if answer.json()["rejected"]:
        raise RuntimeError(f"the door refused a reading of {device}: {answer.text[:300]}")


def child_of(identifier: str) -> int | None:
    """Return the process that runs a backtest."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\x00")
            if identifier.encode() in words and b"ioc.backtests.job" in words:
                return int(path.parent.name)
    return None


def peak_of(pid: int) -> float:
    """Return the most memory that a process has had, in MB."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def figures(waits: list[float]) -> dict[str, float]:
    """Return number, p50, p95, p99 and the worst, in milliseconds."""
    if len(waits) < 2:  # noqa: PLR2004 - quantiles need two
        return {"n": len(waits)}
    cuts = statistics.quantiles(sorted(waits), n=100, method="inclusive")
    return {"n": len(waits), "p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "p99": round(cuts[98], 1),
            "max": round(max(waits), 1)}  # fmt: skip


def ratios(idle: list[float], during: list[float]) -> dict[str, float]:
    """Return each percentile during over that of the idle time; none without enough of either."""
    first, second = figures(idle), figures(during)
    return {
        name: round(second[name] / first[name], 2)
        for name in ("p50", "p95", "p99")
        if first.get(name) and name in second
    }


def load_note() -> str:
    """Return what else the machine does, as far as its load says."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors when it ended"
