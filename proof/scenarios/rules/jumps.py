"""P14: the wall clock of every role jumps while timers run; nothing opens or clears for it, and nothing is late.

The roles run under libfaketime with a file that says how far their wall clock is off; PostgreSQL and this proof keep
true time. The control is an instance whose log clock is the wall clock: its timers end with the jump.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from ioc.store.embedded.server import EmbeddedPostgres
from mqtt_client.connection import Connection
from mqtt_client.packets import Station
from proof.harness.instance import ROLES, Instance, InstanceError, add_device, free_port, running_with
from proof.harness.jumping_clock import check_threads, jumping, set_offset
from proof.harness.nemesis import stop
from proof.harness.programs import NotRunError
from proof.harness.report import Profile, Report

PROMISE = "a jump of the wall clock opens and clears no alert, delays none, and the log's time goes on as before"
HOUR, YEAR = 3_600, 31_536_000
HELD_SECONDS, BACK_SECONDS, SILENT_SECONDS = 12, 15, 8
SWING_SECONDS = 5.0
"""How long a swinging reading stays on one side: too short for any timer."""
ON_TIME_SECONDS = 2.5
LOG_ERROR_SECONDS_MAX = 1.0
PAUSE_SECONDS = 7.0
ANSWER_SECONDS = 20.0
BEAT_SECONDS = 1.0
LOOK_SECONDS = 0.1
FEED = "rainfall"
RULES = f"""\
rule: jump.held
title: {{vi: "Giữ (kiểm chứng)", en: "Held (proof)"}}
domain: disaster
feed: rainfall
where: 'device in ["jump-swing", "jump-truth", "jump-firing"]'
levels: [{{severity: high, when: 'rain_mm > 10.0', for: {HELD_SECONDS}s}}]
clear: {{when: 'rain_mm < 5.0', for: {BACK_SECONDS}s}}
summary: {{vi: "{{device}}", en: "{{device}}"}}
---
rule: jump.silent
title: {{vi: "Im lặng (kiểm chứng)", en: "Silent (proof)"}}
domain: disaster
feed: rainfall
where: 'device in ["jump-beat", "jump-quiet"]'
absent: {SILENT_SECONDS}s
levels: [{{severity: high}}]
summary: {{vi: "{{device}}", en: "{{device}}"}}
"""
HISTORY = """
SELECT a.rule, a.key, h.kind, h.at FROM alert_history h JOIN alert a ON a.id = h.alert
WHERE a.rule LIKE 'jump.%' AND h.actor IS NULL ORDER BY h.position, h.number
"""
DISORDER = """
SELECT count(*) FROM (
    SELECT log_time, lag(log_time) OVER (ORDER BY position) AS before FROM event) AS log WHERE log_time < before
"""


@dataclass(frozen=True, slots=True)
class JumpsSize:
    """How far the wall clock is off after each jump, in seconds."""

    offsets: tuple[int, ...]
    mutant: str | None = None


SIZES = {
    Profile.QUICK: JumpsSize((HOUR, 0, YEAR, -HOUR)),
    Profile.FULL: JumpsSize((HOUR, 0, -HOUR, 0, YEAR, 0, -YEAR, 0, 1, 0, HOUR, YEAR, -YEAR, HOUR, 0)),
}


@dataclass(slots=True)
class Beats:
    """Devices that say something every second, each over one connection that must outlive every jump."""

    port: int
    values: dict[str, Callable[[float], float | None]]
    """What each reads, by the seconds since the start; None: it is silent."""
    keys: dict[str, str]
    began: float = field(default_factory=time.monotonic)
    acknowledged: int = 0
    lost_connections: int = 0
    silent_since: dict[str, float] = field(default_factory=dict)
    last: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By device: (true time, value) of its newest reading."""

    async def run(self, device: str) -> None:
        """Say it until cancelled."""
        station = Station(device, self.keys[device], self.port)
        connection = Connection(station, keep_alive_seconds=30)
        try:
            await connection.open(timeout_seconds=ANSWER_SECONDS)
            for number in range(1, 60_000):
                value = self.values[device](time.monotonic() - self.began)
                if value is not None:
                    body = json.dumps({"id": str(number), "rain_mm": value}).encode()
                    sent = time.time()
                    answer = connection.publish_and_wait(f"ioc/v1/{FEED}/{device}", body, packet_id=number)
                    await asyncio.wait_for(answer, ANSWER_SECONDS)
                    self.acknowledged += 1
                    self.last[device] = (sent, value)
                await asyncio.sleep(BEAT_SECONDS)
        except (OSError, TimeoutError):
            self.lost_connections += 1
        finally:
            connection.abort()


@dataclass(slots=True)
class AlertSightings:
    """When each alert of the proof's rules was first on the API, in true time."""

    opened: dict[str, float] = field(default_factory=dict)

    async def run(self, instance: Instance) -> None:
        """Look until cancelled; whatever goes wrong with a connection is begun anew."""
        while True:
            with contextlib.suppress(httpx2.HTTPError, InstanceError):
                async with instance.admin() as admin:
                    await self._look(admin)
            await asyncio.sleep(0.5)

    async def _look(self, admin: httpx2.AsyncClient) -> None:
        while True:
            answer = await admin.get("/api/v1/alerts", params={"state": "new", "limit": 50})
            if answer.is_error:  # the control's session ends with the jump
                return
            for item in answer.json()["items"]:
                if item["rule"].startswith("jump."):
                    self.opened.setdefault(item["device"], time.time())
            await asyncio.sleep(0.2)


def _open_folder(prefix: str) -> Path:
    """Return a folder that PostgreSQL's account may enter."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    return folder


@dataclass(slots=True)
class Onlooker:
    """Whether this process itself runs on time: what stands still cannot say that somebody else is late."""

    stood_seconds: float = 0.0

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
            self.stood_seconds = max(self.stood_seconds, time.monotonic() - before - LOOK_SECONDS)

    def check(self) -> None:
        """Say when there is nothing to be said.

        Raises:
            NotRunError: the machine was so busy that this process stood still for too long.
        """
        if self.stood_seconds > ON_TIME_SECONDS:
            raise NotRunError(f"this machine is too busy: the proof itself stood still for {self.stood_seconds:.1f} s")


@contextlib.asynccontextmanager
async def true_time_database() -> AsyncIterator[str]:
    """Lend a PostgreSQL that knows nothing of any jump."""
    folder = _open_folder("ioc-proof-true-")
    port = free_port()
    server = EmbeddedPostgres(folder, tcp_port=port)
    try:
        await asyncio.to_thread(server.start)
        password = (folder / "postgres" / "password").read_text(encoding="ascii").strip()
        yield f"postgresql://ioc:{password}@127.0.0.1:{port}/ioc"
    finally:
        await asyncio.to_thread(server.stop, "immediate")
        shutil.rmtree(folder, ignore_errors=True)


def swing(seconds: float) -> float:
    """Above the limit and below the band in turn, never for as long as a timer."""
    return 12.0 if int(seconds / SWING_SECONDS) % 2 else 1.0


def steadily(seconds: float, *, until: float) -> float | None:
    """Calm, then silent."""
    return 1.0 if seconds < until else None


async def _round(size: JumpsSize) -> dict[str, Any]:
    """Let the clock jump while timers run, and return what opened, cleared, and when."""
    offset = Path(tempfile.mkdtemp(prefix="ioc-proof-jump-")) / "offset"
    set_offset(offset, 0)
    length = PAUSE_SECONDS * len(size.offsets)
    try:
        environment = jumping(offset)
        hand_over_seconds = await check_threads(environment)
        async with (
            true_time_database() as dsn,
            running_with(
                {"database_url": dsn}, mutant=size.mutant, environment=environment, rules=RULES.split("---\n")
            ) as instance,
        ):
            values: dict[str, Callable[[float], float | None]] = {
                "jump-swing": swing,
                "jump-beat": lambda _: 1.0,
                "jump-truth": lambda seconds: 1.0 if seconds < HELD_SECONDS + PAUSE_SECONDS else 12.0,
                "jump-firing": lambda seconds: 12.0 if seconds < HELD_SECONDS + PAUSE_SECONDS else swing(seconds),
                "jump-quiet": lambda seconds: steadily(seconds, until=HELD_SECONDS + 1.5 * PAUSE_SECONDS),
            }
            async with instance.admin() as admin:
                keys = {device: await add_device(admin, device, feed=FEED) for device in values}
            beats, seen, onlooker = Beats(instance.mqtt_port, values, keys), AlertSightings(), Onlooker()
            tasks = [asyncio.create_task(beats.run(device)) for device in values]
            tasks += [asyncio.create_task(seen.run(instance)), asyncio.create_task(onlooker.run())]
            steps = []
            pids = [instance.role_pid(role) for role in ROLES]
            try:
                await asyncio.sleep(HELD_SECONDS + PAUSE_SECONDS)  # the firing one fires before the first jump
                for seconds in size.offsets:
                    set_offset(offset, seconds)
                    await asyncio.sleep(PAUSE_SECONDS)
                    steps.append(await _step_seconds(instance))
                await asyncio.sleep(max(0.0, HELD_SECONDS + SILENT_SECONDS + 2 * PAUSE_SECONDS - length))
            finally:
                for task in tasks:
                    await stop(task)
            async with instance.database() as connection:
                history = [dict(row) for row in await connection.fetch(HISTORY)]
                disorder = await connection.fetchval(DISORDER)
                newest = await connection.fetchval("SELECT max(log_time) FROM event")
            onlooker.check()
            restarted = [role for role, pid in zip(ROLES, pids, strict=True) if instance.role_pid(role) != pid]
            return _figures(size, beats, seen, history, steps) | {
                "log_disorder": disorder,
                "hand_over_milliseconds": round(hand_over_seconds * 1_000, 2),
                "proof_stood_seconds": round(onlooker.stood_seconds, 2),
                "roles_restarted": restarted,
                "said": instance.output[-1_000:] if restarted else "",
                "log_error_seconds": round(abs((newest - datetime.now(UTC)).total_seconds()), 2),
            }
    finally:
        shutil.rmtree(offset.parent, ignore_errors=True)


async def _step_seconds(instance: Instance) -> float:
    """Return the largest step of a wall clock that a role has noticed."""
    text = ""
    with contextlib.suppress(httpx2.HTTPError, InstanceError):
        async with instance.admin() as admin:
            text = (await admin.get("/metrics")).text
    found = [float(value) for value in re.findall(r"^ioc_clock_step_seconds\{[^}]*\} (\S+)$", text, re.MULTILINE)]
    return max(found, key=abs, default=0.0)


def _figures(
    size: JumpsSize, beats: Beats, seen: AlertSightings, history: Sequence[dict[str, Any]], steps: Sequence[float]
) -> dict[str, Any]:
    moves = {device: [row for row in history if row["key"] == device] for device in beats.keys}
    kinds = {device: [row["kind"] for row in rows] for device, rows in moves.items()}
    late = {}
    for device in ("jump-truth", "jump-quiet"):
        opened = [row["at"].timestamp() for row in moves[device] if row["kind"] == "opened"]
        if opened and device in seen.opened:
            late[device] = round(seen.opened[device] - opened[0], 2)
    quiet_due = beats.last["jump-quiet"][0] + SILENT_SECONDS if "jump-quiet" in beats.last else 0.0
    opened_quiet = [row["at"].timestamp() for row in moves["jump-quiet"] if row["kind"] == "opened"]
    return {
        "faults": len(size.offsets), "jumps": list(size.offsets),
        "steps_noticed": sum(abs(step) > HOUR / 2 for step in steps),
        "steps_large": sum(abs(offset) >= HOUR for offset in size.offsets),
        "acknowledged": beats.acknowledged, "connections_lost": beats.lost_connections,
        "false_opens": len(kinds["jump-swing"]) + len(kinds["jump-beat"]),
        "false_clears": kinds["jump-firing"].count("cleared"),
        "missed": sum(kinds[device] != ["opened"] for device in ("jump-truth", "jump-quiet", "jump-firing")),
        "seen_after_due_seconds": late,
        "silence_dated_off_seconds": round(abs(opened_quiet[0] - quiet_due), 2) if opened_quiet else None,
        "moves": kinds,
    }  # fmt: skip


def problems_of(figures: dict[str, Any]) -> list[str]:
    """Return what a run's figures say against the promise."""
    wrong = [
        f"{name}: {figures[name]}"
        for name in ("false_opens", "false_clears", "missed", "log_disorder", "connections_lost", "roles_restarted")
        if figures[name]
    ]
    late = [seconds for seconds in figures["seen_after_due_seconds"].values() if seconds > ON_TIME_SECONDS]
    if late or len(figures["seen_after_due_seconds"]) < 2:
        wrong.append(f"told late or never: {figures['seen_after_due_seconds']}")
    if figures["log_error_seconds"] > LOG_ERROR_SECONDS_MAX + BEAT_SECONDS:
        wrong.append(f"the log's clock is off by {figures['log_error_seconds']} s")
    off = figures["silence_dated_off_seconds"]
    if off is None or off > LOG_ERROR_SECONDS_MAX:
        wrong.append(f"the silence is dated {off} s off")
    return wrong


async def prove(*, seed: int, size: JumpsSize) -> Report:
    """Jump; then the same with an instance that goes by the wall clock."""
    report = Report("jumps", seed, PROMISE)
    figures = await _round(size)
    problems = problems_of(figures)
    report.facts = {**figures, "problems": problems}
    try:
        control = await _round(JumpsSize((HOUR, 0), mutant="wall_clock"))
        broken = problems_of(control)
    except InstanceError as error:
        control, broken = {"ended": str(error)[-300:]}, [str(error)]
    report.control = {"mutant": "wall_clock", **control, "problems": broken}
    report.judge(
        held=not problems,
        evidence=figures["acknowledged"] > 0 and figures["steps_noticed"] == figures["steps_large"],
        control_failed=bool(broken),
    )
    return report
