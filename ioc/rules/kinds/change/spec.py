"""Which differences to the reading before are looked at."""

from __future__ import annotations

from dataclasses import dataclass

from ioc.rules.language.kinds import KindSpec, Measure


@dataclass(frozen=True, slots=True)
class Change(KindSpec):
    """Differences to the reading before."""

    measures: tuple[Measure, ...]

    @property
    def own_measures(self) -> tuple[Measure, ...]:
        """Return its measures."""
        return self.measures
