"""Scenarios that need more than a record, in running instances: late files in no order, a line with points behind it.

All are folded in `tests/timelines/test_scenarios.py`; here conductor, MQTT door and engine are real.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest

from proof.harness.drill_run import PACK, played
from tests.timelines.test_scenarios import played as folded

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]
LATE = """
SELECT count(*) FROM event WHERE kind = 'event' AND device = 'nt-tan-hoa' AND log_time - time > interval '3 minutes'
"""
DISORDER = """
SELECT count(*) FROM (SELECT time, lag(time) OVER (ORDER BY position) AS before FROM event
                      WHERE kind = 'event' AND device = 'nt-tan-hoa') e WHERE time < before
"""


@pytest.mark.parametrize("names", [("late-files", "school-wifi")])
async def test_a_running_drill_has_the_alerts_of_the_fold(names: tuple[str, ...]):
    async def run(name: str) -> tuple[Counter[tuple[str, str]], int, int]:
        async with played(PACK / "drills" / f"{name}.yaml") as drill:
            assert (drill.acknowledged, drill.refused, drill.rang) == (len(folded(name).events), 0, 0)
            moves = [json.loads(move) for move in await drill.transitions()]
            async with drill.database() as connection:
                late, disorder = await connection.fetchval(LATE), await connection.fetchval(DISORDER)
            opened = Counter((move["rule"], move["severity"]) for move in moves if move["kind"] == "opened")
            return opened, late, disorder

    found = dict(zip(names, await asyncio.gather(*(run(name) for name in names)), strict=True))
    for name, (opened, _, _) in found.items():
        wanted = Counter({(item.rule, item.severity.value): item.times for item in folded(name).scenario.alerts})
        assert opened == wanted, name
    _, late, disorder = found["late-files"]
    assert late == 72, "each of the files that came in after the cut counts for its own time"
    assert disorder > 20, "and they came in no order"
