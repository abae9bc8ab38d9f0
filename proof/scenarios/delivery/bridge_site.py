"""The site that the proof of the bridge runs on: instance, broker, the bridge as a process, its devices, a witness."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import asyncpg

from ioc.runtime.supervisor import read_ready
from mqtt_client.packets import Station
from proof.clients.bulk import publish_all
from proof.clients.mqtt_device import MQTTDevice
from proof.harness.broker import Mosquitto
from proof.harness.handover import Witness
from proof.harness.instance import REPOSITORY, Instance, InstanceError, clean_environment
from proof.harness.nemesis import stop
from proof.harness.readings import SentReading, reading
from proof.harness.recorder import Recorder

CONNECT_SECONDS = 60.0
DRAIN_SECONDS = 90.0
QUIET_SECONDS = 1.2
POLL_SECONDS = 0.05
STATIONS = 3
PERIOD = 100


@dataclass(frozen=True, slots=True)
class BridgeSize:
    """How much of it."""

    bridge_kills: int = 2
    backend_kills: int = 1
    postmaster_kills: int = 1
    kept_restarts: int = 2
    lost_restarts: int = 1
    stale_windows: int = 1
    queue: int = 20_000
    burst: int = 1_998
    """Readings in flight when a connection is cut below a commit, and readings after it: two batches each, so that the
    first acknowledgement of the ones comes long before the commit of the others. The bridge's window is 2,000."""
    per_second: float = 150.0


@dataclass(slots=True)
class BridgeProcess:
    """The role under test, run alone so that the proof kills and starts it; a mutant where one is named."""

    instance: Instance
    port: int
    mutant: str | None = None
    starts: int = 0
    _process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process that runs."""
        assert self._process is not None, "it was started"
        return self._process.pid

    async def start(self) -> None:
        """Start it and wait until it is subscribed.

        Raises:
            InstanceError: it does not come to it.
        """
        program = ["-m", "ioc"] if self.mutant is None else ["-m", "proof.mutants", self.mutant]
        with (self.instance.data / "bridge.log").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *program, "bridge", "--data", str(self.instance.data), cwd=REPOSITORY,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                env={**clean_environment(), "IOC_PACK": str(self.instance.data / "pack"), "IOC_LOG_LEVEL": "warning",
                     "IOC_MQTT_BRIDGE_URL": f"mqtt://127.0.0.1:{self.port}", "IOC_MQTT_BRIDGE_CLIENT_ID": "proof",
                     "IOC_COMMIT_TIMEOUT_SECONDS": "60"},
            )  # fmt: skip
        self.starts += 1
        await self.wait_subscribed()

    async def wait_subscribed(self) -> None:
        """Wait until the process says that it is subscribed.

        Raises:
            InstanceError: it does not say so in time.
        """
        deadline = time.monotonic() + CONNECT_SECONDS
        path = self.instance.data / "run" / "bridge.json"
        while (state := read_ready(path)).get("pid") != self.pid or not state.get("connected"):
            if time.monotonic() > deadline:
                said = (self.instance.data / "bridge.log").read_text(encoding="utf-8", errors="replace")
                raise InstanceError(f"the bridge does not subscribe: {state}\n{said[-3_000:]}")
            if self._process is not None and self._process.returncode is not None:
                await self.start()  # as its supervisor would: a lost database may end a role at its start
                return
            await asyncio.sleep(POLL_SECONDS)

    async def wait_away(self) -> None:
        """Wait until it says that its connection is gone.

        Raises:
            InstanceError: it does not say so in time.
        """
        path = self.instance.data / "run" / "bridge.json"
        await until(lambda: not read_ready(path).get("connected"), "the bridge notices that its broker is away")

    async def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()


@dataclass(slots=True)
class BridgeSite:
    """Everything of one run. Each profile has devices of its own, so that each is judged by itself."""

    instance: Instance
    broker: Mosquitto
    witness: Witness
    bridge: BridgeProcess
    devices: Recorder
    handover: Recorder
    size: BridgeSize
    seed: int
    faults: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def names(self, profile: str) -> list[str]:
        """Return the devices of a profile."""
        return [f"{profile}-{number}" for number in range(STATIONS)]

    def fault(self, kind: str) -> None:
        """Count one."""
        self.faults[kind] = self.faults.get(kind, 0) + 1

    @contextlib.asynccontextmanager
    async def publishing(self, profile: str) -> AsyncIterator[list[MQTTDevice]]:
        """Let a profile's devices measure inside the block; afterwards wait until the broker has all of it."""
        stations = [
            MQTTDevice(
                Station(name, "no key", self.broker.port), make=partial(reading, period_readings=PERIOD),
                per_second=self.size.per_second / STATIONS, recorder=self.devices, seed=self.seed,
            )
            for name in self.names(profile)
        ]  # fmt: skip
        tasks = [asyncio.create_task(station.run()) for station in stations]
        try:
            yield stations
            for station in stations:
                station.stop_measuring()
            await until(lambda: not any(station.waiting for station in stations), "the broker has all of it")
        finally:
            for task in tasks:
                await stop(task)

    async def burst(self, profile: str, *, first: int, count: int, qos: int = 1) -> None:
        """Publish many readings of a profile at once, until the broker has them."""
        share = count // STATIONS
        await asyncio.gather(
            *(publish_all(Station(name, "no key", self.broker.port), readings_from(first, share), self.devices, qos=qos)
              for name in self.names(profile))
        )  # fmt: skip

    async def drained(self) -> None:
        """Wait until the broker has handed everything over and the bridge has taken it."""
        if not await self.witness.quiet(QUIET_SECONDS, timeout_seconds=DRAIN_SECONDS):
            self.problems.append(f"not drained: {self.witness.outstanding} outstanding")

    @contextlib.asynccontextmanager
    async def holding_commits(self) -> AsyncIterator[asyncpg.Connection]:
        """Hold the lock that every append needs, inside the block or until the lent connection's transaction ends."""
        async with self.instance.database() as connection:
            await connection.execute("BEGIN")
            await connection.execute("SELECT position FROM log_head WHERE id = 1 FOR UPDATE")
            yield connection
            await connection.execute("ROLLBACK")

    async def stored(self, profile: str, *, first: int) -> bool:
        """Tell whether the log has a reading of a profile from a number on."""
        async with self.instance.database() as connection:
            found = await connection.fetchval(
                "SELECT count(*) FROM event WHERE device = ANY($1) AND id::bigint >= $2",
                self.names(profile),
                first,
            )
        return bool(found)

    async def bridge_waits(self) -> bool:
        """Tell whether an append of the bridge waits for that lock."""
        async with self.instance.database() as connection:
            return bool(
                await connection.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ioc-bridge' "
                    "AND wait_event_type = 'Lock'"
                )
            )


def readings_from(first: int, count: int) -> Sequence[SentReading]:
    """Return so many readings, numbered from ``first`` on."""
    return [reading(first + number, period_readings=PERIOD) for number in range(count)]


async def until(ask: Callable[[], bool], what: str) -> None:
    """Wait until something holds.

    Raises:
        InstanceError: it does not in time.
    """
    deadline = time.monotonic() + CONNECT_SECONDS
    while not ask():
        if time.monotonic() > deadline:
            raise InstanceError(f"not in time: {what}")
        await asyncio.sleep(POLL_SECONDS)
