"""Promise P12: the database is frozen, stopped, cut off without a word, demoted; the instance heals by itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from proof.checkers.judgement import judge
from proof.harness.clusters import Pair, pair
from proof.harness.instance import ROLES, Instance, running
from proof.harness.nemesis import stop
from proof.harness.proxy import Proxy
from proof.harness.recorder import Recorder
from proof.harness.report import Profile, Report, bound_95
from proof.mutants.naive_pool import NaivePool, naive
from proof.scenarios.delivery.kills import KillsSize, drain, make_fleet

PROMISE = (
    "nothing is acknowledged while it is not durable; /readyz is false within 5 s; writes work again within 10 s "
    "after the database is back, by themselves"
)
NOT_READY_SECONDS_MAX = 5.0
RECOVERY_SECONDS_MAX = 10.0
WATCHED_SECONDS = 20.0
GRACE_SECONDS = 0.5
"""What was committed before the fault may still be on its way to its sender."""
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class OutagesSize:
    """How much of it. ``rounds`` of freeze, stop and cut; the primary is demoted once, at the end."""

    rounds: int = 1
    freeze_seconds: float = 8.0
    cut_seconds: float = 8.0
    stop_seconds: float = 2.0
    stations: int = 4
    events_per_second: float = 80.0


SIZES = {
    Profile.QUICK: OutagesSize(),
    Profile.FULL: OutagesSize(rounds=4, freeze_seconds=30.0, cut_seconds=60.0, stop_seconds=5.0),
}


@dataclass(slots=True)
class Outage:
    """One fault. Moments are of the monotonic clock."""

    kind: str
    began: float
    over: float = 0.0
    not_ready: float | None = None
    back: dict[str, float | None] = field(default_factory=dict)
    """When the first acknowledgement came after it, by door, and when /readyz was true again."""
    naive_wrote: bool | None = None
    naive_told: str | None = None

    @property
    def not_ready_seconds(self) -> float | None:
        """From the fault to the first /readyz that was not true; None: it was true all the time."""
        return None if self.not_ready is None else round(self.not_ready - self.began, 2)

    @property
    def recovery_seconds(self) -> float | None:
        """From the end of the fault until both doors acknowledge and /readyz is true; None: not while we watched."""
        moments = [moment for moment in self.back.values() if moment is not None]
        return round(max(0.0, max(moments) - self.over), 2) if len(moments) == len(self.back) else None


@dataclass(slots=True)
class ReadinessWatch:
    """Looks at /readyz all the time."""

    instance: Instance
    seen: list[tuple[float, bool]] = field(default_factory=list)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            ready = await self.instance.is_ready()
            self.seen.append((time.monotonic(), ready))
            await asyncio.sleep(LOOK_SECONDS)

    def first(self, *, ready: bool, after: float) -> float | None:
        """Return when it was first seen so after a moment."""
        return next((at for at, state in self.seen if at > after and state is ready), None)


@dataclass(slots=True)
class Acknowledgements:
    """When which door acknowledged, from the witness's file as it grows."""

    path: Path
    writer: str

    def moments(self) -> list[tuple[float, str]]:
        """Return (moment, door) of each acknowledgement so far."""
        lines = (json.loads(text) for text in self.path.read_text(encoding="utf-8").splitlines() if '"ok"' in text)
        return [(line["at"], "http" if line["device"] == self.writer else "mqtt") for line in lines]

    def first(self, door: str, after: float) -> float | None:
        """Return the first of a door after a moment."""
        return next((at for at, named in self.moments() if named == door and at > after), None)

    def between(self, began: float, over: float) -> int:
        """Count those inside an outage."""
        return sum(began < at < over for at, _ in self.moments())


@dataclass(slots=True)
class Faults:
    """Makes the outages of one pair of servers behind one proxy."""

    servers: Pair
    proxy: Proxy
    size: OutagesSize

    async def freeze(self) -> None:
        """Stop every process of the server where it stands."""
        pids = self.servers.primary_pids()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(self.size.freeze_seconds)
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    async def stop(self) -> None:
        """Stop the server at once, as a crash does, and start it again."""
        await asyncio.to_thread(self.servers.primary.stop, "immediate")
        await asyncio.sleep(self.size.stop_seconds)
        await asyncio.to_thread(self.servers.primary.start)

    async def cut(self) -> None:
        """Lose every byte without a reset; connections of before never come back."""
        self.proxy.swallow()
        await asyncio.sleep(self.size.cut_seconds)
        self.proxy.heal()

    async def demote(self) -> None:
        """Make the primary read-only under its living sessions, and promote the standby."""
        await self.servers.execute(
            self.servers.primary_port, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"
        )
        await asyncio.sleep(1.0)
        await self.servers.execute(
            self.servers.standby_port, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_promote()",
            "SELECT pg_reload_conf()",
        )  # fmt: skip


async def run_outages(*, seed: int, size: OutagesSize, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the outages against one instance and return its figures and those of the naive pool beside it."""
    async with (
        pair() as servers,
        Proxy(servers.primary_port) as proxy,
        running(database_url=servers.dsn(proxy.port, servers.standby_port)) as instance,
    ):
        await servers.execute(servers.primary_port, "CREATE TABLE naive (n INTEGER)")
        recorder = Recorder(folder / "history.jsonl")
        senders_size = KillsSize(stations=size.stations, events_per_second=size.events_per_second)
        fleet = await make_fleet(instance, recorder, size=senders_size, seed=seed)
        watch, seen = ReadinessWatch(instance), Acknowledgements(folder / "history.jsonl", fleet.names[0])
        tasks = [asyncio.create_task(station.run()) for station in fleet.stations]
        tasks += [asyncio.create_task(fleet.writer.run()), asyncio.create_task(watch.run())]
        pids = {role: instance.role_pid(role) for role in ROLES}
        faults = Faults(servers, proxy, size)
        outages = []
        for kind, fault in [("freeze", faults.freeze), ("stop", faults.stop), ("cut", faults.cut)] * size.rounds + [
            ("demote", faults.demote)
        ]:
            await asyncio.sleep(1.5)
            async with naive(f"{servers.dsn(proxy.port, servers.standby_port)}") as beside:
                outages.append(await _suffer(kind, fault, watch=watch, seen=seen, beside=beside))
        drained = await drain(fleet)
        for task in tasks:
            await stop(task)
        recorder.close()
        history = recorder.history()
        after = {role: instance.role_pid(role) for role in ROLES}
        instance.settings = {**instance.settings, "database_url": servers.dsn(servers.standby_port)}
        figures = await judge(instance, history, fleet.names, full=True)
    problems = figures.pop("problems")
    early = sum(
        seen_between
        for outage in outages
        if (seen_between := _between(history.acknowledged_at, outage.began + GRACE_SECONDS, outage.over))
    )
    problems += _problems(outages, early)
    if not drained:
        problems.append("readings were never acknowledged")
    restarted = sorted(role for role in ROLES if pids[role] != after[role])
    if restarted:
        problems.append(f"started again: {restarted}")
    return {**_facts(outages), "acknowledged_while_away": early, **figures, "problems": problems}, _control(outages)


async def _suffer(
    kind: str, fault: Callable[[], Awaitable[None]], *, watch: ReadinessWatch, seen: Acknowledgements, beside: NaivePool
) -> Outage:
    """Make one outage and watch the way back."""
    outage = Outage(kind, time.monotonic())
    await fault()
    outage.over = time.monotonic()
    deadline = outage.over + WATCHED_SECONDS
    while time.monotonic() < deadline:
        outage.back = {
            "mqtt": seen.first("mqtt", outage.over),
            "http": seen.first("http", outage.over),
            "readyz": watch.first(ready=True, after=outage.over),
        }
        if all(moment is not None for moment in outage.back.values()):
            break
        await asyncio.sleep(LOOK_SECONDS)
    outage.not_ready = watch.first(ready=False, after=outage.began)
    if kind in ("cut", "demote"):  # the control has as long as the promise allows us
        await asyncio.sleep(max(0.0, outage.over + RECOVERY_SECONDS_MAX - time.monotonic()))
        outage.naive_wrote = beside.wrote_since(outage.over)
        outage.naive_told = beside.errors[-1] if beside.errors else None
    return outage


def _between(moments: list[float], began: float, over: float) -> int:
    return sum(began < at < over for at in moments)


def _problems(outages: list[Outage], early: int) -> list[str]:
    found = []
    if early:
        found.append(f"{early} readings were acknowledged while the database was away")
    for outage in outages:
        seconds = outage.not_ready_seconds
        away = outage.over - outage.began
        if away > NOT_READY_SECONDS_MAX and (seconds is None or seconds > NOT_READY_SECONDS_MAX):
            found.append(f"{outage.kind}: not ready after {seconds} s")
        if outage.recovery_seconds is None or outage.recovery_seconds > RECOVERY_SECONDS_MAX:
            found.append(f"{outage.kind}: back after {outage.recovery_seconds} s")
    return found


def _facts(outages: list[Outage]) -> dict[str, Any]:
    back = [outage.recovery_seconds for outage in outages if outage.recovery_seconds is not None]
    away = [outage.not_ready_seconds for outage in outages if outage.not_ready_seconds is not None]
    return {
        "faults": len(outages),
        "not_ready_seconds_max": max(away, default=None),
        "recovery_seconds_p50": round(statistics.median(back), 2) if back else None,
        "recovery_seconds_max": max(back, default=None),
        "outages": [
            {"kind": outage.kind, "away_seconds": round(outage.over - outage.began, 2),
             "not_ready_seconds": outage.not_ready_seconds, "recovery_seconds": outage.recovery_seconds}
            for outage in outages
        ],
    }  # fmt: skip


def _control(outages: list[Outage]) -> dict[str, Any]:
    return {
        "control": "asyncpg's own pool, without deadlines, beside the instance in the same outages",
        **{f"{outage.kind}_wrote_again": outage.naive_wrote for outage in outages if outage.naive_wrote is not None},
        "demote_error": next((outage.naive_told for outage in outages if outage.kind == "demote"), None),
    }


async def prove(*, seed: int, size: OutagesSize | None = None) -> Report:
    """Run the outages; the naive pool beside must hang after the cut and stay with the demoted server."""
    size = size or OutagesSize()
    report = Report("outages", seed, PROMISE)
    with TemporaryDirectory(prefix="ioc-proof-witness-") as name:
        facts, control = await run_outages(seed=seed, size=size, folder=Path(name))
    report.facts = {**facts, "loss_per_fault_bound_95": bound_95(facts["faults"])}
    report.control = control
    report.judge(
        held=not facts["problems"],
        evidence=facts["acknowledged"] > 0 and facts["faults"] == 3 * size.rounds + 1,
        control_failed=control["cut_wrote_again"] is False and control["demote_wrote_again"] is False,
    )
    return report
