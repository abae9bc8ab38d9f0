"""The HTTP port under fire (S17): whoever holds or floods it, an honest client beside him is served as before."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proof.clients.attacks import ATTACKS, AttackTarget, under_attack
from proof.clients.honest import Felt, Honest
from proof.harness.instance import Instance, InstanceError, add_device, running
from proof.harness.nginx import BIND, running_nginx
from proof.harness.report import Profile, Report

PROMISE = (
    "an honest client's p95 stays under twice its calm value and it sees no error, while sockets and memory are bounded"
)
RATIO_MAX = 2.0
FLOOR_SECONDS = 0.03
"""A p95 below this is nobody's trouble: a scheduler's slice would decide."""
GROWTH_BYTES_MAX = 160 << 20
"""Bodies half here (64 MB), what waits for a commit (64 MB), connections."""
SOCKETS_MAX = 700
"""The bound on connections of the instance under fire, and what a process has open beside them."""
SETTINGS: Mapping[str, Any] = {
    "http_connections_max": 600, "http_header_seconds": 3, "http_idle_seconds": 5, "http_write_seconds": 5,
    "http_trusted_proxies": BIND, "stream_clients_max": 100,
}  # fmt: skip
CALM_SECONDS = 2.0
SAMPLE_SECONDS = 0.1
CONTROL = "2,000 idle sockets"


@dataclass(frozen=True, slots=True)
class HTTPFireSize:
    """How much of it."""

    seconds: float = 3.0
    """Of each attack."""
    bare: tuple[str, ...] = tuple(ATTACKS)
    nginx: tuple[str, ...] = ("slow headers (-H)", "slow read (-X)")
    control: bool = True


LONG = ("headers of 20 MB", "gzip bombs", "deaf readers")
SIZES = {
    Profile.QUICK: HTTPFireSize(
        seconds=2.0, bare=tuple(name for name in ATTACKS if name not in LONG), nginx=("slow headers (-H)",)
    ),
    Profile.FULL: HTTPFireSize(seconds=15.0, nginx=tuple(name for name in ATTACKS if "key" not in name)),
}


@dataclass(slots=True)
class Footprint:
    """What the api process held at most while it was watched."""

    pid: int
    sockets: int = 0
    rss_bytes: int = 0
    rss_before: int = field(init=False)

    def __post_init__(self) -> None:
        self.rss_before = rss_of(self.pid)

    async def watch(self) -> None:
        """Sample until cancelled."""
        while True:
            self.sockets = max(self.sockets, files_of(self.pid))
            self.rss_bytes = max(self.rss_bytes, rss_of(self.pid))
            await asyncio.sleep(SAMPLE_SECONDS)


def files_of(pid: int) -> int:
    """Return how many files and sockets a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def rss_of(pid: int) -> int:
    """Return a process's resident bytes."""
    words = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").split()
    return int(words[words.index("VmRSS:") + 1]) << 10


@dataclass(frozen=True, slots=True)
class Range:
    """Where the fire goes, and who stands beside."""

    honest: Honest
    target: AttackTarget
    pid: int
    label: str


async def fire(one: Range, attack: str, seconds: float) -> tuple[Felt, Footprint]:
    """Attack for a while; return what the honest client felt once the attack stood, and what the api held."""
    footprint = Footprint(one.pid)
    watching = asyncio.create_task(footprint.watch())
    try:
        async with under_attack(one.target, attack):
            felt = await one.honest.live(seconds)
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    return felt, footprint


def judge(felt: Felt, footprint: Footprint, *, calm: Felt) -> list[str]:
    """Return what is wrong."""
    bound = max(calm.at(0.95) * RATIO_MAX, FLOOR_SECONDS)
    problems = []
    if felt.wrong:
        problems.append(f"{felt.wrong} honest requests were not served: {dict(felt.statuses)} {dict(felt.failed)}")
    if felt.at(0.95) > bound:
        problems.append(f"p95 {felt.at(0.95) * 1_000:.0f} ms, {bound * 1_000:.0f} ms allowed")
    if footprint.sockets > SOCKETS_MAX:
        problems.append(f"{footprint.sockets} files open, {SOCKETS_MAX} allowed")
    if footprint.rss_bytes - footprint.rss_before > GROWTH_BYTES_MAX:
        problems.append(f"memory grew by {(footprint.rss_bytes - footprint.rss_before) >> 20} MB")
    return problems


async def under_fire(one: Range, attacks: tuple[str, ...], seconds: float) -> tuple[dict[str, Any], list[str]]:
    """Run attacks one after another; return the figures of each and all problems."""
    await one.honest.live(0.5)
    calm = await one.honest.live(max(CALM_SECONDS, seconds / 2))
    figures: dict[str, Any] = {"calm": calm.facts()}
    problems = []
    for attack in attacks:
        felt, footprint = await fire(one, attack, seconds)
        found = judge(felt, footprint, calm=calm)
        problems += [f"{one.label}: {attack}: {problem}" for problem in found]
        figures[attack] = {
            **felt.facts(), "p95_ratio": round(felt.at(0.95) / calm.at(0.95), 2), "files_open_max": footprint.sockets,
            "rss_mb_max": footprint.rss_bytes >> 20, "rss_mb_grown": (footprint.rss_bytes - footprint.rss_before) >> 20,
        }  # fmt: skip
    return figures, problems


async def prepare(instance: Instance) -> tuple[Honest, AttackTarget]:
    """Register who is honest and who is not."""
    async with instance.admin() as admin:
        honest = await add_device(admin, "fire-honest")
        foe = await add_device(admin, "fire-foe")
        answer = await admin.post("/api/v1/keys", json={"kind": "district", "name": "fire", "area": "04795"})
        if answer.status_code != 201:
            raise InstanceError(f"no key: {answer.text}")
        reader = str(answer.json()["key"])
    port = instance.http_port
    return Honest(port, honest, reader), AttackTarget(port, foe, "fire-foe")


def api_pid(instance: Instance) -> int:
    """Return the process under fire.

    Raises:
        InstanceError: it does not run.
    """
    pid = instance.role_pid("api")
    if pid is None:
        raise InstanceError("the api does not run")
    return pid


async def prove(*, seed: int, size: HTTPFireSize) -> Report:
    """Attack the bare port, then nginx before it; the control is uvicorn without the guard."""
    report = Report("http_fire", seed, PROMISE)
    facts: dict[str, Any] = {}
    problems: list[str] = []
    async with running(**SETTINGS) as instance:
        honest, target = await prepare(instance)
        pid = api_pid(instance)
        facts["bare"], found = await under_fire(Range(honest, target, pid, "bare"), size.bare, size.seconds)
        problems += found
        if size.nginx:
            async with running_nginx(instance.http_port) as front:
                through = Honest(front.port, honest.device_key, honest.reader_key, front.tls)
                before = AttackTarget(front.port, target.key, target.device, tls=True)
                facts["nginx"], found = await under_fire(Range(through, before, pid, "nginx"), size.nginx, size.seconds)
                problems += found
        if instance.role_pid("api") != pid:
            problems.append("the api died and was started again")
        facts["refused"] = await refusals(instance)
    control: dict[str, Any] = {}
    if size.control:
        async with running(mutant="bare_http", **SETTINGS) as instance:
            honest, target = await prepare(instance)
            figures, found = await under_fire(
                Range(honest, target, api_pid(instance), "control"), (CONTROL,), size.seconds
            )
            control = {
                "mutant": "bare_http: uvicorn without the guard", "problems": found,
                "files_open_max": figures[CONTROL]["files_open_max"], **figures,
            }  # fmt: skip
    ran = [figures for place in ("bare", "nginx") for figures in facts.get(place, {}).values()]
    served = sum(figures["requests"] for figures in ran)
    report.facts = {
        "faults": len(size.bare) + len(size.nginx), "operations": served,
        "errors": sum(figures["wrong"] for figures in ran),
        "p95_ratio_max": max((figures["p95_ratio"] for figures in ran if "p95_ratio" in figures), default=0.0),
        "problems": problems, **facts,
    }  # fmt: skip
    report.control = control
    report.judge(held=not problems, evidence=served > 0, control_failed=bool(control["problems"]) if control else None)
    return report


async def refusals(instance: Instance) -> dict[str, float]:
    """Return the counts of the guard, by reason."""
    async with instance.admin() as admin:
        answer = await admin.post("/api/v1/keys", json={"kind": "metrics", "name": "fire"})
        key = answer.json()["key"]
        text = (await admin.get("/metrics", headers={"Authorization": f"Bearer {key}"})).text
    found = {}
    for line in text.splitlines():
        if line.startswith("ioc_http_refused_total{"):
            labels, _, value = line.rpartition(" ")
            found[labels.partition('reason="')[2].partition('"')[0]] = float(value)
    return found
