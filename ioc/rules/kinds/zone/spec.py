"""A place on the map."""

from __future__ import annotations

from dataclasses import dataclass

from ioc.rules.language.kinds import KindSpec


@dataclass(frozen=True, slots=True)
class ZoneSpec(KindSpec):
    """A polygon of (lon, lat), or a circle. ``margin_m``: how far outside is outside."""

    leave: bool
    margin_m: float
    polygon: tuple[tuple[float, float], ...] = ()
    centre: tuple[float, float] | None = None
    radius_m: float = 0.0

    @property
    def has_value(self) -> bool:
        """It finds out that something happened."""
        return False

    @property
    def has_main(self) -> bool:
        """They are about no measure."""
        return False
