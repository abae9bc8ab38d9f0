"""Cells of panes: the example of the module, late readings, and what a snapshot has of them."""

from __future__ import annotations

from ioc.rules.aggregates.accumulators import WORD_MAX, Stats
from ioc.rules.aggregates.cells import StatsCell

MINUTE = 60


def filled() -> Stats:
    stats = Stats("level", "avg")
    for value, second in ((2, 5), (3, 40), (1, 20)):
        assert stats.add(10, {"level": value}, 10 * MINUTE + second)
    return stats


def test_a_late_reading_is_counted_and_is_neither_first_nor_last():
    cell = filled().cells[0]
    assert (cell.n, cell.total, cell.smallest, cell.largest) == (3, 6_000_000, 1, 3)
    assert (cell.first, cell.first_us, cell.last, cell.last_us) == (2, 605, 3, 640)


def test_a_pane_that_leaves_takes_with_it_what_it_counted():
    stats = filled()
    stats.add(12, {"level": 7}, 12 * MINUTE)
    stats.drop(11)
    assert ([cell.pane for cell in stats.cells], stats.n, stats.sum, stats.smallest()) == ([12], 1, 7_000_000, 7)


def test_a_late_pane_stands_in_its_place():
    stats = filled()
    stats.add(12, {"level": 7}, 12 * MINUTE)
    stats.add(11, {"level": 5}, 11 * MINUTE)
    assert [cell.pane for cell in stats.cells] == [10, 11, 12]


def test_a_snapshot_has_what_was_sent_and_gives_it_back():
    packed = filled().pack()
    assert packed == [[10, 3, 6_000_000, 1, 3, 605, 2, 640, 3]]
    assert all(type(value) is int for value in packed[0]), "whole numbers stay whole"
    again = Stats("level", "avg")
    again.unpack(packed)
    assert (again.pack(), again.n, again.sum) == (packed, 3, 6_000_000)


def test_a_total_beyond_64_bits_goes_through_a_snapshot_as_text():
    cell = StatsCell(1, 2**70, 1e15, 0)
    packed = cell.pack(WORD_MAX)
    assert packed[2] == str(2**70)
    assert StatsCell.unpack(packed).total == 2**70
