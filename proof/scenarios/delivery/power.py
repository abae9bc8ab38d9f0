"""Promises P1 and P2 under power cuts: the whole stack runs in a guest whose kernel is killed while devices publish.

Each cut is followed by a start of the same image: the file system and PostgreSQL recover by themselves, and the load
goes on. After the last cut the image is read on the host, a whole instance starts on it, and every acknowledgement
that left the guest is looked up. Devices live in the guest; what they were told leaves it at once.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import statistics
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ioc.domain.event import Event
from ioc.store.embedded.binaries import EmbeddedPostgresError, find_binaries
from ioc.store.embedded.server import EmbeddedPostgres
from proof.checkers.events import judge_events
from proof.checkers.judgement import judge
from proof.checkers.stored_tables import read_events
from proof.harness.instance import Instance, add_device, free_port, running
from proof.harness.recorder import OperationHistory, Recorder
from proof.harness.report import Profile, Report, bound_95
from proof.harness.uml import MOUNTED, NEEDS, Guest, extract, make_image
from proof.scenarios.delivery.guest import ID_STEP, Job, write_job

__all__ = ["NEEDS", "SIZES", "PowerSize", "prove"]

PROMISE = "an event acknowledged by PUBACK or 202 is in the log exactly once after the power went"
CONTROLS = {
    "synchronous_commit": "synchronous_commit = off: PostgreSQL answers before it flushes",
    "early_ack": "early_ack: the door acknowledges before the commit",
    "fsync": "fsync = off: PostgreSQL never flushes",
}


@dataclass(frozen=True, slots=True)
class PowerSize:
    """How much of it."""

    cuts: int = 3
    stations: int = 4
    events_per_second: float = 100.0
    load_seconds: tuple[float, float] = (2.0, 5.0)
    """From the first acknowledgement to the cut, drawn between the two."""
    roles: tuple[str, ...] = ("door", "api")
    upkeep_starts: Collection[int] = ()
    """In which of its starts checkpoints are written and partitions made and dropped all the time."""
    controls: tuple[str, ...] = ("synchronous_commit", "early_ack")
    control_cuts: int = 3
    """A control is cut until it has lost, at most so often."""


SIZES = {
    Profile.QUICK: PowerSize(upkeep_starts=(1,)),
    Profile.FULL: PowerSize(
        cuts=20, load_seconds=(2.0, 8.0), upkeep_starts=range(0, 20, 2), controls=tuple(CONTROLS), control_cuts=5,
        roles=("keeper", "rollup", "rules", "door", "api"),
    ),
}  # fmt: skip


@dataclass(slots=True)
class Cut:
    """One power cut: what had left the guest before it, and what the start before it took."""

    acknowledged: int
    in_flight: int
    """Sent and not acknowledged, as far as was heard outside."""
    load_seconds: float
    stages: Mapping[str, float]
    upkeep_steps: int = 0

    @property
    def void(self) -> bool:
        """Tell whether nothing was acknowledged, so that nothing could be lost."""
        return not self.acknowledged


@dataclass(slots=True)
class Chain:
    """One image through its cuts."""

    folder: Path
    keys: Mapping[str, str]
    size: PowerSize
    seed: int
    mutant: str | None = None
    cuts: list[Cut] = field(default_factory=list)

    @property
    def image(self) -> Path:
        """Return the disk of the guest."""
        return self.folder / "disk"

    @property
    def _witness(self) -> Path:
        return self.folder / "witness.jsonl"

    def history(self) -> OperationHistory:
        """Return all that left the guest, over every cut."""
        recorder = Recorder(self._witness)
        recorder.close()
        return recorder.history()

    async def cut_once(self) -> Cut:
        """Start the guest, let devices publish for a while, cut the power."""
        start = len(self.cuts)
        dice = random.Random(f"{self.seed}/{self.mutant}/{start}")
        job = self.folder / "job.json"
        write_job(job, Job(MOUNTED, dict(self.keys), self.size.events_per_second, self.size.roles, start=start,
                           seed=self.seed, pg_bin=str(find_binaries(None).bin_dir),
                           upkeep=start in self.size.upkeep_starts, mutant=self.mutant))  # fmt: skip
        guest = Guest(self.folder, self.image, self._witness)
        try:
            await guest.boot(job)
            load_seconds = dice.uniform(*self.size.load_seconds)
            if await guest.publishing():
                await asyncio.sleep(load_seconds)
        finally:
            await guest.cut()
        history = self.history()
        sent = sum(_start_of(identity) == start for identity in history.sent)
        cut = Cut(guest.acknowledged, sent - guest.acknowledged, round(load_seconds, 2), guest.stages,
                  guest.upkeep_steps)  # fmt: skip
        self.cuts.append(cut)
        return cut


def _start_of(identity: tuple[str, str]) -> int:
    return int(identity[1]) // ID_STEP


@dataclass(frozen=True, slots=True)
class PreparedInstance:
    """A stopped instance with its devices: every image begins as a copy of it."""

    data: Path
    keys: Mapping[str, str]


async def prepare(folder: Path, size: PowerSize) -> PreparedInstance:
    """Make an instance with the proof's devices, stop it in peace and keep its folder."""
    names = [f"power-{number:02d}" for number in range(size.stations + 1)]
    data = folder / "prepared"
    async with running() as instance:
        async with instance.admin() as admin:
            keys = {name: await add_device(admin, name) for name in names}
        await instance.close()
        (instance.data / "up.log").unlink()
        await asyncio.to_thread(_copy, instance.data, data)
    return PreparedInstance(data, keys)


def _copy(source: Path, target: Path) -> None:
    """Copy a folder with the owners of its files."""
    shutil.copytree(source, target, symlinks=True, copy_function=_copy_file)
    for path in (source, *source.rglob("*")):
        copied = target / path.relative_to(source)
        shutil.chown(copied, path.lstat().st_uid, path.lstat().st_gid)


def _copy_file(source: str, target: str) -> str:
    return shutil.copy2(source, target, follow_symlinks=False)


async def honest(prepared: PreparedInstance, folder: Path, *, size: PowerSize, seed: int) -> dict[str, Any]:
    """Cut an honest instance again and again, then judge what a whole one finds on its disk."""
    chain = await _chain(prepared, folder / "honest", size=size, seed=seed)
    for _ in range(size.cuts):
        await chain.cut_once()
    data = folder / "honest" / "found"
    await asyncio.to_thread(extract, chain.image, data)
    instance = Instance(data, free_port(), free_port())
    try:
        await instance.launch()
        history = chain.history()
        figures = await judge(instance, history, list(prepared.keys), full=True)
    finally:
        await instance.close()
    return {**_cut_facts(chain), **figures}


async def control(prepared: PreparedInstance, folder: Path, *, name: str, size: PowerSize, seed: int) -> dict[str, Any]:
    """Cut a broken instance until it has lost what it acknowledged; each time on a disk of its own."""
    tried: list[Cut] = []
    verdict: dict[str, int] = {}
    starts = True
    for number in range(size.control_cuts):
        place = folder / f"{name}-{number}"
        plain = replace(size, roles=("door", "api"), upkeep_starts=())
        chain = await _chain(prepared, place, size=plain, seed=seed + number, broken=name)
        tried.append(await chain.cut_once())
        events = await _events_on(chain.image, place / "found", list(prepared.keys))
        starts = events is not None
        verdict = judge_events(chain.history(), events or ()).facts()
        await asyncio.to_thread(shutil.rmtree, place)
        if verdict["lost"]:
            break
    return {"mutant": CONTROLS[name], "cuts": len(tried), "acknowledged_at_last_cut": verdict["acknowledged"],
            "lost": verdict["lost"], "postgresql_starts_after_it": starts}  # fmt: skip


async def _chain(
    prepared: PreparedInstance, place: Path, *, size: PowerSize, seed: int, broken: str | None = None
) -> Chain:
    """Make a disk with the prepared instance on it, broken as the control says."""
    await asyncio.to_thread(place.mkdir)
    mutant = broken if broken == "early_ack" else None
    source = prepared.data
    if broken is not None and mutant is None:
        source = place / "source"
        await asyncio.to_thread(_copy, prepared.data, source)
        with (source / "postgres" / "cluster" / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
            settings.write(f"{broken} = off\n")
    chain = Chain(place, prepared.keys, size, seed, mutant)
    await asyncio.to_thread(make_image, chain.image, source)
    return chain


async def _events_on(image: Path, data: Path, devices: list[str]) -> list[Event] | None:
    """Return the devices' events from an image, by PostgreSQL alone, which recovers first; None: it cannot."""
    await asyncio.to_thread(extract, image, data)
    server = EmbeddedPostgres(data)
    try:
        await asyncio.to_thread(server.start)
    except EmbeddedPostgresError:
        return None
    try:
        return await read_events(data, devices)
    finally:
        await asyncio.to_thread(server.stop, "fast")


def _cut_facts(chain: Chain) -> dict[str, Any]:
    recoveries = [cut.stages["recovery"] for cut in chain.cuts[1:]]
    return {
        "faults": sum(not cut.void for cut in chain.cuts),
        "void_cuts": sum(cut.void for cut in chain.cuts),
        "acknowledged_by_cut": [cut.acknowledged for cut in chain.cuts],
        "in_flight_by_cut": [cut.in_flight for cut in chain.cuts],
        "upkeep_steps_by_cut": [cut.upkeep_steps for cut in chain.cuts],
        "load_seconds_by_cut": [cut.load_seconds for cut in chain.cuts],
        "recovery_seconds_p50": round(statistics.median(recoveries), 2) if recoveries else None,
        "recovery_seconds_max": max(recoveries, default=None),
        "roles_in_the_guest": list(chain.size.roles),
    }


async def prove(*, seed: int, size: PowerSize) -> Report:
    """Cut an honest instance, and beside it the controls, each of which must lose."""
    report = Report("power", seed, PROMISE)
    folder = await asyncio.to_thread(_make_folder)
    try:
        prepared = await prepare(folder, size)
        async with asyncio.TaskGroup() as group:
            honest_run = group.create_task(honest(prepared, folder, size=size, seed=seed))
            controls_run = group.create_task(_controls(prepared, folder, size=size, seed=seed))
        facts, controls = honest_run.result(), controls_run.result()
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    report.facts = {**facts, "loss_per_fault_bound_95": bound_95(facts["faults"])}
    report.control = controls
    report.judge(
        held=not facts["problems"],
        evidence=facts["faults"] > 0 and facts["acknowledged"] > 0,
        control_failed=all(found["lost"] > 0 for found in controls.values()) if controls else None,
    )
    return report


def _make_folder() -> Path:
    folder = Path(mkdtemp(prefix="ioc-proof-power-"))
    folder.chmod(0o755)  # PostgreSQL runs as another account
    return folder


async def _controls(prepared: PreparedInstance, folder: Path, *, size: PowerSize, seed: int) -> dict[str, Any]:
    return {name: await control(prepared, folder, name=name, size=size, seed=seed) for name in size.controls}
