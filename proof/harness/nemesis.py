"""The nemesis: kills processes of an instance by SIGKILL, drawn by a seed, and times the way back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from proof.harness.instance import ROLES, Instance

OUTAGE = "postmaster and door"
"""PostgreSQL first and the door a moment later: all that waits in the door's memory meanwhile dies with it."""
OUTAGE_SECONDS = 0.3
VICTIMS = (*ROLES, "postmaster", "backend", OUTAGE)
"""What comes back by itself. The supervisor needs an init (systemd, Docker), whose part the proof plays."""
RECOVERY_SECONDS_MAX = 60.0
POLL_SECONDS = 0.1


@dataclass(slots=True)
class Kill:
    """One fault: who was killed, and how long until it was back and /readyz true (None: not within a minute)."""

    victim: str
    at: float
    recovery_seconds: float | None = None


@dataclass(slots=True)
class Nemesis:
    """Kills while told to, then says what it did."""

    instance: Instance
    seed: int
    victims: Sequence[str] = VICTIMS
    pause_seconds: tuple[float, float] = (2.0, 4.0)
    overlap: bool = True
    """Whether the next kill may come before the last one is recovered from."""
    kills: list[Kill] = field(default_factory=list)

    async def run(self, kills: int) -> None:
        """Kill ``kills`` times; every victim has its turn before one comes twice, in an order of the seed's."""
        dice = random.Random(self.seed)
        bag: list[str] = []
        watches: list[asyncio.Task[None]] = []
        while len(self.kills) < kills:
            await asyncio.sleep(dice.uniform(*self.pause_seconds))
            bag = bag or dice.sample(list(self.victims), len(self.victims))
            victim = bag.pop()
            pid = await self._alive_pid(victim, dice)
            kill = Kill(victim, time.monotonic())
            os.kill(pid, signal.SIGKILL)
            if victim == OUTAGE:
                await asyncio.sleep(OUTAGE_SECONDS)
                pid = await self._alive_pid("door", dice)
                os.kill(pid, signal.SIGKILL)
            self.kills.append(kill)
            watches.append(asyncio.create_task(self._watch(kill, pid)))
            if not self.overlap:
                await watches[-1]
        await asyncio.gather(*watches)

    async def kill_supervisor(self) -> None:
        """Kill `ioc up` itself, then start it anew on the same folder, as an init would."""
        pid = self.instance.supervisor_pid
        assert pid is not None, "the supervisor runs"
        kill = Kill("supervisor", time.monotonic())
        self.kills.append(kill)
        os.kill(pid, signal.SIGKILL)
        await self.instance.ended()
        await self.instance.launch()
        await self._watch(kill, pid)

    async def _alive_pid(self, victim: str, dice: random.Random) -> int:
        """Return the victim's process, waiting until it has one: what is down already cannot be killed."""
        while True:
            pid = self._pid(victim, dice)
            if pid is not None:
                return pid
            await asyncio.sleep(POLL_SECONDS)

    def _pid(self, victim: str, dice: random.Random) -> int | None:
        if victim in ("postmaster", OUTAGE):
            return self.instance.postmaster_pid()
        if victim == "backend":
            backends = self.instance.backends()
            return dice.choice(backends) if backends else None
        return self.instance.role_pid(victim)

    async def _watch(self, kill: Kill, pid: int) -> None:
        """Time the way back: another process in the victim's place, and an instance that says it is ready."""
        while time.monotonic() - kill.at < RECOVERY_SECONDS_MAX:
            await asyncio.sleep(POLL_SECONDS)
            if self._replaced(kill.victim, pid) and await self.instance.is_ready():
                kill.recovery_seconds = round(time.monotonic() - kill.at, 2)
                return

    def _replaced(self, victim: str, pid: int) -> bool:
        if victim in ("backend", "supervisor"):
            return True  # these are started again by PostgreSQL or by an init; /readyz tells when they serve
        role = "door" if victim == OUTAGE else victim
        now = self.instance.postmaster_pid() if role == "postmaster" else self.instance.role_pid(role)
        return now is not None and now != pid

    def facts(self) -> dict[str, object]:
        """Return the faults and the recovery times for a report."""
        times = [kill.recovery_seconds for kill in self.kills if kill.recovery_seconds is not None]
        return {
            "faults": len(self.kills),
            "faults_by_victim": dict(sorted(Counter(kill.victim for kill in self.kills).items())),
            "recovered_faults": len(times),
            "recovery_seconds_p50": round(statistics.median(times), 2) if times else None,
            "recovery_seconds_max": max(times, default=None),
            "recovery_seconds_p50_by_victim": {
                victim: round(statistics.median(by_victim), 2) for victim, by_victim in sorted(self._times().items())
            },
            "recovery_seconds_max_by_victim": {
                victim: max(by_victim) for victim, by_victim in sorted(self._times().items())
            },
        }

    def _times(self) -> dict[str, list[float]]:
        found: dict[str, list[float]] = defaultdict(list)
        for kill in self.kills:
            if kill.recovery_seconds is not None:
                found[kill.victim].append(kill.recovery_seconds)
        return found


async def stop(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
