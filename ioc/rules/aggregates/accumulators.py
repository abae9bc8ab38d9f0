"""What a window remembers of one measure, pane by pane: O(1) amortised an event, bounded, the same for any order.

An accumulator takes the events of its panes, drops panes that have left, and gives the measure's value. Sums are whole
millionths, so that neither the order of events nor that of panes changes a single bit.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ioc.domain.event import canonical, hash16
from ioc.rules.aggregates.cells import Cells, CountCell, DigestCell, MarksCell, StatsCell
from ioc.rules.aggregates.field.digest import Digest, representative
from ioc.rules.language.kinds import Measure

MILLION = 1_000_000
HOUR_US = 3_600 * MILLION
DISTINCT_MAX = 32
"""Different values that one pane keeps."""

SIZE_MAX = 1e290
"""Beyond it a value takes no part in sums: no reading is so large."""
WORD_MAX = 2**62
"""Larger sums are written as text in a snapshot, whose integers have 64 bits."""
LEVEL_DB_MAX = 1_000.0

Value = float | int | None


class Accumulator(Protocol):
    """One measure over the panes of one key (or of one value of `per`)."""

    def add(self, pane: int, values: Mapping[str, Any], at_us: int) -> bool:
        """Take an event into its pane; false when it has nothing for this measure."""
        ...

    def drop(self, below: int) -> None:
        """Forget the panes before ``below``."""
        ...

    def oldest(self) -> int | None:
        """Return the oldest pane that holds something."""
        ...

    def value(self, head: int) -> Value:
        """Return the measure when ``head`` is the newest pane; None is no data."""
        ...

    def pack(self) -> Any:
        """Return it for a snapshot."""
        ...

    def unpack(self, packed: Any) -> None:
        """Take back what :meth:`pack` gave."""
        ...


class Stats(Cells[StatsCell]):
    """Number, sum, smallest, largest, first and last of one field."""

    __slots__ = ("_max", "_min", "field", "n", "sum", "want")

    def __init__(self, field: str, want: str) -> None:
        super().__init__()
        self.field = field
        self.want = want
        self.n = 0
        self.sum = 0
        self._min: float | None = None
        self._max: float | None = None

    def add(self, pane: int, values: Mapping[str, Any], at_us: int) -> bool:
        """Take a value into its pane."""
        value = values.get(self.field)
        if value is None or not -SIZE_MAX < value < SIZE_MAX:
            return False
        scaled = round(value * MILLION)
        self.n += 1
        self.sum += scaled
        cells = self.cells
        cell = cells[-1] if cells and cells[-1].pane == pane else self.cell(pane)
        if self._min is not None and value < self._min:
            self._min = value
        if self._max is not None and value > self._max:
            self._max = value
        if cell is None:
            self.put(StatsCell(pane, scaled, value, at_us))
            return True
        cell.n += 1
        cell.total += scaled
        cell.smallest = min(cell.smallest, value)
        cell.largest = max(cell.largest, value)
        if at_us < cell.first_us:
            cell.first_us, cell.first = at_us, value
        if at_us >= cell.last_us:
            cell.last_us, cell.last = at_us, value
        return True

    def drop(self, below: int) -> None:
        """Forget the panes before ``below``."""
        cells = self.cells
        while cells and cells[0].pane < below:
            gone = cells.popleft()
            self.n -= gone.n
            self.sum -= gone.total
            if gone.smallest == self._min:
                self._min = None
            if gone.largest == self._max:
                self._max = None

    def smallest(self) -> float:
        """Return the smallest value; found again only after it has left."""
        if self._min is None:
            self._min = min(cell.smallest for cell in self.cells)
        return self._min

    def largest(self) -> float:
        """Return the largest value."""
        if self._max is None:
            self._max = max(cell.largest for cell in self.cells)
        return self._max

    def value(self, head: int) -> Value:  # noqa: ARG002 - an accumulator's shape
        """Return what is wanted of the field."""
        return None if not self.n and self.want != "count" else READ[self.want](self)

    def means(self, head: int, panes: int) -> list[float | None]:
        """Return the mean of each pane, newest first; None where it holds nothing."""
        found: list[float | None] = [None] * panes
        for cell in self.cells:
            if 0 <= head - cell.pane < panes:
                found[head - cell.pane] = cell.total / (MILLION * cell.n)
        return found

    def sums(self, head: int, panes: int) -> list[float]:
        """Return the sum of each pane, newest first; 0 where it holds nothing."""
        found = [0.0] * panes
        for cell in self.cells:
            if 0 <= head - cell.pane < panes:
                found[head - cell.pane] = cell.total / MILLION
        return found

    def pack(self) -> Any:
        """Return the cells; a sum that does not fit 64 bits as text."""
        return [cell.pack(WORD_MAX) for cell in self.cells]

    def unpack(self, packed: Any) -> None:
        """Take back what :meth:`pack` gave."""
        self.cells = deque(StatsCell.unpack(cell) for cell in packed)
        self.n = sum(cell.n for cell in self.cells)
        self.sum = sum(cell.total for cell in self.cells)
        self._min = self._max = None


def _delta(stats: Stats) -> Value:
    first, last = stats.cells[0], stats.cells[-1]
    return last.last - first.first if last.last_us > first.first_us else None


def _rate(stats: Stats) -> Value:
    first, last = stats.cells[0], stats.cells[-1]
    return (
        (last.last - first.first) / ((last.last_us - first.first_us) / HOUR_US)
        if last.last_us > first.first_us
        else None
    )


READ: Mapping[str, Callable[[Stats], Value]] = {
    "count": lambda stats: stats.n,
    "sum": lambda stats: stats.sum / MILLION,
    "avg": lambda stats: stats.sum / (MILLION * stats.n),
    "min": Stats.smallest,
    "max": Stats.largest,
    "first": lambda stats: stats.cells[0].first,
    "last": lambda stats: stats.cells[-1].last,
    "delta": _delta,
    "rate": _rate,
    "rise": lambda stats: stats.cells[-1].last - stats.smallest(),
    "fall": lambda stats: stats.largest() - stats.cells[-1].last,
}
"""What the aggregates read of a field's statistics; only `count` of an empty one is data."""


class Energy(Stats):
    """LAeq: the energy mean of levels in dB."""

    __slots__ = ()

    def add(self, pane: int, values: Mapping[str, Any], at_us: int) -> bool:
        """Take a level into its pane, as energy."""
        level = values.get(self.field)
        if level is None or not -LEVEL_DB_MAX <= level <= LEVEL_DB_MAX:
            return False
        return super().add(pane, {self.field: 10.0 ** (level / 10.0)}, at_us)

    def value(self, head: int) -> Value:  # noqa: ARG002
        """Return the level of the mean energy; rounded, so that a steady 55 dB is 55 and not a little more."""
        return round(10.0 * math.log10(self.sum / (MILLION * self.n)), 6) if self.n and self.sum > 0 else None


class Count(Cells[CountCell]):
    """How many events."""

    __slots__ = ("n",)

    def __init__(self) -> None:
        super().__init__()
        self.n = 0

    def add(self, pane: int, values: Mapping[str, Any], at_us: int) -> bool:  # noqa: ARG002
        """Count an event."""
        self.n += 1
        cell = self.cell(pane)
        if cell is None:
            self.put(CountCell(pane, 1))
        else:
            cell.n += 1
        return True

    def drop(self, below: int) -> None:
        """Forget the panes before ``below``."""
        while self.cells and self.cells[0].pane < below:
            self.n -= self.cells.popleft().n

    def value(self, head: int) -> Value:  # noqa: ARG002
        """Return how many."""
        return self.n

    def pack(self) -> Any:
        """Return the cells."""
        return [[cell.pane, cell.n] for cell in self.cells]

    def unpack(self, packed: Any) -> None:
        """Take back what :meth:`pack` gave."""
        self.cells = deque(CountCell(pane, n) for pane, n in packed)
        self.n = sum(cell.n for cell in self.cells)


class Distinct(Cells[MarksCell]):
    """How many different values; a pane keeps at most 32 of them."""

    __slots__ = ("counts", "field")

    def __init__(self, field: str) -> None:
        super().__init__()
        self.field = field
        self.counts: Counter[int] = Counter()

    def add(self, pane: int, values: Mapping[str, Any], at_us: int) -> bool:  # noqa: ARG002
        """Take a value into its pane."""
        value = values.get(self.field)
        if value is None:
            return False
        mark = int.from_bytes(hash16(canonical(value))[:7], "big")
        cell = self.cell(pane)
        if cell is None:
            cell = MarksCell(pane, [])
            self.put(cell)
        if mark not in cell.marks and len(cell.marks) < DISTINCT_MAX:
            cell.marks.append(mark)
            self.counts[mark] += 1
        return True

    def drop(self, below: int) -> None:
        """Forget the panes before ``below``."""
        while self.cells and self.cells[0].pane < below:
            for mark in self.cells.popleft().marks:
                self.counts[mark] -= 1
                if not self.counts[mark]:
                    del self.counts[mark]

    def value(self, head: int) -> Value:  # noqa: ARG002
        """Return how many."""
        return len(self.counts)

    def pack(self) -> Any:
        """Return the cells."""
        return [[cell.pane, cell.marks] for cell in self.cells]

    def unpack(self, packed: Any) -> None:
        """Take back what :meth:`pack` gave."""
        self.cells = deque(MarksCell(pane, marks) for pane, marks in packed)
        self.counts = Counter(mark for cell in self.cells for mark in cell.marks)


class Percentile(Cells[DigestCell]):
    """A percentile within 2 %. The counts of all panes together go with each event."""

    __slots__ = ("counts", "field", "n", "numbers", "percent")

    def __init__(self, field: str, percent: int) -> None:
        super().__init__()
        self.field, self.percent = field, percent
        self._count_anew()

    def add(self, pane: int, values: Mapping[str, Any], at_us: int) -> bool:  # noqa: ARG002
        """Take a value into its pane."""
        value = values.get(self.field)
        if value is None or not math.isfinite(value):
            return False
        cell = self.cell(pane)
        if cell is None:
            cell = DigestCell(pane, Digest())
            self.put(cell)
        self._count(cell.digest.add(value), 1)
        return True

    def drop(self, below: int) -> None:
        """Forget the panes before ``below``."""
        while self.cells and self.cells[0].pane < below:
            for number, count in self.cells.popleft().digest.counts.items():
                self._count(number, -count)

    def value(self, head: int) -> Value:  # noqa: ARG002
        """Return the value of the wanted rank over all panes."""
        rank = -(-self.percent * self.n // 100)
        for number in self.numbers:
            rank -= self.counts[number]
            if rank <= 0:
                return representative(number)
        return None

    def pack(self) -> Any:
        """Return the cells with packed digests."""
        return [[cell.pane, cell.digest.pack()] for cell in self.cells]

    def unpack(self, packed: Any) -> None:
        """Take back what :meth:`pack` gave."""
        self.cells = deque(DigestCell(pane, Digest.unpack(digest)) for pane, digest in packed)
        self._count_anew()

    def _count_anew(self) -> None:
        """Count what the panes hold."""
        self.counts: dict[int, int] = {}
        self.numbers: list[int] = []  # the buckets that hold something, rising
        self.n = 0
        for cell in self.cells:
            for number, count in cell.digest.counts.items():
                self._count(number, count)

    def _count(self, number: int, count: int) -> None:
        """Count a bucket up, or down when a pane leaves."""
        before = self.counts.get(number, 0)
        if not before:
            insort(self.numbers, number)
        self.n += count
        self.counts[number] = before + count
        if not before + count:
            del self.counts[number], self.numbers[bisect_left(self.numbers, number)]


SIMPLE = frozenset(READ)
"""Aggregates of one field that :class:`Stats` knows."""


def simple(measure: Measure) -> Accumulator | None:
    """Return the accumulator of a plain aggregate; None for a measure of the field (`nowcast` ...)."""
    if measure.aggregate == "count" and measure.field is None:
        return Count()
    assert measure.field is not None or measure.aggregate in ("vn_aqi", "nesterov"), "the loader asks for a field"
    field = measure.field or ""
    if measure.aggregate in SIMPLE:
        return Stats(field, measure.aggregate)
    if measure.aggregate == "distinct":
        return Distinct(field)
    if measure.percentile:
        return Percentile(field, measure.percentile)
    if measure.aggregate == "laeq":
        return Energy(field, "avg")
    return None


__all__ = ["Accumulator", "Stats", "Value", "simple"]
