"""Incidents of an instance whose rules worker is killed again and again: what is stored is what the log gives."""

from __future__ import annotations

import contextlib
import json
import os
import signal

import pytest

from tests.acceptance.conftest import for_good
from tests.acceptance.instance import Instance, items, new_data_folder, wait_until

pytestmark = pytest.mark.timeout(500)
KILLS = 6
"""Twenty gave the same, and take minutes: each next worker takes the lease anew."""
AREAS = ("04795", "04894", "04828", "04924")
GAUGES = 8


def test_kills_of_the_rules_worker_leave_the_incidents_that_the_log_gives():
    instance = Instance(new_data_folder())
    try:
        instance.start()
        keys = {}
        for number in range(GAUGES):
            name = f"kill-rain-{number}"
            made = instance.made("device", "add", name, "--feed", "rainfall", "--area", AREAS[number % len(AREAS)])
            keys[name] = made["key"]
        for turn in range(KILLS):
            for number, key in enumerate(keys.values()):
                # Some rise, some fall, each turn others.
                hour_mm = float((turn * 7 + number * 11) % 60)
                body = {"rain_24h_mm": 150.0 if (turn + number) % 3 else 20.0, "rain_1h_mm": hour_mm}
                with instance.client(key=key) as door:
                    door.post("/api/v1/feeds/rainfall/events", content=json.dumps(body),
                              headers={"Content-Type": "application/json"}).raise_for_status()  # fmt: skip
            killed = int(instance.fact("rules", "pid"))
            os.kill(killed, signal.SIGKILL)

            def back(killed: int = killed) -> bool:
                with contextlib.suppress(OSError, ValueError, KeyError):
                    return int(instance.fact("rules", "pid")) != killed
                return False

            wait_until(back, seconds=60, what="the next rules worker")
        with instance.signed_in(instance.username, instance.password) as operator:

            def grouped():
                found = items(operator, "/api/v1/alerts", rule="rain.24h", limit=200)
                return found if {alert["device"] for alert in found} >= set(keys) else None

            alerts = wait_until(grouped, seconds=60, what="an alert at each gauge")
            assert all(alert["incident"] for alert in alerts)
            incidents = items(operator, "/api/v1/incidents", limit=200)
            assert len(incidents) == 2, "one storm in each zone"
            assert sum(each["alert_count"] for each in incidents) >= GAUGES
        verdict = instance.cli("verify", "alerts", "--json")
        assert verdict.returncode == 0, verdict.stdout
        assert json.loads(verdict.stdout)["mismatches"] == 0
    finally:
        for_good(instance)
