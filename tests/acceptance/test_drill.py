"""The shipped flood night as a drill: the alerts that its rows call for, the same log at any speed, its own screens.

A short form of `python -m proof drill`, which plays the record of whole months.
"""

from __future__ import annotations

import asyncio
import json

import httpx2
import pytest

from ioc.replay.scenario import load_scenario
from proof.checkers.drill_oracle import judge, read_rules
from proof.harness.drill_run import PACK, played
from proof.scenarios.rules.drill import FEEDS
from tests.acceptance.instance import run_cli

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]
NOT_JUDGED = [
    "air.aqi-poor", "device.battery", "hazard.combined", "power.wide", "rain.12h", "rain.3h", "rain.wet-ground",
    "reservoir.gates-ordered", "reservoir.outflow-drop",
    "river.rise", "silence.device", "silence.gauge", "silence.parent", "silence.reservoir", "silence.together",
    "telecom.wide", "tourism.wifi-wide",
]  # fmt: skip
"""What the oracle in SQL does not know: other kinds than thresholds of one feed; those that hear alerts among them."""
NEVER_OF_THIS_NIGHT = {"air.aqi-poor", "power.wide", "rain.3h", "telecom.wide", "tourism.wifi-wide"}
"""Nothing of the scenario speaks for them: no air, power, base station or Wi-Fi, and no `rain_mm`."""
SCENARIO = PACK / "drills" / "flood-2017.yaml"


async def test_a_flood_night_raises_its_alerts_and_is_the_same_at_any_speed():
    rules, others = read_rules(PACK, FEEDS)
    assert others == NOT_JUDGED
    until = load_scenario(SCENARIO).last

    async def run(speed):
        async with played(SCENARIO, speed=speed) as drill:
            async with drill.database() as connection:
                found = await judge(connection, rules, until, others=others)
            facts = await asyncio.to_thread(seen_from_outside, drill)
            return drill, found, await drill.log(), await drill.transitions(), facts

    one, two = await asyncio.gather(run("max"), run("30000"))
    assert one[2] == two[2]
    assert one[3] == two[3]
    for drill, found, log, moves, facts in (one, two):
        assert found.problems == []
        assert found.openings >= 8
        assert not NEVER_OF_THIS_NIGHT & {json.loads(move)["rule"] for move in moves}
        assert {
            "rain.24h rain-hoa-binh",
            "river.hoa-binh river-hoa-binh",
            "reservoir.gates res-hoa-binh",
        } <= found.days.keys()
        assert (drill.refused, drill.rang) == (0, 0)
        assert (log["gaps"], log["unmarked"]) == (0, 0)
        assert facts["scenario"] == "flood-2017"
        assert facts["start"] == "2017-10-09T23:50:00.000Z"
        assert facts["clock"] == "2017-10-11T13:30:00.000Z"
        assert facts["areas"] > 5, "the units of today are there, whatever day the drill has"
        assert facts["audited"].startswith("20"), facts
        assert facts["audited"] > "2026", "what people do is dated by the wall"
    assert one[4]["speed"] == 0.0
    assert two[4]["speed"] == 30_000.0


def seen_from_outside(drill):
    """Return what a signed-in person sees, and what the drill's folder says to a real start."""
    with httpx2.Client(base_url=drill.url, headers={"Origin": drill.url}, timeout=20.0) as client:
        answer = client.post("/api/v1/session", json={"username": drill.username, "password": drill.password})
        assert answer.status_code == 200, answer.text
        facts = client.get("/api/v1/status").json()["drill"]
        alert = client.get("/api/v1/alerts", params={"limit": 1}).json()["items"][0]
        done = client.post(f"/api/v1/alerts/{alert['id']}/call", json={"text": "đã báo phường"},
                           headers={"If-Match": f'"{alert["version"]}"'})  # fmt: skip
        assert done.status_code == 200, done.text
        facts["audited"] = client.get("/api/v1/audit").json()["items"][0]["log_time"]
        facts["areas"] = len(client.get("/api/v1/areas").json()["items"])
    refused = run_cli("up", "--data", str(drill.data), "--http-port", "0", "--mqtt-port", "0")
    assert refused.returncode == 2
    assert "is a drill's and stays one" in refused.stderr
    return facts
