"""A role that stands still is told within seconds, makes the instance unready, and is started again by itself."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import httpx2

from ioc.store.embedded.process import exists
from tests.acceptance.instance import Instance, Stream, wait_until

MISSED_SECONDS = (2.0, 4.2)
"""Three seconds after its last beat, which was up to one second ago; the watcher looks twice a second."""
STALE_SECONDS = (3.5, 6.2)
KILLED_SECONDS = (13.5, 18.0)
BACK_SECONDS_MAX = 30.0
"""From the kill on: a start takes as long as the machine needs for it."""
WORKERS = ("rules", "rollup", "door", "keeper")


def readiness(client: httpx2.Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def between(bounds: tuple[float, float], seconds: float) -> bool:
    return bounds[0] <= seconds <= bounds[1]


def test_frozen_roles_are_missed_then_stale_then_started_again(instance: Instance, operator: httpx2.Client) -> None:
    """All at once: each is told by its own name, one that stands still hides no other, and who tells it comes back."""
    pids = {role: int(instance.fact(role, "pid")) for role in (*WORKERS, "api")}
    wait_until(lambda: readiness(operator)[0] == 200, what="ready before")
    seen: dict[str, dict[str, float]] = {"missed": {}, "stale": {}, "killed": {}}
    with Stream(operator) as stream:
        began = time.monotonic()
        for role in WORKERS:
            os.kill(pids[role], signal.SIGSTOP)
        while time.monotonic() - began < STALE_SECONDS[1] + 1.5 and len(seen["stale"]) < len(WORKERS):
            status, told = readiness(operator)
            passed = time.monotonic() - began
            for role in WORKERS:
                if role in told["trouble"]:
                    assert told["trouble"][role].startswith("no sign since "), told
                    seen["missed"].setdefault(role, passed)
                if told["checks"].get(role) == "failing":
                    assert status == 503
                    seen["stale"].setdefault(role, passed)
            time.sleep(0.1)
        wait_until(lambda: set(stream.of("clock")[-1].data["stale"]) >= set(WORKERS), what="the word on the stream")
    os.kill(pids["api"], signal.SIGSTOP)  # nobody can ask it whether it is ready: only the supervisor sees this
    api_began = time.monotonic()
    while time.monotonic() - api_began < KILLED_SECONDS[1] and len(seen["killed"]) < len(pids):
        for role, before in pids.items():
            if not exists(before):
                passed = time.monotonic() - (api_began if role == "api" else began)
                seen["killed"].setdefault(role, passed)
        time.sleep(0.1)
    for what, bounds in (("missed", MISSED_SECONDS), ("stale", STALE_SECONDS), ("killed", KILLED_SECONDS)):
        roles = WORKERS if what != "killed" else pids
        late = {role: seen[what].get(role) for role in roles if not between(bounds, seen[what].get(role, 99.0))}
        assert not late, f"{what} not within {bounds}: {late}"
    wait_until(lambda: _ready(instance), seconds=BACK_SECONDS_MAX, what="well again")
    # Five processes start at once: on a busy machine the database may be late for a moment, and is told as such.
    wait_until(lambda: _troubles(operator).isdisjoint(WORKERS), seconds=BACK_SECONDS_MAX, what="no role is missed")


def test_a_role_that_stands_still_for_a_moment_is_not_started_again(
    instance: Instance, operator: httpx2.Client
) -> None:
    """What is back before fifteen seconds goes on where it was."""
    role = "rules"
    before = _pid(instance, role)
    assert before is not None
    os.kill(before, signal.SIGSTOP)
    try:
        wait_until(lambda: role in readiness(operator)[1]["trouble"], seconds=MISSED_SECONDS[1], what="missed")
    finally:
        os.kill(before, signal.SIGCONT)
    wait_until(lambda: role not in readiness(operator)[1]["trouble"], seconds=3, what="back")
    assert _pid(instance, role) == before


def _troubles(client: httpx2.Client) -> set[str]:
    """What screens are told; everything while they cannot ask."""
    answer = client.get("/api/v1/status")
    return set(answer.json()["trouble"]) if answer.status_code == 200 else set(WORKERS)


def _ready(instance: Instance) -> bool:
    with instance.client() as client:
        try:
            return readiness(client)[0] == 200
        except httpx2.TransportError:
            return False


def _pid(instance: Instance, role: str) -> int | None:
    try:
        return int(instance.fact(role, "pid"))
    except (OSError, ValueError):
        return None
