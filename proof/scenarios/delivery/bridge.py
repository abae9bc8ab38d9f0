"""Promise P2 behind a site's broker: what the broker handed over and the bridge took off it is in the log, once.

Devices publish at QoS 1 to a real mosquitto; the bridge reads it through a witness (proof/harness/handover.py) while
it, PostgreSQL and the broker are killed and restarted. What the broker forgets with its sessions is no promise
of ours and is reported apart. Three broken bridges must lose in the same run: proof/mutants/bridge.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ioc.domain.event import Event
from proof.checkers.events import judge_events
from proof.checkers.stored_tables import read_events
from proof.harness.broker import broker_version, mosquitto
from proof.harness.handover import witnessed
from proof.harness.instance import add_device, running
from proof.harness.recorder import OperationHistory, Recorder
from proof.harness.report import Profile, Report, bound_95
from proof.scenarios.delivery.bridge_site import (
    CONNECT_SECONDS,
    POLL_SECONDS,
    QUIET_SECONDS,
    BridgeProcess,
    BridgeSite,
    BridgeSize,
    until,
)

PROMISE = "what a broker handed over and the bridge acknowledged to it is in the log exactly once"
STALE_SECONDS = 3.0
"""How long an acknowledgement has after its commit, on the way to the broker."""

SIZES = {
    Profile.QUICK: BridgeSize(),
    Profile.FULL: BridgeSize(bridge_kills=30, backend_kills=10, postmaster_kills=10, kept_restarts=20, lost_restarts=20,
                       stale_windows=10, queue=20_000),
}  # fmt: skip


async def kills(site: BridgeSite) -> None:
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


async def broker_kept(site: BridgeSite) -> None:
    """Restart the broker politely: its sessions and queues outlive it."""
    await _restarts(site, "kept", site.size.kept_restarts, keep_sessions=True)


async def broker_lost(site: BridgeSite) -> None:
    """Kill the broker and its sessions with it."""
    await _restarts(site, "forgot", site.size.lost_restarts, keep_sessions=False)


async def _restarts(site: BridgeSite, profile: str, count: int, *, keep_sessions: bool) -> None:
    async with site.publishing(profile):
        for _ in range(count):
            await asyncio.sleep(0.7)
            await site.broker.restart(keep_sessions=keep_sessions)
            site.fault(f"broker, sessions {'kept' if keep_sessions else 'lost'}")
            await asyncio.sleep(0.5)
            await site.bridge.wait_subscribed()
    await site.drained()


async def queue(site: BridgeSite) -> None:
    """Publish while no bridge runs; the broker queues, then the bridge comes back and is killed once on its way."""
    await site.bridge.kill()
    site.fault("bridge")
    await site.burst("queued", first=0, count=site.size.queue)
    await site.bridge.start()
    before = site.witness.taken
    await until(lambda: site.witness.taken - before > site.size.queue // 4, "a quarter of the queue")
    await site.bridge.kill()
    site.fault("bridge")
    await site.bridge.start()
    await site.drained()


async def _forget(site: BridgeSite) -> None:
    """Restart the broker without its sessions and wait until the bridge has subscribed anew."""
    await site.broker.restart(keep_sessions=False)
    site.fault("broker, sessions lost")
    await site.bridge.wait_away()
    await site.bridge.wait_subscribed()


async def stale_window(site: BridgeSite, profile: str, *, first: int) -> None:
    """Lose the session below a commit, let that commit alone through, and kill the bridge before the next.

    A bridge that acknowledges by packet id alone takes messages off the broker there that it has not committed. The
    broker forgets its sessions once beforehand: packet ids begin at 1 then, so that those of the two bursts are the
    same, and an acknowledgement of the first one has something to hit.
    """
    await _forget(site)
    async with site.holding_commits() as before:
        await site.burst(profile, first=first, count=site.size.burst)
        await until(lambda: site.witness.outstanding >= site.size.burst, "handed over below a commit")
        while not await site.bridge_waits():  # noqa: ASYNC110 - what it waits for is in PostgreSQL
            await asyncio.sleep(POLL_SECONDS)
        # Whoever asks for the lock next gets it after the bridge's first commit, and keeps the second waiting.
        next_holder = site.holding_commits()
        asking = asyncio.create_task(next_holder.__aenter__())
        await _forget(site)
        await site.burst(profile, first=first + site.size.burst, count=site.size.burst)
        await until(lambda: site.witness.outstanding >= site.size.burst, "handed over again")
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


async def stale(site: BridgeSite) -> None:
    """Several stale windows, one after another."""
    for number in range(site.size.stale_windows):
        await stale_window(site, "stale", first=number * 2 * site.size.burst)


async def control_auto_ack(site: BridgeSite) -> None:
    """Handlers fail at times and paho acknowledges for them."""
    await site.burst("autoack", first=0, count=site.size.burst)
    await site.drained()


async def control_no_epoch(site: BridgeSite) -> None:
    """The stale window with a bridge that does not know its epochs."""
    await stale_window(site, "noepoch", first=0)


async def control_qos_2(site: BridgeSite) -> None:
    """Devices publish at QoS 2, the bridge takes it at QoS 2 before it can commit, and is killed."""
    async with site.holding_commits():
        await site.burst("qos2", first=0, count=site.size.burst, qos=2)
        await until(lambda: site.witness.quiet_for(QUIET_SECONDS), "taken over")
        await site.bridge.kill()
    await site.bridge.start()
    await site.drained()


PROFILES: dict[str, Callable[[BridgeSite], Awaitable[None]]] = {
    "kills": kills,
    "kept": broker_kept,
    "forgot": broker_lost,
    "queued": queue,
    "stale": stale,
}
CONTROLS: dict[str, tuple[str, Callable[[BridgeSite], Awaitable[None]]]] = {
    "autoack": ("bridge_auto_ack", control_auto_ack),
    "noepoch": ("bridge_no_epoch", control_no_epoch),
    "qos2": ("bridge_qos_2", control_qos_2),
}
FORGETFUL = frozenset({"forgot", "stale", "noepoch"})
"""Profiles in which the broker loses sessions: what it alone had then is its own loss."""


def _of(history: OperationHistory, names: Sequence[str]) -> OperationHistory:
    """Return the part of a history that some devices made."""
    wanted = frozenset(names)
    return OperationHistory(
        sent={who: values for who, values in history.sent.items() if who[0] in wanted},
        acknowledged={who for who in history.acknowledged if who[0] in wanted},
    )


async def judge(site: BridgeSite, profiles: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Compare the log with what the devices and the witness saw, for each profile by itself."""
    names = {profile: site.names(profile) for profile in profiles}
    events = await read_events(site.instance.data, [name for each in names.values() for name in each])
    sent, handed = site.devices.history(), site.handover.history()
    return {
        profile: figures_of(_of(sent, each), _of(handed, each), [event for event in events if event.device in each])
        for profile, each in names.items()
    }


def figures_of(sent: OperationHistory, handed: OperationHistory, events: Sequence[Event]) -> dict[str, Any]:
    """Return the figures of one profile: from what devices published, what was handed over, and what the log has."""
    verdict = judge_events(OperationHistory(sent=sent.sent, acknowledged=handed.acknowledged), events)
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


async def prove(*, seed: int, size: BridgeSize) -> Report:
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
        site = BridgeSite(instance, broker, witness, bridge, Recorder(folder / "devices.jsonl"), handover, size, seed)
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
