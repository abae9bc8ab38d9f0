"""Screens cut at any byte while their server is killed: every change once, in order. The plain sequence misses some.

A short form of `python -m proof stream`, on real instances.
"""

from __future__ import annotations

import pytest

from proof.scenarios.delivery.stream import StreamSize, prove

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(400)]


async def test_ten_clients_see_every_change_once_and_the_plain_sequence_misses_some():
    report = await prove(seed=9, size=StreamSize(clients=10, kills=2, seconds=10.0, control_seconds=6.0))
    assert report.facts["problems"] == []
    assert report.facts["changes"] > 20
    assert report.facts["cuts"] > 10
    assert (report.facts["gaps"], report.facts["repeats"], report.facts["resets"]) == (0, 0, 0)
    assert report.control["gaps"] > 0, "the mutant missed nothing: no evidence"
    assert report.verdict == "held"
