"""What hinders this process right now, by a fixed word: readiness, screens and metrics tell it from here, at once.

Nobody who asks waits for the database: watchers put their findings here, and readers only look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

DATABASE = "database"
DISK = "disk"
DURABILITY = "durability"
INTAKE = (DATABASE, DISK)
"""What stops the intake. Beside these words each kind of role is one: it is missed, and whoever works goes on."""

Listener = Callable[[str, str | None], None]


@dataclass(slots=True)
class HealthConditions:
    """The troubles of one process, with a few words for people on each; no host, path or account in them."""

    _why: dict[str, str] = field(default_factory=dict)
    listeners: list[Listener] = field(default_factory=list)
    """Called with the word and why, or None when it is over."""

    def report(self, what: str, why: str | None) -> None:
        """Note that a trouble stands (or, None, that it is over); listeners hear of a change only."""
        before = self._why.get(what)
        if before == why:
            return
        if why is None:
            del self._why[what]
        else:
            self._why[what] = why
        if before is None or why is None:
            log = structlog.get_logger()
            log.warning("trouble", what=what, why=why) if why is not None else log.warning("trouble_over", what=what)
        for listener in self.listeners:
            listener(what, why)

    def why(self, what: str) -> str | None:
        """Return why it stands, or None."""
        return self._why.get(what)

    def current(self) -> Mapping[str, str]:
        """Return what stands now, and why."""
        return dict(self._why)
