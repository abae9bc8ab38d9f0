"""The mutant whose log goes by the wall clock: a jump of that is a jump of every timer."""

from __future__ import annotations

from datetime import UTC, datetime

from ioc.runtime.clock import AnchoredLogClock


def apply() -> None:
    """Ask the wall each time."""

    def now(self: AnchoredLogClock) -> datetime:
        del self
        return datetime.now(UTC)

    AnchoredLogClock.now = now  # type: ignore[method-assign]
