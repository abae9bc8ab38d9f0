"""kill -9 while devices publish at QoS 1: what was acknowledged is stored once, and alerts are those of the log.

A short form of `python -m proof kills`, on a real instance.
"""

from __future__ import annotations

import pytest

from proof.kills import Size, prove

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(400)]


async def test_six_kills_lose_nothing_and_the_early_acknowledger_does():
    victims = ("door", "postmaster", "rules", "api", "backend", "rollup")
    size = Size(kills=6, control_kills=3, supervisor=False, victims=victims)
    report = await prove(seed=6, size=size)
    assert report.facts["problems"] == []
    assert report.facts["faults"] == 6
    assert report.facts["acknowledged"] > 100
    assert (report.facts["lost"], report.facts["stored_twice"]) == (0, 0)
    assert report.control["lost"] > 0, "the mutant that acknowledges before the commit lost nothing: no evidence"
    assert report.verdict == "held"
