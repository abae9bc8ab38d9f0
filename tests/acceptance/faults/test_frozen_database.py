"""PostgreSQL stands still for some seconds: nothing is acknowledged, nobody hangs, and all goes on by itself."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import httpx2

from ioc.store.embedded.process import workers_of
from tests.acceptance.instance import ROLES, Instance, Stream, items, wait_until

FREEZE_SECONDS = 6.0
READY_SECONDS_MAX = 5.0
BACK_SECONDS_MAX = 10.0


@contextlib.contextmanager
def frozen(instance: Instance) -> Iterator[None]:
    """Stop every process of the instance's PostgreSQL, the postmaster first."""
    cluster = (instance.data / "postgres" / "cluster").resolve()
    postmaster = int((cluster / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGSTOP)
    stopped = [postmaster, *(pid for pid in workers_of(cluster) if pid != postmaster)]
    for pid in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def ready(client: httpx2.Client) -> httpx2.Response:
    return client.get("/readyz")


def test_a_frozen_database_stops_acknowledgements_and_nothing_else(instance: Instance, operator: httpx2.Client) -> None:
    device = instance.device("trouble-01", "rainfall", "04795")
    pids = {role: instance.fact(role, "pid") for role in ROLES}
    assert ready(operator).json()["trouble"].keys() <= {"durability"}
    with Stream(operator) as stream:
        wait_until(lambda: stream.of("clock"), what="the clock")
        with frozen(instance):
            began = time.monotonic()
            sent: list[subprocess.CompletedProcess[str]] = []
            threading.Thread(target=_publish, args=(device, sent), daemon=True).start()
            refused = wait_until(
                lambda: answer if (answer := ready(operator)).status_code == 503 else None,
                seconds=READY_SECONDS_MAX, what="not ready",
            )  # fmt: skip
            assert refused.json()["trouble"]["database"] == "no answer in time"
            asked = time.monotonic()
            answer = operator.get("/api/v1/alerts")
            assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
            assert answer.headers["retry-after"]
            assert time.monotonic() - asked < 1.0
            posted = _post(instance, device.key, "h-1")
            assert posted.status_code == 503, posted.text
            assert (posted.json()["code"], posted.json()["reason"]) == ("intake_paused", "database")
            time.sleep(max(0.0, FREEZE_SECONDS - (time.monotonic() - began)))
            assert sent == [], "nothing may be acknowledged that is not durable"
            assert stream.of("clock")[-1].data["trouble"].count("database") == 1
            assert time.time() - stream.of("clock")[-1].at < 2.5, "the stream lives on"
        thawed = time.monotonic()
        wait_until(lambda: ready(operator).status_code == 200, seconds=BACK_SECONDS_MAX, what="ready again")
        wait_until(lambda: sent, seconds=BACK_SECONDS_MAX, what="the PUBACK")
        assert sent[0].returncode == 0, sent[0].stderr
        wait_until(
            lambda: _post(instance, device.key, "h-1").status_code == 202, seconds=BACK_SECONDS_MAX, what="a 202"
        )
        assert time.monotonic() - thawed < BACK_SECONDS_MAX
        wait_until(lambda: "database" not in stream.of("clock")[-1].data["trouble"], what="a clock without trouble")
    assert {role: instance.fact(role, "pid") for role in ROLES} == pids, "no role was started again"
    found = [item["id"] for item in items(operator, "/api/v1/events", device="trouble-01")]
    assert sorted(found) == ["h-1", "m-1"]


def test_a_read_that_waits_when_the_freeze_begins_ends_in_time(instance: Instance, operator: httpx2.Client) -> None:
    with frozen(instance):
        began = time.monotonic()
        answer = operator.get("/api/v1/alerts")
        assert answer.status_code == 503
        assert time.monotonic() - began < READY_SECONDS_MAX
    wait_until(lambda: ready(operator).status_code == 200, seconds=BACK_SECONDS_MAX, what="ready again")


def _publish(device, sent: list[subprocess.CompletedProcess[str]]) -> None:
    sent.append(device.publish({"id": "m-1", "rain_mm": 0.2}))


def _post(instance: Instance, key: str, name: str) -> httpx2.Response:
    with instance.client(key=key) as client:
        return client.post(
            "/api/v1/feeds/rainfall/events", content=json.dumps({"id": name, "rain_mm": 0.1}),
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
