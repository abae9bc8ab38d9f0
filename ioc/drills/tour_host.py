"""The one tour beside this instance: a drill for visitors, started on demand, shared by all of them, gone when idle.

It has its own slot beside the one of people's drills: nobody who trains waits for a visitor. It is a child process with
its own folder, PostgreSQL and ports. It ends with this process, when nobody looks any more, or after an hour.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from ioc.api.context import Visitor
from ioc.assembly.context import ProcessContext
from ioc.drills.host import child_environment
from ioc.drills.tour import WHOLE_SECONDS, clock_state, write_entry
from ioc.errors import IOCError, NotFoundError, TransitionError
from ioc.packs.loader import pack_folder
from ioc.replay.scenario import Scenario, load_scenario
from ioc.runtime.drill_clock import DrillClock, clock_file
from ioc.runtime.supervisor import read_ready
from ioc.store.audit.trail import AuditEntry, append_audit

WATCH_SECONDS = 0.5
STARTING_SECONDS_MAX = 300.0
IDLE_SECONDS = 180.0
"""Nobody has looked for so long: the tour ends."""
RUN_SECONDS_MAX = 3_600.0
STOP_SECONDS = 40.0


@dataclass(slots=True)
class _TourChild:
    scenario: Scenario
    folder: Path
    process: asyncio.subprocess.Process
    started: float
    started_by: str
    asked: float
    """When somebody last asked to be let in, before anybody was seen inside."""


class TourHost:
    """Starts, watches and ends the tour of this instance. Call :meth:`run` beside the server."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._root = context.settings.data_dir / "tour"
        self._child: _TourChild | None = None
        self._count = 0
        self._lock = asyncio.Lock()
        self._file, self._story = tour_story(pack_folder(context.settings.pack) / "drills")

    def state(self) -> dict[str, Any]:
        """Return `none`, `starting`, `ready` or `over`, and how far it is; `none` where the pack has no story."""
        child = self._child
        scenario = self._story
        title = None if scenario is None else {"vi": scenario.title.vi, "en": scenario.title.en}
        base = {"state": "none", "title": title, "port": None, "started_by": None}
        if child is None:
            return base
        port = read_ready(child.folder / "run" / "api.json").get("http_port")
        clock = self._clock(child)
        if port is None or clock is None:
            return {**base, "state": "starting", "started_by": child.started_by}
        found = clock_state(clock, child.scenario.first, child.scenario.last)
        return {
            **base, **found, "state": "over" if found["over"] else "ready", "port": port,
            "started_by": child.started_by,
        }  # fmt: skip

    async def start(self, *, actor: str, address: str | None) -> None:
        """Start the tour, or a new one where it is over; the one that runs is shared and stays.

        Raises:
            NotFoundError: the pack has no story.
        """
        async with self._lock:
            if self._child is not None:
                if self.state()["state"] != "over":
                    return
                await self._end(self._child)
            scenario = self._story
            if scenario is None:
                raise NotFoundError("this pack has no story to show")
            now = self._context.wall.now()
            async with self._context.database.transaction() as connection:
                entry = AuditEntry(actor, "tour.start", scenario.drill, address, {})
                await append_audit(connection, entry, now)
            self._count += 1
            folder = self._root / f"{now:%H%M%S}-{self._count}"
            process = await self._spawn(scenario, folder)
            seconds = self._context.io_clock.seconds()
            self._child = _TourChild(scenario, folder, process, seconds, actor, seconds)

    async def entry(self, visitor: Visitor) -> dict[str, Any]:
        """Return the port of the tour's screens and a code that signs ``visitor`` in there, once.

        Raises:
            TransitionError: there is no tour, or it is not ready yet.
        """
        state = self.state()
        child = self._child
        if child is None or state["port"] is None:
            raise TransitionError("the tour is not ready yet")
        child.asked = self._context.io_clock.seconds()
        code = await asyncio.to_thread(write_entry, child.folder, visitor, self._context.wall.now())
        return {"port": state["port"], "code": code}

    async def run(self) -> None:
        """Watch the tour until cancelled; it ends with us."""
        await asyncio.to_thread(shutil.rmtree, self._root, ignore_errors=True)  # what a killed process has left
        try:
            while True:
                await asyncio.sleep(WATCH_SECONDS)
                async with self._lock:
                    if self._child is not None and self._is_done(self._child):
                        await self._end(self._child)
        finally:
            if self._child is not None:
                await asyncio.shield(self._end(self._child))

    def _is_done(self, child: _TourChild) -> bool:
        now, clock = self._context.io_clock.seconds(), self._clock(child)
        visited = None if clock is None else clock.visited
        return is_over_for_all(
            age=now - child.started,
            asked=now - child.asked,
            seen=None if visited is None else (self._context.wall.now() - visited).total_seconds(),
            up=(child.folder / "run" / "api.json").exists(),
            ended=child.process.returncode is not None,
        )

    async def _end(self, child: _TourChild) -> None:
        with contextlib.suppress(ProcessLookupError):
            child.process.terminate()
        try:
            await asyncio.wait_for(child.process.wait(), STOP_SECONDS)
        except TimeoutError:
            child.process.kill()
            await child.process.wait()
        structlog.get_logger().info("tour_ended", code=child.process.returncode)
        self._child = None
        await asyncio.to_thread(shutil.rmtree, child.folder, ignore_errors=True)

    async def _spawn(self, scenario: Scenario, folder: Path) -> asyncio.subprocess.Process:
        await asyncio.to_thread(self._root.mkdir, parents=True, exist_ok=True)
        speed = (scenario.last - scenario.first).total_seconds() / WHOLE_SECONDS[0]
        output = await asyncio.to_thread((self._root / "tour.log").open, "wb")
        with output:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "ioc", "up", "--drill-file", str(self._file), "--tour", "--speed",
                f"{speed:.3f}", "--http-port", "0", "--mqtt-port", "0", "--data", str(folder),
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                env=child_environment(self._context.settings, None),
            )  # fmt: skip

    @staticmethod
    def _clock(child: _TourChild) -> DrillClock | None:
        path = clock_file(child.folder)
        try:
            return DrillClock(path) if path.exists() else None
        except IOCError:
            return None


def is_over_for_all(*, age: float, asked: float, seen: float | None, up: bool, ended: bool) -> bool:
    """Tell whether a tour is to end: seconds since its start, since a way in was asked for, since somebody looked."""
    if ended or age > RUN_SECONDS_MAX:
        return True
    if not up:
        return age > STARTING_SECONDS_MAX
    return asked > IDLE_SECONDS and (seen is None or seen > IDLE_SECONDS)


def tour_story(folder: Path) -> tuple[Path | None, Scenario | None]:
    """Return the scenario that the pack shows its visitors, with its file: the one marked so, else the first."""
    found: tuple[Path | None, Scenario | None] = (None, None)
    for path in sorted(folder.glob("*.yaml")):
        with contextlib.suppress(IOCError):
            scenario = load_scenario(path)
            if scenario.tour:
                return path, scenario
            found = (path, scenario) if found[1] is None else found
    return found
