"""What a window remembers between events is what its panes hold, whatever came, left and was restored."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from ioc.rules.aggregates.accumulators import Percentile, Stats
from ioc.rules.aggregates.field.digest import representative
from ioc.rules.aggregates.windows import WindowParts
from ioc.rules.language.kinds import Take


def of_panes(measure: Percentile) -> float | None:
    """The percentile counted from every pane anew."""
    counts: Counter[int] = Counter()
    for digest in (cell.digest for cell in measure.cells):
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


@pytest.mark.parametrize("take", list(Take))
def test_a_measure_taken_apart_is_made_of_the_parts_that_are_there(take: Take):
    """Parts come, change, leave with their panes and are restored; none at all is a count of 0 and no other value."""
    dice, parted = random.Random(take.value), WindowParts(take, lambda: Stats("x", "max"))
    held: dict[str, dict[int, float]] = {}
    head = 0
    assert parted.value(head) == (0 if take is Take.COUNT else None)
    for number in range(600):
        head += dice.random() < 0.1
        below = head - 3
        parted.drop(below)
        held = {part: {p: v for p, v in panes.items() if p >= below} for part, panes in held.items()}
        held = {part: panes for part, panes in held.items() if panes}
        if dice.random() < 0.3:
            part, pane, value = dice.choice("abcd"), head - dice.randrange(3), float(dice.randrange(20))
            parted.add(part, pane, {"x": value}, number)
            panes = held.setdefault(part, {})
            panes[pane] = max(panes.get(pane, value), value)
        if dice.random() < 0.02:
            packed, parted = parted.pack(), WindowParts(take, lambda: Stats("x", "max"))
            parted.unpack(packed)
        values = [max(panes.values()) for panes in held.values()]
        assert parted.value(head) == as_one(take, values)


def as_one(take: Take, values: list[float]) -> float | None:
    if take is Take.COUNT:
        return len(values)
    if not values:
        return None
    if take in (Take.MAX, Take.MIN):
        return max(values) if take is Take.MAX else min(values)
    return sum(values) / (len(values) if take is Take.AVG else 1)
