"""Promise P2 behind a site's broker: what the broker handed over and the bridge took off it is in the log, once.

Devices publish at QoS 1 to a real mosquitto; the bridge reads it through a witness (proof/handover.py) while it,
PostgreSQL and the broker are killed and restarted. What the broker forgets with its sessions is no promise
of ours and is reported apart. Three broken bridges must lose in the same run: proof/mutants/bridge.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg

from ioc.domain.event import Event
from ioc.supervisor import read_ready
from proof.aftermath import read_events
from proof.broker import Mosquitto, broker_version, mosquitto
from proof.bulk import publish_all
from proof.checkers import judge_events
from proof.handover import Witness, witnessed
from proof.instance import REPOSITORY, Instance, InstanceError, add_device, clean_environment, running
from proof.mqtt_device import MQTTDevice, Station
from proof.nemesis import stop
from proof.proofs import Profile
from proof.readings import Reading, reading
from proof.recorder import History, Recorder
from proof.report import Report, bound_95

PROMISE = "what a broker handed over and the bridge acknowledged to it is in the log exactly once"
CONNECT_SECONDS = 60.0
DRAIN_SECONDS = 90.0
QUIET_SECONDS = 1.2
POLL_SECONDS = 0.05
STALE_SECONDS = 3.0
"""How long an acknowledgement has after its commit, on the way to the broker."""
STATIONS = 3
PERIOD = 100


@dataclass(frozen=True, slots=True)
class Size:
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


SIZES = {
    Profile.QUICK: Size(),
    Profile.FULL: Size(bridge_kills=30, backend_kills=10, postmaster_kills=10, kept_restarts=20, lost_restarts=20,
                       stale_windows=10, queue=20_000),
}  # fmt: skip


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
        while (told := read_ready(path)).get("pid") != self.pid or not told.get("connected"):
            if time.monotonic() > deadline:
                said = (self.instance.data / "bridge.log").read_text(encoding="utf-8", errors="replace")
                raise InstanceError(f"the bridge does not subscribe: {told}\n{said[-3_000:]}")
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
        await _until(lambda: not read_ready(path).get("connected"), "the bridge notices that its broker is away")

    async def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()


@dataclass(slots=True)
class Site:
    """Everything of one run. Each profile has devices of its own, so that each is judged by itself."""

    instance: Instance
    broker: Mosquitto
    witness: Witness
    bridge: BridgeProcess
    devices: Recorder
    handover: Recorder
    size: Size
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
            await _until(lambda: not any(station.waiting for station in stations), "the broker has all of it")
        finally:
            for task in tasks:
                await stop(task)

    async def burst(self, profile: str, *, first: int, count: int, qos: int = 1) -> None:
        """Publish many readings of a profile at once, until the broker has them."""
        share = count // STATIONS
        await asyncio.gather(
            *(publish_all(Station(name, "no key", self.broker.port), _readings(first, share), self.devices, qos=qos)
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


def _readings(first: int, count: int) -> Sequence[Reading]:
    return [reading(first + number, period_readings=PERIOD) for number in range(count)]


async def kills(site: Site) -> None:
    """Kill -9 of the bridge, of a backend of PostgreSQL and of its postmaster, while devices publish."""
    async with site.publishing("kills"):
        for _ in range(site.size.bridge_kills):
            await asyncio.sleep(0.7)
            await site.bridge.kill()
            site.fault("bridge")
            await site.bridge.start()
        for _ in range(site.size.backend_kills):
            await asyncio.sleep(0.5)
            backends = site.instance.backends()
            if backends:
                os.kill(backends[-1], signal.SIGKILL)
                site.fault("backend")
        for _ in range(site.size.postmaster_kills):
            await asyncio.sleep(1.5)
            pid = site.instance.postmaster_pid()
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                site.fault("postmaster")
            await site.instance.wait_until_back(CONNECT_SECONDS)
            await site.bridge.wait_subscribed()
    await site.drained()


async def broker_kept(site: Site) -> None:
    """Restart the broker politely: its sessions and queues outlive it."""
    await _restarts(site, "kept", site.size.kept_restarts, keep_sessions=True)


async def broker_lost(site: Site) -> None:
    """Kill the broker and its sessions with it."""
    await _restarts(site, "forgot", site.size.lost_restarts, keep_sessions=False)


async def _restarts(site: Site, profile: str, count: int, *, keep_sessions: bool) -> None:
    async with site.publishing(profile):
        for _ in range(count):
            await asyncio.sleep(0.7)
            await site.broker.restart(keep_sessions=keep_sessions)
            site.fault(f"broker, sessions {'kept' if keep_sessions else 'lost'}")
            await asyncio.sleep(0.5)
            await site.bridge.wait_subscribed()
    await site.drained()


async def queue(site: Site) -> None:
    """Publish while no bridge runs; the broker queues, then the bridge comes back and is killed once on its way."""
    await site.bridge.kill()
    site.fault("bridge")
    await site.burst("queued", first=0, count=site.size.queue)
    await site.bridge.start()
    before = site.witness.taken
    await _until(lambda: site.witness.taken - before > site.size.queue // 4, "a quarter of the queue")
    await site.bridge.kill()
    site.fault("bridge")
    await site.bridge.start()
    await site.drained()


async def _forget(site: Site) -> None:
    """Restart the broker without its sessions and wait until the bridge has subscribed anew."""
    await site.broker.restart(keep_sessions=False)
    site.fault("broker, sessions lost")
    await site.bridge.wait_away()
    await site.bridge.wait_subscribed()


async def stale_window(site: Site, profile: str, *, first: int) -> None:
    """Lose the session below a commit, let that commit alone through, and kill the bridge before the next.

    A bridge that acknowledges by packet id alone takes messages off the broker there that it has not committed. The
    broker forgets its sessions once beforehand: packet ids begin at 1 then, so that those of the two bursts are the
    same, and an acknowledgement of the first one has something to hit.
    """
    await _forget(site)
    async with site.holding_commits() as before:
        await site.burst(profile, first=first, count=site.size.burst)
        await _until(lambda: site.witness.outstanding >= site.size.burst, "handed over below a commit")
        while not await site.bridge_waits():  # noqa: ASYNC110 - what it waits for is in PostgreSQL
            await asyncio.sleep(POLL_SECONDS)
        # Whoever asks for the lock next gets it after the bridge's first commit, and keeps the second waiting.
        next_holder = site.holding_commits()
        asking = asyncio.create_task(next_holder.__aenter__())
        await _forget(site)
        await site.burst(profile, first=first + site.size.burst, count=site.size.burst)
        await _until(lambda: site.witness.outstanding >= site.size.burst, "handed over again")
        await before.execute("ROLLBACK")
        await asking
        if not await site.stored(profile, first=first):
            site.problems.append(f"{profile}: the lock went past the bridge's first commit, which proves nothing")
        await asyncio.sleep(STALE_SECONDS)
        await site.bridge.kill()
        site.fault("bridge")
        await next_holder.__aexit__(None, None, None)
    await site.bridge.start()
    await site.drained()


async def _until(ask: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + CONNECT_SECONDS
    while not ask():
        if time.monotonic() > deadline:
            raise InstanceError(f"not in time: {what}")
        await asyncio.sleep(POLL_SECONDS)


async def stale(site: Site) -> None:
    """Several stale windows, one after another."""
    for number in range(site.size.stale_windows):
        await stale_window(site, "stale", first=number * 2 * site.size.burst)


async def control_auto_ack(site: Site) -> None:
    """Handlers fail at times and paho acknowledges for them."""
    await site.burst("autoack", first=0, count=site.size.burst)
    await site.drained()


async def control_no_epoch(site: Site) -> None:
    """The stale window with a bridge that does not know its epochs."""
    await stale_window(site, "noepoch", first=0)


async def control_qos_2(site: Site) -> None:
    """Devices publish at QoS 2, the bridge takes it at QoS 2 before it can commit, and is killed."""
    async with site.holding_commits():
        await site.burst("qos2", first=0, count=site.size.burst, qos=2)
        await _until(lambda: site.witness.quiet_for(QUIET_SECONDS), "taken over")
        await site.bridge.kill()
    await site.bridge.start()
    await site.drained()


PROFILES: dict[str, Callable[[Site], Awaitable[None]]] = {
    "kills": kills,
    "kept": broker_kept,
    "forgot": broker_lost,
    "queued": queue,
    "stale": stale,
}
CONTROLS: dict[str, tuple[str, Callable[[Site], Awaitable[None]]]] = {
    "autoack": ("bridge_auto_ack", control_auto_ack),
    "noepoch": ("bridge_no_epoch", control_no_epoch),
    "qos2": ("bridge_qos_2", control_qos_2),
}
FORGETFUL = frozenset({"forgot", "stale", "noepoch"})
"""Profiles in which the broker loses sessions: what it alone had then is its own loss."""


def _of(history: History, names: Sequence[str]) -> History:
    """Return the part of a history that some devices made."""
    wanted = frozenset(names)
    return History(
        sent={who: values for who, values in history.sent.items() if who[0] in wanted},
        acknowledged={who for who in history.acknowledged if who[0] in wanted},
    )


async def judge(site: Site, profiles: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Compare the log with what the devices and the witness saw, for each profile by itself."""
    names = {profile: site.names(profile) for profile in profiles}
    events = await read_events(site.instance.data, [name for each in names.values() for name in each])
    sent, handed = site.devices.history(), site.handover.history()
    return {
        profile: figures_of(_of(sent, each), _of(handed, each), [event for event in events if event.device in each])
        for profile, each in names.items()
    }


def figures_of(sent: History, handed: History, events: Sequence[Event]) -> dict[str, Any]:
    """Return the figures of one profile: from what devices published, what was handed over, and what the log has."""
    verdict = judge_events(History(sent=sent.sent, acknowledged=handed.acknowledged), events)
    stored = {(event.device, event.id or "") for event in events}
    return {
        "published": len(sent.sent), "acknowledged_by_broker": len(sent.acknowledged), "handed_over": len(handed.sent),
        "taken_by_bridge": len(handed.acknowledged), "stored": verdict.stored, "lost": verdict.lost,
        "stored_twice": verdict.stored_twice, "unexpected": verdict.unexpected, "altered": verdict.altered,
        "lost_by_broker": len(sent.acknowledged - handed.sent.keys() - stored),
        "handed_over_and_not_stored": len(handed.sent.keys() - stored),
    }  # fmt: skip


def problems_of(profile: str, figures: dict[str, Any]) -> list[str]:
    """Return what a profile's figures say against the promise."""
    wrong = [
        f"{profile}: {name} {figures[name]}"
        for name in ("lost", "stored_twice", "unexpected", "altered")
        if figures[name]
    ]
    if profile not in FORGETFUL:
        # The broker keeps what is not acknowledged: everything that it acknowledged to a device must be here now.
        wrong += [
            f"{profile}: {name} {figures[name]}"
            for name in ("lost_by_broker", "handed_over_and_not_stored")
            if figures[name]
        ]
    return wrong


async def _timed(what: str, work: Awaitable[None]) -> None:
    began = time.monotonic()
    await work
    print(f"bridge: {what} in {time.monotonic() - began:.0f} s", flush=True)


async def prove(*, seed: int, size: Size) -> Report:
    """Run every profile with the honest bridge, then each control with its mutant."""
    report = Report("bridge", seed, PROMISE)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="ioc-proof-witness-")))
        broker = await stack.enter_async_context(mosquitto())
        instance = await stack.enter_async_context(running())
        handover = Recorder(folder / "handover.jsonl")
        witness = await stack.enter_async_context(witnessed(broker.port, handover))
        bridge = BridgeProcess(instance, witness.port)
        stack.push_async_callback(bridge.kill)
        site = Site(instance, broker, witness, bridge, Recorder(folder / "devices.jsonl"), handover, size, seed)
        async with instance.admin() as admin:
            for profile in (*PROFILES, *CONTROLS):
                for name in site.names(profile):
                    await add_device(admin, name)
        await bridge.start()
        for profile, attack in PROFILES.items():
            await _timed(profile, attack(site))
        profiles = await judge(site, PROFILES)
        for profile, figures in profiles.items():
            site.problems += problems_of(profile, figures)
        faults, connections = dict(site.faults), witness.connections
        for profile, (mutant, attack) in CONTROLS.items():
            await bridge.kill()
            bridge.mutant = mutant
            await bridge.start()
            await _timed(f"control {profile}", attack(site))
        controls = await judge(site, CONTROLS)
    report.facts = {
        "mosquitto": broker_version(), "faults": sum(faults.values()), "faults_by_kind": faults,
        "operations": sum(item["published"] for item in profiles.values()), "connections": connections,
        "taken_by_bridge": sum(item["taken_by_bridge"] for item in profiles.values()),
        "lost": sum(item["lost"] for item in profiles.values()),
        "stored_twice": sum(item["stored_twice"] for item in profiles.values()),
        "loss_per_fault_bound_95": bound_95(sum(faults.values())), "profiles": profiles, "problems": site.problems,
    }  # fmt: skip
    report.control = {profile: {"mutant": CONTROLS[profile][0], **figures} for profile, figures in controls.items()}
    report.judge(
        held=not site.problems,
        evidence=all(item["taken_by_bridge"] > 0 for item in profiles.values()),
        control_failed=all(item["lost"] > 0 for item in controls.values()),
    )
    return report
