"""kill -9 while devices publish at QoS 1: what was acknowledged is stored once, and alerts are those of the log.

A short form of `python -m proof kills`, on a real instance.
"""

from __future__ import annotations

import pytest

from proof.harness.nemesis import OUTAGE
from proof.scenarios.delivery.kills import KillsSize, prove

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(400)]
VICTIMS = ("door", "api", "rules", "rollup", "backend", OUTAGE)


async def test_six_kills_lose_nothing_and_the_early_acknowledger_does():
    size = KillsSize(kills=6, control_kills=1, supervisor=False, victims=VICTIMS, pause_seconds=(1.5, 3.0))
    report = await prove(seed=6, size=size)
    assert report.facts["problems"] == []
    assert report.facts["faults"] == len(VICTIMS)
    assert report.facts["acknowledged"] > 100
    assert (report.facts["lost"], report.facts["stored_twice"]) == (0, 0)
    assert report.control["lost"] > 0, "the mutant that acknowledges before the commit lost nothing: no evidence"
    assert report.verdict == "held"
