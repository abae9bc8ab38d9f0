"""Promises P1 to P3 and P6: devices publish while one process after another is killed, PostgreSQL included."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mqtt_client.packets import Station
from proof.checkers.judgement import judge
from proof.clients.http_writer import HTTPWriter
from proof.clients.mqtt_device import MQTTDevice
from proof.harness.instance import Instance, add_device, running
from proof.harness.nemesis import OUTAGE, VICTIMS, Nemesis, stop
from proof.harness.readings import reading
from proof.harness.recorder import Recorder
from proof.harness.report import Profile, Report, bound_95

PROMISE = "an event acknowledged by PUBACK or 202 is in the log exactly once, and alerts are those of the log"
DRAIN_SECONDS = 60.0
BACK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class KillsSize:
    """How much of it."""

    kills: int = 20
    stations: int = 10
    events_per_second: float = 250.0
    control_kills: int = 2
    supervisor: bool = True
    """Whether `ioc up` itself is killed, too, at the end."""
    mutant: str | None = None
    victims: Sequence[str] = VICTIMS
    pause_seconds: tuple[float, float] = (2.0, 4.0)


SIZES = {
    Profile.QUICK: KillsSize(kills=8, control_kills=1, pause_seconds=(1.5, 3.0)),
    Profile.FULL: KillsSize(kills=59),
}
"""The supervisor's own kill comes on top."""


@dataclass(slots=True)
class SenderGroup:
    """The senders of a run."""

    stations: list[MQTTDevice]
    writer: HTTPWriter
    names: list[str]

    @property
    def waiting(self) -> int:
        """Return how many readings are not acknowledged."""
        return self.writer.waiting + sum(station.waiting for station in self.stations)


async def make_fleet(instance: Instance, recorder: Recorder, *, size: KillsSize, seed: int) -> SenderGroup:
    """Register the devices over the API; one more than the stations sends over HTTP."""
    names = [f"proof-{number:02d}" for number in range(size.stations + 1)]
    async with instance.admin() as admin:
        keys = {name: await add_device(admin, name) for name in names}
    per_second = size.events_per_second / len(names)
    make = partial(reading, period_readings=max(2, round(2 * per_second)))
    stations = [
        MQTTDevice(
            Station(name, keys[name], instance.mqtt_port),
            make=make,
            per_second=per_second,
            recorder=recorder,
            seed=seed,
        )
        for name in names[1:]
    ]
    writer = HTTPWriter(
        instance.url, device=names[0], key=keys[names[0]], make=make, per_second=per_second, recorder=recorder
    )
    return SenderGroup(stations, writer, names)


async def drain(fleet: SenderGroup) -> bool:
    """Let every sender send what it holds; tell whether all of it was acknowledged in time."""
    fleet.writer.stop_measuring()
    for station in fleet.stations:
        station.stop_measuring()
    deadline = time.monotonic() + DRAIN_SECONDS
    while fleet.waiting and time.monotonic() < deadline:  # noqa: ASYNC110 - what it waits for is the other side
        await asyncio.sleep(0.1)
    return not fleet.waiting


async def run_kills(*, seed: int, size: KillsSize, folder: Path) -> dict[str, Any]:
    """Run one history against one instance and return its figures; ``problems`` names each promise that broke."""
    async with running(mutant=size.mutant) as instance:
        recorder = Recorder(folder / f"history-{size.mutant or 'honest'}.jsonl")
        fleet = await make_fleet(instance, recorder, size=size, seed=seed)
        senders = [asyncio.create_task(station.run()) for station in fleet.stations]
        senders.append(asyncio.create_task(fleet.writer.run()))
        await asyncio.sleep(1.0)
        nemesis = Nemesis(instance, seed, victims=size.victims, pause_seconds=size.pause_seconds)
        await nemesis.run(size.kills)
        if size.supervisor:
            await nemesis.kill_supervisor()
        await asyncio.sleep(1.0)
        drained = await drain(fleet)
        for sender in senders:
            await stop(sender)
        back = await instance.wait_until_back(BACK_SECONDS)
        recorder.close()
        history = recorder.history()
        figures = await judge(instance, history, fleet.names, full=size.mutant is None)
        problems = figures.pop("problems")
        if not drained:
            problems.append(f"{fleet.waiting} readings were never acknowledged")
        if not back:
            problems.append("not everything came back by itself")
        if any(kill.recovery_seconds is None for kill in nemesis.kills):
            problems.append("a kill was not recovered from within a minute")
        return {**nemesis.facts(), **figures, "back_without_a_hand": back, "problems": problems,
                "longest_silence_seconds": round(history.longest_silence_seconds, 2),
                "connections": sum(station.connections for station in fleet.stations),
                "http_retries": fleet.writer.retries}  # fmt: skip


async def prove(*, seed: int, size: KillsSize | None = None) -> Report:
    """Run the kills and their control: the mutant that acknowledges before it commits must lose."""
    size = size or KillsSize()
    report = Report("kills", seed, PROMISE)
    with TemporaryDirectory(prefix="ioc-proof-witness-") as name:
        facts = await run_kills(seed=seed, size=size, folder=Path(name))
        control: dict[str, Any] = {}
        if size.control_kills:
            mutant = KillsSize(kills=size.control_kills, stations=size.stations, supervisor=False, mutant="early_ack",
                               events_per_second=size.events_per_second, victims=(OUTAGE,))  # fmt: skip
            control = await run_kills(seed=seed, size=mutant, folder=Path(name))
    report.facts = {**facts, "loss_per_fault_bound_95": bound_95(facts["faults"])}
    report.control = {"mutant": "early_ack: acknowledges before the commit", **control}
    report.judge(
        held=not facts["problems"],
        evidence=facts["acknowledged"] > 0 and facts["faults"] == size.kills + size.supervisor,
        control_failed=control["lost"] > 0 if control else None,
    )
    return report
