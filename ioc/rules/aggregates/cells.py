"""What a pane holds of one measure: a cell, a slotted object for each sort of measure.

Worked through, for `Stats` and panes of a minute, numbered by their minute. Before: one cell, of pane 10: n 2, total 5
(in millions), smallest 2, largest 3, first 2 at 10:05, last 3 at 10:40. A late reading of 1 comes, made at 10:20.
After: the same cell has n 3, total 6, smallest 1; first and last stay, for it was neither. Then pane 12 begins, and a
window of two panes drops what is below 11: the cell goes, and what it counted is taken off the totals.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Generic, TypeVar

from ioc.rules.aggregates.field.digest import Digest


class Cell:
    """What every cell has: the number of its pane."""

    __slots__ = ("pane",)

    def __init__(self, pane: int) -> None:
        self.pane = pane


class StatsCell(Cell):
    """Number, sum, extremes, first and last of one field."""

    __slots__ = ("first", "first_us", "largest", "last", "last_us", "n", "smallest", "total")

    def __init__(self, pane: int, total: int, value: Any, at_us: int) -> None:
        super().__init__(pane)
        self.n = 1
        self.total = total
        """In whole millionths."""
        # As they were sent: a whole number stays one, in memory and in a snapshot.
        self.smallest: Any = value
        self.largest: Any = value
        self.first_us = at_us
        self.first: Any = value
        self.last_us = at_us
        self.last: Any = value

    def pack(self, total_max: int) -> list[Any]:
        """Return it for a snapshot; a total that does not fit 64 bits as text."""
        total = self.total if -total_max < self.total < total_max else str(self.total)
        return [self.pane, self.n, total, self.smallest, self.largest, self.first_us, self.first, self.last_us,
                self.last]  # fmt: skip

    @classmethod
    def unpack(cls, packed: list[Any]) -> StatsCell:
        """Return what :meth:`pack` gave."""
        pane, n, total, smallest, largest, first_us, first, last_us, last = packed
        cell = StatsCell(pane, int(total), first, first_us)
        cell.n, cell.smallest, cell.largest, cell.last_us, cell.last = n, smallest, largest, last_us, last
        return cell


class CountCell(Cell):
    """How many events."""

    __slots__ = ("n",)

    def __init__(self, pane: int, n: int) -> None:
        super().__init__(pane)
        self.n = n


class MarksCell(Cell):
    """The hashes of different values, in the order of the log."""

    __slots__ = ("marks",)

    def __init__(self, pane: int, marks: list[int]) -> None:
        super().__init__(pane)
        self.marks = marks


class DigestCell(Cell):
    """A digest of the values."""

    __slots__ = ("digest",)

    def __init__(self, pane: int, digest: Digest) -> None:
        super().__init__(pane)
        self.digest = digest


class DayCell(Cell):
    """The last reading of 13 h of a day, and its rain in whole millionths."""

    __slots__ = ("at_us", "humidity", "rain", "temperature")

    def __init__(self, pane: int) -> None:
        super().__init__(pane)
        self.at_us: int | None = None
        self.temperature: Any = None
        self.humidity: Any = None
        self.rain: int | None = None


CellT = TypeVar("CellT", bound=Cell)


class Cells(Generic[CellT]):
    """Cells by pane, oldest first; a late event may need one in the middle."""

    __slots__ = ("cells",)

    def __init__(self) -> None:
        self.cells: deque[CellT] = deque()

    def oldest(self) -> int | None:
        """Return the oldest pane that holds something."""
        return self.cells[0].pane if self.cells else None

    def cell(self, pane: int) -> CellT | None:
        """Return the cell of a pane, if there is one."""
        for cell in reversed(self.cells):
            if cell.pane <= pane:
                return cell if cell.pane == pane else None
        return None

    def put(self, cell: CellT) -> None:
        """Add the cell of a new pane in its place."""
        cells = self.cells
        place = len(cells)
        while place and cells[place - 1].pane > cell.pane:
            place -= 1
        cells.insert(place, cell)
