"""The mutant whose worker of sessions makes all moves that wait before it does anything else, in the order they came.

A batch of it ends at the first device that comes a second time. So it was once: a crowd that comes and goes keeps
everybody else waiting for as long as it comes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ioc.ingest.mqtt.sessions.worker import MOVES_AT_ONCE, SessionWorker


def apply() -> None:
    """Make moves first, all of them."""
    make = SessionWorker._move  # noqa: SLF001 - the mutant reaches inside

    async def move_all(self: Any, now: datetime) -> None:
        while self._moves:
            await make(self, now)

    SessionWorker._move = move_all  # type: ignore[method-assign]  # noqa: SLF001

    from ioc.ingest.mqtt.sessions.queues import MoveQueue

    def in_order(self: Any, count: int) -> dict[str, Any]:
        waiting = sorted((at, device, move) for device, moves in self._moves.items() for at, move in moves)
        chosen: dict[str, Any] = {}
        for _, device, move in waiting[: min(count, MOVES_AT_ONCE)]:
            if device in chosen:
                break
            chosen[device] = move
        return chosen

    MoveQueue.batch = in_order  # type: ignore[method-assign]
