"""Two door processes share one port: the kernel shares the connections out, and one that dies costs nobody an event."""

from __future__ import annotations

import functools
import os
import re
import signal

import pytest

from tests.acceptance.conftest import for_good
from tests.acceptance.instance import Instance, items, new_data_folder, wait_until

CONNECTED = re.compile(r'^ioc_ingest_events_total\{.*role="(door[-\d]*)".*\} (\S+)$', re.MULTILINE)


@pytest.fixture(scope="module")
def two_doors():
    started = Instance(new_data_folder(), IOC_MQTT_DOORS="2")
    try:
        started.start()
        yield started
        assert started.stop() == 0
    finally:
        for_good(started)


def taken(instance):
    """How many events each door has taken."""
    with instance.client(key=instance.key("metrics")) as client:
        text = client.get("/metrics").text
    found: dict[str, int] = {}
    for role, value in CONNECTED.findall(text):
        found[role] = found.get(role, 0) + int(float(value))
    return found


def door_two(instance):
    """The process of the second door, None while it is away."""
    try:
        return instance.fact("door-2", "pid")
    except FileNotFoundError:
        return None


def acknowledged(gauge, number):
    """Whether a door acknowledged the reading of that number, None: none did."""
    return gauge.publish({"id": f"{number}", "rain_mm": 1.0}).returncode == 0 or None


def test_both_doors_serve_one_port_and_one_alone_goes_on(two_doors):
    assert two_doors.fact("door", "mqtt_port") == two_doors.fact("door-2", "mqtt_port")
    gauge = two_doors.device("pair-01", "rainfall", "04795")
    sent = 0
    while len(taken(two_doors)) < 2:
        assert sent < 60, f"one door got all {sent} connections: {taken(two_doors)}"
        for _ in range(6):
            sent += 1
            assert acknowledged(gauge, sent)
    assert sum(taken(two_doors).values()) == sent

    pid = two_doors.fact("door-2", "pid")
    os.kill(pid, signal.SIGKILL)
    for _ in range(6):
        sent += 1
        wait_until(functools.partial(acknowledged, gauge, sent), what="the PUBACK of the door that is left")
    wait_until(lambda: door_two(two_doors) not in (None, pid) or None, what="the second door again")
    with two_doors.signed_in(two_doors.username, two_doors.password) as client:
        assert len(items(client, "/api/v1/events", device="pair-01", limit=500)) == sent
