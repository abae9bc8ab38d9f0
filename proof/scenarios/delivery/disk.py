"""Promise P13: the volume of the database fills up. The intake pauses, nothing acknowledged is lost, space ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import httpx2

from ioc.errors import IOCError
from ioc.runtime.disk import measure
from proof.checkers.judgement import judge
from proof.harness.instance import Instance, free_port, make_folder
from proof.harness.nemesis import stop
from proof.harness.programs import NotRunError
from proof.harness.recorder import Recorder
from proof.harness.report import Profile, Report, bound_95
from proof.scenarios.delivery.kills import KillsSize, SenderGroup, drain, make_fleet
from proof.scenarios.delivery.outages import Acknowledgements

PROMISE = "at 90 % the intake refuses; at 100 % nothing acknowledged is lost; with space again it goes on by itself"
NEEDS = ("root", "mount", "umount")
VOLUME_MB = 320
CONTROL_VOLUME_MB = 240
OVER_RATIO = 0.92
PAUSE_SECONDS_MAX = 5.0
RESUME_SECONDS_MAX = 10.0
WATCHED_SECONDS = 60.0
LOOK_SECONDS = 0.1
MB = 1 << 20


@dataclass(frozen=True, slots=True)
class DiskSize:
    """How much of it: a round fills the volume once over the limit and once to the last byte."""

    rounds: int = 1
    hold_seconds: float = 3.0
    stations: int = 4
    events_per_second: float = 100.0
    control_seconds: float = 30.0


SIZES = {Profile.QUICK: DiskSize(), Profile.FULL: DiskSize(rounds=5, hold_seconds=15.0, control_seconds=60.0)}


@dataclass(slots=True)
class Volume:
    """A small volume of the instance's database."""

    path: Path
    megabytes: int

    @property
    def ballast(self) -> Path:
        """The file that fills it."""
        return self.path / "ballast"

    def fill(self, *, until_ratio: float) -> None:
        """Let the ballast grow until this share is used, or nothing is left."""
        with self.ballast.open("ab") as file, contextlib.suppress(OSError):
            while measure(self.path).ratio < until_ratio:
                file.write(bytes(256 << 10))
                file.flush()

    def free(self) -> None:
        """Take the ballast away."""
        self.ballast.unlink(missing_ok=True)

    def grow(self, megabytes: int) -> None:
        """Make the volume larger while it is in use."""
        self.megabytes = megabytes
        run("mount", "-o", f"remount,size={megabytes}m", str(self.path))


def run(*command: str) -> None:
    """Run a program that must succeed.

    Raises:
        NotRunError: this machine does not allow it.
    """
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise NotRunError(f"{command[0]} failed: {done.stderr.strip()}")


@contextlib.asynccontextmanager
async def on_small_volume(megabytes: int, **settings: object) -> AsyncIterator[tuple[Instance, Volume]]:
    """Run an instance whose database lies on a volume of this size; nothing of either is left."""
    folder = make_folder()
    volume = Volume(folder / "postgres", megabytes)
    volume.path.mkdir()
    try:
        run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(volume.path))
        try:
            instance = Instance(folder, free_port(), free_port(), None, settings)
            try:
                await instance.launch()
                yield instance, volume
            finally:
                await instance.close()
        finally:
            await asyncio.to_thread(unmount, volume.path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unmount(path: Path) -> None:
    """Take the volume away, also while the last process on it is ending."""
    subprocess.run(["umount", "--lazy", str(path)], check=False, capture_output=True)


def panics(instance: Instance) -> int:
    """Count what PostgreSQL's own log calls a panic."""
    logs = (instance.data / "postgres" / "cluster" / "log").glob("*.log")
    return sum(path.read_text(encoding="utf-8", errors="replace").count("PANIC:") for path in logs)


async def new_segments(instance: Instance, count: int) -> None:
    """Make PostgreSQL begin new segments of its write-ahead log, each of 16 MB, as an hour of traffic would."""
    for _ in range(count):
        try:
            async with instance.database() as connection:
                await connection.execute("SELECT pg_logical_emit_message(false, 'proof', 'next')")
                await connection.execute("SELECT pg_switch_wal()")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, IOCError):
            await asyncio.sleep(LOOK_SECONDS)


async def trouble(instance: Instance) -> str | None:
    """Return what /readyz says of the disk."""
    with contextlib.suppress(httpx2.HTTPError, ValueError):
        async with httpx2.AsyncClient(base_url=instance.url, timeout=3.0) as client:
            found: str | None = (await client.get("/readyz")).json().get("trouble", {}).get("disk")
            return found
    return None


async def first(ask: Callable[[], float | None], *, within_seconds: float) -> float | None:
    """Return the first answer, or None when there is none in time."""
    deadline = time.monotonic() + within_seconds
    while (found := ask()) is None and time.monotonic() < deadline:  # noqa: ASYNC110 - asks the witness
        await asyncio.sleep(LOOK_SECONDS)
    return found


async def _until_paused(instance: Instance, began: float) -> float | None:
    """Return the seconds until the instance said that the disk is full."""
    while time.monotonic() - began < WATCHED_SECONDS:
        if await trouble(instance) is not None:
            return round(time.monotonic() - began, 2)
        await asyncio.sleep(LOOK_SECONDS)
    return None


async def _round(
    instance: Instance, volume: Volume, seen: Acknowledgements, size: DiskSize, *, to_the_last_byte: bool
) -> dict[str, Any]:
    """Fill, look, give space back, and time the first acknowledgements after it."""
    began = time.monotonic()
    await asyncio.to_thread(volume.fill, until_ratio=2.0 if to_the_last_byte else OVER_RATIO)
    paused = await _until_paused(instance, began)
    settled = time.monotonic() + 0.5
    # Below 100 % the margin has space for one more WAL segment, and PostgreSQL must survive it. At 100 % four do not
    # fit: PostgreSQL may panic, start again on the space set aside, or stay down until there is space.
    await new_segments(instance, 4 if to_the_last_byte else 1)
    await asyncio.sleep(size.hold_seconds)
    over = time.monotonic()
    if to_the_last_byte:
        await asyncio.to_thread(volume.grow, volume.megabytes * 2)
    else:
        await asyncio.to_thread(volume.free)
    back = {}
    for door in ("http", "mqtt"):
        moment = await first(lambda door=door: seen.first(door, over), within_seconds=WATCHED_SECONDS)  # type: ignore[misc]
        back[door] = None if moment is None else round(moment - over, 2)
    volume.free()
    return {
        "full_percent": 100 if to_the_last_byte else round(OVER_RATIO * 100),
        "seconds_to_pause": paused,
        "acknowledged_while_full": seen.between(settled, over),
        "seconds_from_space_to_202": back["http"],
        "seconds_from_space_to_puback": back["mqtt"],
        "panics": panics(instance),
    }


async def run_disk(*, seed: int, size: DiskSize, folder: Path) -> dict[str, Any]:
    """Fill the volume of one instance again and again, and judge the history."""
    async with on_small_volume(VOLUME_MB) as (instance, volume):
        recorder = Recorder(folder / "history.jsonl")
        fleet = await make_fleet(
            instance, recorder, seed=seed,
            size=KillsSize(stations=size.stations, events_per_second=size.events_per_second),
        )  # fmt: skip
        seen = Acknowledgements(folder / "history.jsonl", fleet.names[0])
        tasks = _start(fleet)
        rounds = []
        for _ in range(size.rounds):
            for to_the_last_byte in (False, True):
                await asyncio.sleep(1.5)
                rounds.append(await _round(instance, volume, seen, size, to_the_last_byte=to_the_last_byte))
        drained = await drain(fleet)
        for task in tasks:
            await stop(task)
        recorder.close()
        figures = await judge(instance, recorder.history(), fleet.names, full=True)
    problems = figures.pop("problems")
    problems += [problem for found in rounds for problem in _problems(found)]
    if not drained:
        problems.append("readings were never acknowledged")
    resumed = [found["seconds_from_space_to_202"] or WATCHED_SECONDS for found in rounds]
    return {
        "faults": len(rounds),
        "seconds_to_pause_max": max((found["seconds_to_pause"] or WATCHED_SECONDS) for found in rounds),
        "seconds_from_space_to_202_max": max(resumed),
        "http_refused": fleet.writer.retries,
        "rounds": rounds,
        **figures,
        "problems": problems,
    }


def _start(fleet: SenderGroup) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(station.run()) for station in fleet.stations]
    return [*tasks, asyncio.create_task(fleet.writer.run())]


def _problems(found: dict[str, Any]) -> list[str]:
    problems = []
    if (found["seconds_to_pause"] or WATCHED_SECONDS) > PAUSE_SECONDS_MAX:
        problems.append(f"paused after {found['seconds_to_pause']} s")
    # Completely full, PostgreSQL comes up again on the space set aside, and commits what was taken in before.
    # So only an acknowledgement on a disk that still has its margin is a fault.
    if found["full_percent"] < 100 and found["acknowledged_while_full"]:
        problems.append(f"{found['acknowledged_while_full']} readings were acknowledged on a full disk")
    if (found["seconds_from_space_to_202"] or WATCHED_SECONDS) > RESUME_SECONDS_MAX:
        problems.append(f"went on after {found['seconds_from_space_to_202']} s")
    if found["full_percent"] < 100 and found["panics"]:
        problems.append("PostgreSQL panicked although the intake was paused in time")
    return problems


async def run_control(*, size: DiskSize) -> dict[str, Any]:
    """The same volume without the guard: PostgreSQL must panic, and what it acknowledged must outlive that."""
    async with on_small_volume(CONTROL_VOLUME_MB, disk_free_enough_gib=0) as (instance, volume):
        postmaster = instance.postmaster_pid()
        deadline = time.monotonic() + size.control_seconds
        await asyncio.to_thread(volume.fill, until_ratio=2.0)
        while not panics(instance) and time.monotonic() < deadline:
            await new_segments(instance, 1)
        paused = await trouble(instance)
        found = panics(instance)
        await asyncio.sleep(1.0)
        return {"control": "no guard: IOC_DISK_FREE_ENOUGH_GIB=0", "panics": found, "paused": paused is not None,
                "restarted_or_down": instance.postmaster_pid() != postmaster}  # fmt: skip


async def prove(*, seed: int, size: DiskSize | None = None) -> Report:
    """Fill the volume; without the guard PostgreSQL must panic."""
    size = size or DiskSize()
    report = Report("disk", seed, PROMISE)
    if os.geteuid() != 0:
        raise NotRunError("only root may mount a volume")
    with TemporaryDirectory(prefix="ioc-proof-witness-") as name:
        facts = await run_disk(seed=seed, size=size, folder=Path(name))
        control = await run_control(size=size)
    report.facts = {**facts, "loss_per_fault_bound_95": bound_95(facts["faults"])}
    report.control = control
    report.judge(
        held=not facts["problems"],
        evidence=facts["acknowledged"] > 0 and facts["faults"] == 2 * size.rounds,
        control_failed=control["panics"] > 0 and not control["paused"],
    )
    return report
