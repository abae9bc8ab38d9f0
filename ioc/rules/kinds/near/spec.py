"""How near, and how many."""

from __future__ import annotations

from dataclasses import dataclass

from ioc.rules.language.kinds import KindSpec


@dataclass(frozen=True, slots=True)
class Near(KindSpec):
    """Clusters of points: each within ``radius_m`` and ``over_us`` of another of its cluster."""

    radius_m: float
    over_us: int
    minimum: int

    @property
    def look_back_us(self) -> int:
        """Return how long a member stays."""
        return self.over_us

    @property
    def makes_keys(self) -> bool:
        """Each cluster is a key."""
        return True
