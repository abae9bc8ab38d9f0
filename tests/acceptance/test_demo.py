"""`ioc up --demo`: a first visitor sees the city come alive, Ctrl-C ends it all, and the next start remembers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.acceptance.instance import ROLES, Instance, items, new_data_folder, wait_until

ALIVE_SECONDS = 30
STOP_SECONDS = 20
AGAIN_SECONDS = 15


@pytest.fixture(scope="module")
def demo() -> Iterator[Instance]:
    """A demo on an empty folder."""
    started = Instance(new_data_folder(), demo=True)
    try:
        started.start()
        yield started
    finally:
        if started.processes():
            started.stop()
        shutil.rmtree(started.data, ignore_errors=True)


def crowd() -> float:
    """Return how many processes want each processor: the promised seconds are those of a machine of one's own."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def online(client: httpx2.Client) -> list[str]:
    """Return the ids of devices that speak."""
    return [item["id"] for item in items(client, "/api/v1/devices", status="online", limit=500)]


def test_a_first_visitor_sees_the_screen_come_alive(demo: Instance) -> None:
    """Within 30 s of the ready line: the printed password works, fifty devices are online, an alert is there."""
    began = time.monotonic()
    assert demo.username == "operator"
    with demo.signed_in(demo.username, demo.password) as client:
        assert client.get("/api/v1/status").json()["demo"] is True
        wait_until(lambda: len(online(client)) > 50, seconds=ALIVE_SECONDS, what="fifty devices")
        left = ALIVE_SECONDS - (time.monotonic() - began)
        wait_until(lambda: items(client, "/api/v1/alerts"), seconds=max(left, 0.1), what="the first alert")
    assert "Traceback" not in demo.output()


def test_the_keys_of_the_demo_are_for_its_own_user_only(demo: Instance) -> None:
    """The simulators' file of keys is readable by nobody else."""
    file = demo.data / "devices.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(json.loads(file.read_text())["devices"]) > 50


def test_ctrl_c_stops_everything_and_the_next_start_remembers(demo: Instance) -> None:
    """20 s to stop, exit code 0, nothing left; ready again in 15 s with the alerts of before and a new password."""
    with demo.signed_in(demo.username, demo.password) as client:
        before = {alert["id"]: alert["opened_at"] for alert in items(client, "/api/v1/alerts", limit=500)}
    assert before
    assert {name.split()[1] for name in demo.processes() if name.startswith("ioc")} == {"up", *ROLES}
    assert any(name.startswith("simulators") for name in demo.processes())

    began = time.monotonic()
    code = demo.stop(signal.SIGINT)
    took = time.monotonic() - began
    assert code == 0, demo.output()
    assert took < STOP_SECONDS, f"{took:.1f} s\n{demo.output()}"
    assert demo.processes() == {}
    assert demo.sockets() == [], demo.output()
    assert "Traceback" not in demo.output()

    old_password = demo.password
    demo.start()
    assert demo.ready_seconds < AGAIN_SECONDS * crowd(), demo.output()
    with demo.signed_in(demo.username, demo.password) as client:
        after = {alert["id"]: alert["opened_at"] for alert in items(client, "/api/v1/alerts", limit=500)}
    assert before.items() <= after.items()
    assert demo.password != old_password
    with demo.client() as client:
        refused = client.post("/api/v1/session", json={"username": demo.username, "password": old_password})
        assert refused.status_code == 401
