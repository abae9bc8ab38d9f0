"""Percentiles in little memory: counts by buckets whose width grows with the value, so that the error is relative."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

RELATIVE_ERROR = 0.02
GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
LOG_GAMMA = math.log(GAMMA)
BUCKETS_MAX = 128
ZERO_BELOW = 1e-9
"""Anything smaller, of either sign, counts as zero."""
SIZE_MAX = 1e300
"""Beyond it a bucket's edge would overflow."""
INDEX_OF_ZERO = math.ceil(math.log(ZERO_BELOW) / LOG_GAMMA) - 1
"""The index just below the smallest that a value may have: there zero stands between positives and negatives."""
PERCENT = 100


class Digest:
    """How often values fell into which bucket; a percentile is within 2 % while nothing was clamped.

    A value v > 0 falls into the bucket i = ceil(log v / log gamma), gamma = 1.02/0.98, which holds what is above
    gamma^(i-1) and up to gamma^i, and speaks with 2 gamma^i / (gamma + 1). Zero has its own bucket, and negatives
    mirror the positives.

    Buckets are numbered on one line, in the order of the values: zero is 0, a positive value i - `INDEX_OF_ZERO`, a
    negative one the same below zero. At most 128 exist. A further value goes into the existing bucket with the nearest
    number, the lower of two equally near, and is counted in ``clamped``: the figure to show beside a percentile whose
    error is no longer bounded. Until then the order of values does not matter. 128 neighbouring buckets reach over a
    factor of 13 between the smallest and the largest value; with few values, or many alike, it may be any factor.

    Values have any one unit, and percentiles have it too. Source: DDSketch (Masson, Rim, Lee 2019, arXiv 1908.10693),
    with our own bound on buckets.
    """

    __slots__ = ("_numbers", "clamped", "count", "counts")

    def __init__(self) -> None:
        self._numbers: list[int] = []
        """The buckets that exist, rising."""
        self.counts: dict[int, int] = {}
        self.count = 0
        """How many values were added."""
        self.clamped = 0
        """How many of them went into a neighbour's bucket."""

    def add(self, value: float) -> int:
        """Count ``value`` and return the number of the bucket that it went into.

        Raises:
            ValueError: it is not finite, or larger than 1e300 in size.
        """
        if not abs(value) <= SIZE_MAX:
            raise ValueError(f"{value} cannot be counted")
        return self._put(number_of(value), 1)

    def merge(self, other: Digest) -> None:
        """Count all that ``other`` has counted; ``other`` stays as it is.

        The same as adding its values while nothing is clamped; buckets beyond the bound are clamped lowest first.
        """
        clamped = other.clamped
        for number, count in other._in_order():
            self._put(number, count)
        self.clamped += clamped

    def percentile(self, p: float) -> float | None:
        """Return the value of rank ceil(p/100 n) among the n counted, 0 < ``p`` <= 100; None when nothing was counted.

        The rank is exact for the ``p`` that was written: 7 of 100 values is rank 7, though 7 / 100 * 100 is more.

        Raises:
            ValueError: ``p`` outside its range.
        """
        if not 0 < p <= PERCENT:
            raise ValueError(f"there is no percentile {p}")
        if self.count == 0:
            return None
        rank = math.ceil(Fraction(str(p)) * self.count / PERCENT)
        seen = 0
        for number, count in self._in_order():
            seen += count
            if seen >= rank:
                return representative(number)
        raise AssertionError("the buckets hold fewer values than were counted")

    def pack(self) -> list[int]:
        """Return the digest for JSON: clamped, then number and count of each bucket, rising. Equals pack alike."""
        packed = [self.clamped]
        for pair in self._in_order():
            packed += pair
        return packed

    @classmethod
    def unpack(cls, packed: Sequence[int]) -> Digest:
        """Return the digest that was packed.

        Raises:
            ValueError: it is no packed digest.
        """
        numbers, counts = list(packed[1::2]), list(packed[2::2])
        rising = numbers == sorted(set(numbers)) and len(numbers) <= BUCKETS_MAX
        clamped = packed[0] if packed else -1
        if not rising or len(numbers) != len(counts) or min(counts, default=1) < 1 or not 0 <= clamped <= sum(counts):
            raise ValueError("no packed digest")
        digest = cls()
        digest._numbers = numbers
        digest.counts = dict(zip(numbers, counts, strict=True))
        digest.count = sum(counts)
        digest.clamped = clamped
        return digest

    def _in_order(self) -> list[tuple[int, int]]:
        return [(number, self.counts[number]) for number in self._numbers]

    def _put(self, number: int, count: int) -> int:
        if number not in self.counts:
            place = bisect_left(self._numbers, number)
            if len(self._numbers) < BUCKETS_MAX:
                self._numbers.insert(place, number)
                self.counts[number] = 0
            else:
                around = self._numbers[max(place - 1, 0) : place + 1]
                number = min(around, key=lambda near: (abs(near - number), near))
                self.clamped += count
        self.counts[number] += count
        self.count += count
        return number


def number_of(value: float) -> int:
    """Return the number of the bucket that holds a finite ``value``; rises with the value."""
    size = abs(value)
    if size < ZERO_BELOW:
        return 0
    above_zero = math.ceil(math.log(size) / LOG_GAMMA) - INDEX_OF_ZERO
    return above_zero if value > 0 else -above_zero


def representative(number: int) -> float:
    """Return the value that the bucket ``number`` speaks with, within 2 % of all that it holds."""
    if number == 0:
        return 0.0
    size = 2 * GAMMA ** (abs(number) + INDEX_OF_ZERO) / (GAMMA + 1)
    return size if number > 0 else -size
