"""The mutant whose rule engine trusts its snapshot alone: what came between it and the cursor is not folded again."""

from __future__ import annotations

from datetime import datetime

from ioc.rules.engine import RuleEngine
from ioc.rules.ports import StoredState
from ioc.rules.state.memory import Memory


def apply() -> None:
    """Go on from the cursor with the memory of the snapshot."""
    honest = RuleEngine._restored  # noqa: SLF001 - to break it is the purpose

    def restored(self: RuleEngine, stored: StoredState) -> tuple[Memory, int, datetime]:
        memory, _, _ = honest(self, stored)
        return memory, stored.position, stored.log_time

    RuleEngine._restored = restored  # type: ignore[method-assign] # noqa: SLF001
