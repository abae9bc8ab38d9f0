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
from ioc.rules.field.digest import Digest, representative
from ioc.rules.kinds import Measure

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


class Cells:
    """Cells by pane, oldest first; a late event may need one in the middle."""

    __slots__ = ("cells",)

    def __init__(self) -> None:
        self.cells: deque[list[Any]] = deque()

    def oldest(self) -> int | None:
        """Return the oldest pane that holds something."""
        return self.cells[0][0] if self.cells else None

    def cell(self, pane: int) -> list[Any] | None:
        """Return the cell of a pane, if there is one."""
        for cell in reversed(self.cells):
            if cell[0] <= pane:
                return cell if cell[0] == pane else None
        return None

    def put(self, cell: list[Any]) -> None:
        """Add the cell of a new pane in its place."""
        cells = self.cells
        place = len(cells)
        while place and cells[place - 1][0] > cell[0]:
            place -= 1
        cells.insert(place, cell)

    def pack(self) -> Any:
        """Return the cells."""
        return list(self.cells)


class Stats(Cells):
    """Number, sum, smallest, largest, first and last of one field.

    A cell is [pane, n, sum in millionths, min, max, time of the first, first, time of the last, last].
    """

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
        cell = cells[-1] if cells and cells[-1][0] == pane else self.cell(pane)
        if self._min is not None and value < self._min:
            self._min = value
        if self._max is not None and value > self._max:
            self._max = value
        if cell is None:
            self.put([pane, 1, scaled, value, value, at_us, value, at_us, value])
            return True
        cell[1] += 1
        cell[2] += scaled
        cell[3] = min(cell[3], value)
        cell[4] = max(cell[4], value)
        if at_us < cell[5]:
            cell[5], cell[6] = at_us, value
        if at_us >= cell[7]:
            cell[7], cell[8] = at_us, value
        return True

    def drop(self, below: int) -> None:
        """Forget the panes before ``below``."""
        cells = self.cells
        while cells and cells[0][0] < below:
            gone = cells.popleft()
            self.n -= gone[1]
            self.sum -= gone[2]
            if gone[3] == self._min:
                self._min = None
            if gone[4] == self._max:
                self._max = None

    def smallest(self) -> float:
        """Return the smallest value; found again only after it has left."""
        if self._min is None:
            self._min = min(cell[3] for cell in self.cells)
        return self._min

    def largest(self) -> float:
        """Return the largest value."""
        if self._max is None:
            self._max = max(cell[4] for cell in self.cells)
        return self._max

    def value(self, head: int) -> Value:  # noqa: ARG002 - an accumulator's shape
        """Return what is wanted of the field."""
        return None if not self.n and self.want != "count" else READ[self.want](self)

    def means(self, head: int, panes: int) -> list[float | None]:
        """Return the mean of each pane, newest first; None where it holds nothing."""
        found: list[float | None] = [None] * panes
        for cell in self.cells:
            if 0 <= head - cell[0] < panes:
                found[head - cell[0]] = cell[2] / (MILLION * cell[1])
        return found

    def sums(self, head: int, panes: int) -> list[float]:
        """Return the sum of each pane, newest first; 0 where it holds nothing."""
        found = [0.0] * panes
        for cell in self.cells:
            if 0 <= head - cell[0] < panes:
                found[head - cell[0]] = cell[2] / MILLION
        return found

    def pack(self) -> Any:
        """Return the cells; a sum that does not fit 64 bits as text."""
        return [cell if -WORD_MAX < cell[2] < WORD_MAX else [*cell[:2], str(cell[2]), *cell[3:]] for cell in self.cells]

    def unpack(self, packed: Any) -> None:
        """Take back what :meth:`pack` gave."""
        self.cells = deque([*cell[:2], int(cell[2]), *cell[3:]] for cell in packed)
        self.n = sum(cell[1] for cell in self.cells)
        self.sum = sum(cell[2] for cell in self.cells)
        self._min = self._max = None


def _delta(stats: Stats) -> Value:
    first, last = stats.cells[0], stats.cells[-1]
    return last[8] - first[6] if last[7] > first[5] else None


def _rate(stats: Stats) -> Value:
    first, last = stats.cells[0], stats.cells[-1]
    return (last[8] - first[6]) / ((last[7] - first[5]) / HOUR_US) if last[7] > first[5] else None


READ: Mapping[str, Callable[[Stats], Value]] = {
    "count": lambda stats: stats.n,
    "sum": lambda stats: stats.sum / MILLION,
    "avg": lambda stats: stats.sum / (MILLION * stats.n),
    "min": Stats.smallest,
    "max": Stats.largest,
    "first": lambda stats: stats.cells[0][6],
    "last": lambda stats: stats.cells[-1][8],
    "delta": _delta,
    "rate": _rate,
    "rise": lambda stats: stats.cells[-1][8] - stats.smallest(),
    "fall": lambda stats: stats.largest() - stats.cells[-1][8],
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


class Count(Cells):
    """How many events; a cell is [pane, n]."""

    __slots__ = ("n",)

    def __init__(self) -> None:
        super().__init__()
        self.n = 0

    def add(self, pane: int, values: Mapping[str, Any], at_us: int) -> bool:  # noqa: ARG002
        """Count an event."""
        self.n += 1
        cell = self.cell(pane)
        if cell is None:
            self.put([pane, 1])
        else:
            cell[1] += 1
        return True

    def drop(self, below: int) -> None:
        """Forget the panes before ``below``."""
        while self.cells and self.cells[0][0] < below:
            self.n -= self.cells.popleft()[1]

    def value(self, head: int) -> Value:  # noqa: ARG002
        """Return how many."""
        return self.n

    def unpack(self, packed: Any) -> None:
        """Take back what :meth:`pack` gave."""
        self.cells = deque(packed)
        self.n = sum(cell[1] for cell in self.cells)


class Distinct(Cells):
    """How many different values; a cell is [pane, their hashes], at most 32 of them, in the order of the log."""

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
            cell = [pane, []]
            self.put(cell)
        if mark not in cell[1] and len(cell[1]) < DISTINCT_MAX:
            cell[1].append(mark)
            self.counts[mark] += 1
        return True

    def drop(self, below: int) -> None:
        """Forget the panes before ``below``."""
        while self.cells and self.cells[0][0] < below:
            for mark in self.cells.popleft()[1]:
                self.counts[mark] -= 1
                if not self.counts[mark]:
                    del self.counts[mark]

    def value(self, head: int) -> Value:  # noqa: ARG002
        """Return how many."""
        return len(self.counts)

    def unpack(self, packed: Any) -> None:
        """Take back what :meth:`pack` gave."""
        self.cells = deque(packed)
        self.counts = Counter(mark for cell in self.cells for mark in cell[1])


class Percentile(Cells):
    """A percentile within 2 %; a cell is [pane, digest]. The counts of all panes together go with each event."""

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
            cell = [pane, Digest()]
            self.put(cell)
        self._count(cell[1].add(value), 1)
        return True

    def drop(self, below: int) -> None:
        """Forget the panes before ``below``."""
        while self.cells and self.cells[0][0] < below:
            for number, count in self.cells.popleft()[1].counts.items():
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
        return [[pane, digest.pack()] for pane, digest in self.cells]

    def unpack(self, packed: Any) -> None:
        """Take back what :meth:`pack` gave."""
        self.cells = deque([pane, Digest.unpack(digest)] for pane, digest in packed)
        self._count_anew()

    def _count_anew(self) -> None:
        """Count what the panes hold."""
        self.counts: dict[int, int] = {}
        self.numbers: list[int] = []  # the buckets that hold something, rising
        self.n = 0
        for _, digest in self.cells:
            for number, count in digest.counts.items():
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


__all__ = ["Accumulator", "Cells", "Stats", "Value", "simple"]
