"""What a window remembers between events is what its panes hold, whatever came, left and was restored."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from ioc.rules.accumulate import Percentile
from ioc.rules.field.digest import representative


def of_panes(measure: Percentile) -> float | None:
    """The percentile counted from every pane anew."""
    counts: Counter[int] = Counter()
    for _, digest in measure.cells:
        counts.update(digest.counts)
    rank = -(-measure.percent * counts.total() // 100)
    for number in sorted(counts):
        rank -= counts[number]
        if rank <= 0:
            return representative(number)
    return None


@pytest.mark.parametrize("percent", [1, 50, 95, 99])
def test_a_percentile_counts_along_what_its_panes_hold(percent: int):
    """Values of many sizes (some beyond the bound of buckets), late ones, panes that leave, a restart."""
    dice, measure = random.Random(percent), Percentile("x", percent)
    for turn in range(3_000):
        pane = turn // 100 - dice.choice((0, 0, 0, 1, 3))
        value = dice.choice((0.0, -1.0, 1.0)) * 10 ** dice.uniform(-6, 9) if turn % 3 else dice.uniform(40, 60)
        measure.add(pane, {"x": value}, turn)
        measure.drop(turn // 100 - 5)
        assert measure.value(turn // 100) == of_panes(measure)
        if turn % 500 == 0:
            packed, measure = measure.pack(), Percentile("x", percent)
            measure.unpack(packed)
            assert measure.value(turn // 100) == of_panes(measure)
    measure.drop(10_000)
    assert (measure.value(10_000), measure.n, measure.counts, measure.numbers) == (None, 0, {}, [])
