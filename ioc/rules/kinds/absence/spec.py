"""Of what, and for how long, nothing is heard."""

from __future__ import annotations

from dataclasses import dataclass

from ioc.rules.language.kinds import KindSpec


@dataclass(frozen=True, slots=True)
class Absence(KindSpec):
    """Silence of a key, or of one field of it, for longer than ``absent_us``."""

    absent_us: int
    field: str | None = None

    @property
    def look_back_us(self) -> int:
        """Return how long it waits."""
        return self.absent_us

    @property
    def has_main(self) -> bool:
        """They are about no measure."""
        return False

    @property
    def asks_registry(self) -> bool:
        """It expects to hear of those that `where` chooses."""
        return True
