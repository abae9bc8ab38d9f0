"""Promise P9: screens that are cut at any byte, and whose server is killed, miss nothing and see nothing twice."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from proof.checkers.stream import judge_stream
from proof.clients.screen_activity import screen_activity
from proof.clients.sse_client import StreamClient
from proof.harness.instance import Instance, running
from proof.harness.nemesis import Nemesis, stop
from proof.harness.report import Profile, Report, bound_95

PROMISE = "a client that resumes by Last-Event-ID gets every later change once, in order"
KINDS = ("alert", "device", "incident", "rule", "domain")
"""The kinds of change that an admin and a display see."""
DRAIN_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class StreamSize:
    """How much of it."""

    clients: int = 30
    kills: int = 4
    seconds: float = 15.0
    """How long changes flow beside the kills."""
    cut_bytes: tuple[int, int] | None = (1, 12_000)
    control_seconds: float = 10.0
    control_clients: int = 6
    mutant: str | None = None


SIZES = {
    Profile.QUICK: StreamSize(clients=15, kills=1, seconds=10.0, control_seconds=6.0),
    Profile.FULL: StreamSize(),
}


async def run_stream(*, seed: int, size: StreamSize, folder: Path) -> dict[str, Any]:
    """Run one instance with clients and return the figures; ``problems`` names what broke."""
    async with running(mutant=size.mutant, stream_clients_max=500) as instance:
        start = await _head(instance)
        clients = await _clients(instance, seed=seed, size=size, start=start)
        following = [asyncio.create_task(client.run()) for client in clients]
        nemesis = Nemesis(instance, seed, victims=("api",), pause_seconds=(3.0, 6.0), overlap=False)
        async with screen_activity(instance, folder, seed=seed):
            await asyncio.gather(nemesis.run(size.kills), asyncio.sleep(size.seconds))
        for client in clients:
            client.stop_cutting()
        await instance.wait_until_back(DRAIN_SECONDS)
        table = await _drained(instance, clients, start)
        for task in following:
            await stop(task)
    return {**nemesis.facts(), **_judge(clients, table)}


async def _clients(instance: Instance, *, seed: int, size: StreamSize, start: int) -> list[StreamClient]:
    """Return the clients: every second one is a wall display with its key, the others have a person's session."""
    async with instance.admin() as admin:
        answer = await admin.post("/api/v1/keys", json={"kind": "display", "name": "proof"})
        answer.raise_for_status()
        display = {"Authorization": f"Bearer {answer.json()['key']}"}
        person = {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in admin.cookies.jar)}
    return [
        StreamClient(
            name=f"client-{number:02d}", port=instance.http_port, headers=display if number % 2 else person,
            start=start, seed=seed, cut_bytes=size.cut_bytes,
        )
        for number in range(size.clients)
    ]  # fmt: skip


async def _head(instance: Instance) -> int:
    async with instance.database() as connection:
        return int(await connection.fetchval("SELECT coalesce(max(position), 0) FROM change"))


async def _drained(instance: Instance, clients: Sequence[StreamClient], start: int) -> list[int]:
    """Wait until every client has seen the last change, then return the positions they should have seen."""
    deadline = time.monotonic() + DRAIN_SECONDS
    former: list[int] = []
    while True:
        async with instance.database() as connection:
            rows = await connection.fetch(
                "SELECT position FROM change WHERE position > $1 AND kind = ANY($2) ORDER BY position", start, KINDS
            )
        table = [row["position"] for row in rows]
        # Timers still pending move alerts for a few seconds after the last reading.
        calm = table == former and all(client.position >= table[-1] for client in clients if table)
        if calm or time.monotonic() > deadline:
            return table
        former = table
        await asyncio.sleep(2.5)


def _judge(clients: Sequence[StreamClient], table: Sequence[int]) -> dict[str, Any]:
    verdicts = {client.name: judge_stream(client.ids, table) for client in clients}
    sums = {
        name: sum(getattr(verdict, name) for verdict in verdicts.values())
        for name in ("gaps", "repeats", "disordered", "foreign")
    }
    resets = sum(client.resets for client in clients)
    problems = [f"{name}: {count}" for name, count in {**sums, "resets": resets}.items() if count]
    return {
        "clients": len(clients),
        "changes": len(table),
        "events_dispatched": sum(len(client.ids) for client in clients),
        "connections": sum(client.connections for client in clients),
        "connections_per_client_p50": statistics.median(client.connections for client in clients),
        "cuts": sum(client.cuts for client in clients),
        **sums,
        "resets": resets,
        "clients_with_faults": sum(not verdict.clean for verdict in verdicts.values()),
        "problems": problems,
    }


async def prove(*, seed: int, size: StreamSize | None = None) -> Report:
    """Run the clients and their control: with positions from a plain sequence they must miss changes."""
    size = size or StreamSize()
    report = Report("stream", seed, PROMISE)
    with TemporaryDirectory(prefix="ioc-proof-witness-") as name:
        facts = await run_stream(seed=seed, size=size, folder=Path(name))
        control: dict[str, Any] = {}
        if size.control_seconds:
            mutant = StreamSize(clients=size.control_clients, kills=0, seconds=size.control_seconds, mutant="cursor",
                          cut_bytes=None)  # fmt: skip
            control = await run_stream(seed=seed, size=mutant, folder=Path(name))
    faults = facts["faults"] + facts["cuts"]
    report.facts = {**facts, "faults": faults, "kills": facts["faults"], "gap_per_fault_bound_95": bound_95(faults)}
    report.control = {"mutant": "cursor: positions from a plain sequence, not cut and not killed", **control}
    report.judge(
        held=not facts["problems"],
        evidence=facts["changes"] > 0 and facts["faults"] == size.kills and facts["cuts"] > 0,
        control_failed=control["gaps"] > 0 if control else None,
    )
    return report
