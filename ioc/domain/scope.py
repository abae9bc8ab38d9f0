"""What a caller may see and change, as one value: reads and writes obey the same wall."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Scope:
    """The wall around one caller. ``areas`` null means every area; an empty set sees and changes nothing.

    A row without an area that speaks of a whole zone is seen by who may see all of that zone (``zones``).
    """

    areas: frozenset[str] | None = None
    zones: frozenset[str] = frozenset()
    hidden_feeds: frozenset[str] = frozenset()
    restricted: bool = True
    """Whether restricted rows are seen at all."""

    def sees(self, *, area: str | None, zone: str | None, restricted: bool = False, feed: str | None = None) -> bool:
        """Tell whether one row is inside the wall: the same verdict as :meth:`Where.scope` gives in SQL."""
        if restricted and not self.restricted:
            return False
        if feed is not None and feed in self.hidden_feeds:
            return False
        if self.areas is None:
            return True
        return area in self.areas if area is not None else zone is not None and zone in self.zones

    def narrow(self, areas: frozenset[str], zones: frozenset[str]) -> Self:
        """Return the scope that also lies inside a filter's areas; ``zones`` are those the filter covers whole."""
        if self.areas is None:
            return replace(self, areas=areas, zones=zones)
        return replace(self, areas=self.areas & areas, zones=self.zones & zones)
