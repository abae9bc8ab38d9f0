"""The steps, and within what time they follow each other."""

from __future__ import annotations

from dataclasses import dataclass

from ioc.rules.language.clause import Clause
from ioc.rules.language.kinds import KindSpec

STANDS_US_MIN = 60 * 1_000_000
"""A completed chain stands at least this long."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a sequence."""

    feed: str
    where: Clause | None = None


@dataclass(frozen=True, slots=True)
class Sequence(KindSpec):
    """Steps that follow each other within ``within_us`` of the first."""

    steps: tuple[Step, ...]
    within_us: int

    @property
    def look_back_us(self) -> int:
        """Return how long ago the first step may have been."""
        return self.within_us

    @property
    def stands_us(self) -> int | None:
        """Return how long a completed chain stands."""
        return max(self.within_us, STANDS_US_MIN)

    @property
    def has_value(self) -> bool:
        """It finds out that something happened."""
        return False

    @property
    def has_main(self) -> bool:
        """They are about no measure."""
        return False
