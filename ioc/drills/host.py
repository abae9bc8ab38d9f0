"""Drills that people start from their screens: one child `ioc up --drill-file` at a time, watched, bounded, scored.

The child is an instance of its own: folder, PostgreSQL, ports, accounts with the same passwords. It ends with this
process, when somebody stops it, or a while after its record is over; then what people did in it is scored, and its
folder goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from ioc.assembly.context import ProcessContext
from ioc.domain.moment import format_time, parse_time
from ioc.drills.instance import TRACK_FILE
from ioc.errors import IOCError, NotFoundError, TransitionError
from ioc.packs.loader import pack_folder
from ioc.replay.scenario import Scenario, load_scenario
from ioc.runtime.drill_clock import DrillClock, clock_file
from ioc.runtime.supervisor import SUPERVISED, read_ready
from ioc.settings import Settings
from ioc.store.accounts.accounts import accounts_with_passwords
from ioc.store.embedded.server import attach
from ioc.store.operations.drill_runs import NewRun, end_run, insert_run, read_acts, read_opened, running_runs
from ioc.store.postgres.engine import Database
from ioc.work.drill_score import DrillAlert, score
from ioc.work.transitions import DRILL_STEPS, WorkAction

WATCH_SECONDS = 0.5
LINGER_SECONDS = 900.0
"""Time to handle the last alerts after the record is over."""
STARTING_SECONDS_MAX = 300.0
RUN_SECONDS_MAX = 4 * 3_600.0
STOP_SECONDS = 40.0
SYSTEM = "system"
ROLLUP_MILLISECONDS = 200
"""Time between the roll-up's flushes in a drill. At the tour's fastest speed a gauge of half-hourly readings counts as
silent after 1.6 s: with a second between flushes it was called silent while its reading was stored.
"""
SHARED = ("pack", "pg_bin", "http_host", "http_tls_cert", "http_tls_key")
"""Settings that a drill takes over: never an address outside, a database or a port."""


@dataclass(slots=True)
class _DrillChild:
    id: str
    scenario: Scenario
    folder: Path
    process: asyncio.subprocess.Process
    started: float
    over_since: float | None = None


class DrillHost:
    """Starts, watches and ends the one drill of this instance. Call :meth:`run` beside the server."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._root = context.settings.data_dir / "drills"
        self._child: _DrillChild | None = None
        self._lock = asyncio.Lock()

    def scenarios(self) -> list[dict[str, Any]]:
        """Return the pack's scenarios that can be read, by id."""
        found = []
        for path in self._files():
            try:
                scenario = load_scenario(path)
            except IOCError as error:
                structlog.get_logger().warning("drill_scenario_unreadable", file=path.name, error=str(error))
                continue
            found.append(_scenario_json(scenario))
        return found

    def live(self) -> dict[str, Any] | None:
        """Return how the running drill stands; None: none runs."""
        child = self._child
        if child is None:
            return None
        clock = self._clock(child)
        first, last = child.scenario.first, child.scenario.last
        share = 0.0 if clock is None else (clock - first) / (last - first)
        return {
            "id": child.id,
            "clock": None if clock is None else format_time(clock),
            "progress": round(min(max(share, 0.0), 1.0), 4),
            "port": read_ready(child.folder / "run" / "api.json").get("http_port"),
        }

    async def start(self, scenario: str, speed: float | None, *, actor: str, address: str | None) -> str:
        """Start a drill and return its id.

        Raises:
            NotFoundError: the pack has no such scenario.
            TransitionError: another drill runs.
        """
        async with self._lock:
            if self._child is not None:
                raise TransitionError("a drill runs already: stop it first")
            path = next((path for path in self._files() if load_scenario(path).drill == scenario), None)
            if path is None:
                raise NotFoundError("no such scenario")
            chosen = load_scenario(path)
            cap = chosen.speed if speed is None else speed
            title = {"vi": chosen.title.vi, "en": chosen.title.en}
            run = NewRun(chosen.drill, title, cap, chosen.first, chosen.last, actor, address)
            identifier = await insert_run(self._context.database, run, self._context.wall.now())
            folder = self._root / identifier
            process = await self._spawn(path, folder, speed=cap)
            self._child = _DrillChild(identifier, chosen, folder, process, self._context.io_clock.seconds())
            return identifier

    async def stop(self, identifier: str, *, actor: str, address: str | None) -> None:
        """End the running drill and score it.

        Raises:
            TransitionError: that drill does not run.
        """
        async with self._lock:
            child = self._child
            if child is None or child.id != identifier:
                raise TransitionError("that drill does not run")
            await self._end(child, "stopped", actor=actor, address=address)

    async def run(self) -> None:
        """Watch the drill until cancelled; it ends with us."""
        await self._end_orphans()
        try:
            while True:
                await asyncio.sleep(WATCH_SECONDS)
                async with self._lock:
                    if self._child is not None:
                        await self._watch(self._child)
        finally:
            if self._child is not None:
                await asyncio.shield(self._end(self._child, "stopped", actor=SYSTEM, address=None))

    async def _watch(self, child: _DrillChild) -> None:
        now = self._context.io_clock.seconds()
        clock = self._clock(child)
        if child.process.returncode is not None:
            await self._end(child, "failed", problem="the drill ended by itself; its log is in the drills folder")
        elif now - child.started > RUN_SECONDS_MAX:
            await self._end(child, "ended", problem="ended at the longest time that a drill may run")
        elif now - child.started > STARTING_SECONDS_MAX and not read_ready(child.folder / "run" / "api.json"):
            await self._end(child, "failed", problem="its screens did not come up in time")
        elif clock is not None and clock >= child.scenario.last:
            child.over_since = child.over_since or now
            if now - child.over_since > LINGER_SECONDS:
                await self._end(child, "ended")

    async def _end(
        self,
        child: _DrillChild,
        state: str,
        *,
        problem: str | None = None,
        actor: str = SYSTEM,
        address: str | None = None,
    ) -> None:
        """Score it while its database runs, end it, forget its folder, and note how it went."""
        found: Mapping[str, Any] | None = None
        try:
            if child.process.returncode is None:
                found = await self._score(child)
        except IOCError as error:
            problem = problem or f"it could not be scored: {error}"
        with contextlib.suppress(ProcessLookupError):
            child.process.terminate()
        try:
            await asyncio.wait_for(child.process.wait(), STOP_SECONDS)
        except TimeoutError:
            child.process.kill()
            await child.process.wait()
        self._child = None
        await asyncio.to_thread(shutil.rmtree, child.folder, ignore_errors=True)
        await end_run(
            self._context.database, child.id, state=state, problem=problem, score=found, actor=actor, address=address,
            now=self._context.wall.now(),
        )  # fmt: skip

    async def _score(self, child: _DrillChild) -> dict[str, Any] | None:
        track = await asyncio.to_thread(_read_track, child.folder)
        if not track:
            return None
        database = Database(await asyncio.to_thread(attach, child.folder), name="drill-score", connections_max=1)
        await database.open()
        try:
            async with database.connection() as connection:
                opened, acts = await read_opened(connection), await read_acts(connection)
        finally:
            await database.close()
        return score([_with_real_time(alert, at, track) for alert, at in opened], acts, _targets(child.scenario))

    async def _spawn(self, path: Path, folder: Path, *, speed: float) -> asyncio.subprocess.Process:
        settings = self._context.settings
        await asyncio.to_thread(self._root.mkdir, parents=True, exist_ok=True)
        accounts = folder.with_suffix(".accounts")
        async with self._context.database.connection() as connection:
            people = await accounts_with_passwords(connection)
        await asyncio.to_thread(_write_secret, accounts, people)
        output = await asyncio.to_thread(folder.with_suffix(".log").open, "wb")
        with output:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "ioc", "up", "--drill-file", str(path), "--speed", str(speed), "--http-port",
                "0", "--mqtt-port", "0", "--data", str(folder), stdin=asyncio.subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True, env=child_environment(settings, accounts),
            )  # fmt: skip

    async def _end_orphans(self) -> None:
        """Note the end of drills that a killed process has left, and forget their folders."""
        async with self._context.database.connection() as connection:
            left = await running_runs(connection)
        for identifier in left:
            await asyncio.to_thread(shutil.rmtree, self._root / identifier, ignore_errors=True)
            await end_run(
                self._context.database, identifier, state="failed", problem="the instance was stopped meanwhile",
                score=None, actor=SYSTEM, address=None, now=self._context.wall.now(),
            )  # fmt: skip

    def _files(self) -> list[Path]:
        return sorted((pack_folder(self._context.settings.pack) / "drills").glob("*.yaml"))

    def _clock(self, child: _DrillChild) -> datetime | None:
        path = clock_file(child.folder)
        try:
            return DrillClock(path).now() if path.exists() else None
        except IOCError:
            return None


def child_environment(settings: Settings, accounts: Path | None) -> dict[str, str]:
    """Return the environment of a drill's `ioc up`: of this instance's settings only what the drill shares.

    ``accounts`` holds its people; None: nobody signs in there with a password.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IOC_")}
    given = {name: getattr(settings, name) for name in SHARED if getattr(settings, name) is not None}
    return {
        **kept,
        **{f"IOC_{name.upper()}": str(value) for name, value in given.items()},
        "IOC_LOG_LEVEL": "warning",
        "IOC_ROLLUP_MILLISECONDS": str(ROLLUP_MILLISECONDS),
        **({} if accounts is None else {"IOC_DRILL_ACCOUNTS_FILE": str(accounts)}),
        SUPERVISED: str(os.getpid()),
    }


def _scenario_json(scenario: Scenario) -> dict[str, Any]:
    text = scenario.description
    return {
        "id": scenario.drill,
        "title": {"vi": scenario.title.vi, "en": scenario.title.en},
        "description": None if text is None else {"vi": text.vi, "en": text.en},
        "licence": scenario.licence,
        "start": format_time(scenario.first),
        "end": format_time(scenario.last),
        "speed": scenario.speed,
        "targets": {DRILL_STEPS[action]: seconds for action, seconds in _targets(scenario).items()} or None,
    }


def _targets(scenario: Scenario) -> dict[WorkAction, int]:
    targets = scenario.targets
    if targets is None:
        return {}
    return {
        WorkAction.ACKNOWLEDGE: targets.acknowledge_seconds,
        WorkAction.CALL: targets.call_seconds,
        WorkAction.DISPATCH: targets.dispatch_seconds,
    }


def _with_real_time(alert: DrillAlert, committed: datetime, track: list[tuple[datetime, datetime]]) -> DrillAlert:
    """Return the alert with the real moment at which the drill's clock reached its commit."""
    real = next((wall for virtual, wall in track if virtual >= committed), track[-1][1])
    return replace(alert, seen_at=real)


def _read_track(folder: Path) -> list[tuple[datetime, datetime]]:
    """Return (drill's time, real time) of each step of its clock, in order; a half-written line is left out."""
    try:
        lines = (folder / "run" / TRACK_FILE).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        virtual, _, real = line.partition(" ")
        with contextlib.suppress(ValueError):
            found.append((parse_time(virtual), parse_time(real)))
    return found


def _write_secret(path: Path, people: list[dict[str, Any]]) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(people, file)
