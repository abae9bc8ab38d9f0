"""A correlation has nothing beside its `where` and its levels."""

from __future__ import annotations

from dataclasses import dataclass

from ioc.rules.language.kinds import KindSpec


@dataclass(frozen=True, slots=True)
class Correlate(KindSpec):
    """Conditions of other rules that fire together."""

    @property
    def of_several(self) -> bool:
        """A key may hold several devices."""
        return True
