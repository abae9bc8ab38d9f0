"""What a client of the stream saw, against the table of changes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class StreamVerdict:
    """What one client missed, saw twice or saw out of order, of the changes in its range."""

    gaps: int
    repeats: int
    disordered: int
    foreign: int

    @property
    def clean(self) -> bool:
        """Tell whether it saw each change once, in order."""
        return not (self.gaps or self.repeats or self.disordered or self.foreign)


def judge_stream(seen: Sequence[int], table: Collection[int]) -> StreamVerdict:
    """Compare the ids that a client dispatched with the positions of the change table in its range."""
    known = set(table)
    distinct = set(seen)
    return StreamVerdict(
        gaps=len(known - distinct),
        repeats=len(seen) - len(distinct),
        disordered=sum(after <= before for before, after in pairwise(seen)),
        foreign=len(distinct - known),
    )
