"""Whether the working loops of this process turn: each loop beats by itself, so a loop that hangs is not hidden.

Two listen. The supervisor hears a byte on a pipe at least once a second and restarts a process that says nothing for
fifteen seconds. Everybody else reads the beat in the database (:mod:`ioc.assembly.role_beat` carries it there). A loop
that only waits for the database still counts for the supervisor: a new process would wait just the same.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Protocol

TURN_SECONDS_MAX = 0.5
"""A loop that has nothing to do waits at most so long before it turns again."""
FRESH_SECONDS = 2.0
"""A loop that turned so recently is at work."""
PIPE_SECONDS = 0.5
BUSY_SLACK_SECONDS = 1.0


class Beat(Protocol):
    """What a working loop calls at each turn, at least once a second."""

    def __call__(self, *, working: bool = True) -> None:
        """Say that the loop turns; not ``working``: it stands by for another process that does the work."""
        ...


def no_beat(*, working: bool = True) -> None:
    """Stand in where nobody listens."""
    del working


class WorkLoop:
    """One loop and when it turned last."""

    __slots__ = ("_heard", "_seconds", "turned_at", "working")

    def __init__(self, seconds: Callable[[], float], heard: Callable[[float], None]) -> None:
        self._seconds = seconds
        self._heard = heard
        self.turned_at = seconds()
        self.working = True

    def __call__(self, *, working: bool = True) -> None:
        """Say that the loop turns."""
        self.turned_at = now = self._seconds()
        self.working = working
        self._heard(now)


class Liveness:
    """The working loops of one process. ``seconds`` is its monotonic clock, ``pipe`` leads to the supervisor."""

    def __init__(self, seconds: Callable[[], float], *, pipe: int | None = None) -> None:
        self.seconds = seconds
        self._pipe = pipe
        self._loops: list[WorkLoop] = []
        self._told_at = float("-inf")

    def loop(self) -> WorkLoop:
        """Return the beat of another loop of this process, which from now on must turn."""
        loop = WorkLoop(self.seconds, self._heard)
        self._loops.append(loop)
        return loop

    @property
    def turned_at(self) -> float:
        """When the loop that has stood longest turned last; infinite without a loop."""
        return min((loop.turned_at for loop in self._loops), default=float("inf"))

    @property
    def working(self) -> bool:
        """Tell whether no loop only stands by."""
        return all(loop.working for loop in self._loops)

    def excuse(self, busy_since: float | None) -> None:
        """Tell the supervisor that a loop stands still only since a use of the database began that has not ended."""
        now, stands_since = self.seconds(), self.turned_at
        if now - stands_since > FRESH_SECONDS and busy_since is not None:
            began_with_it = busy_since <= stands_since + BUSY_SLACK_SECONDS
            if began_with_it and now - self._told_at >= PIPE_SECONDS:
                self._tell(now)

    def _heard(self, now: float) -> None:
        if now - self._told_at >= PIPE_SECONDS and now - self.turned_at <= FRESH_SECONDS:
            self._tell(now)

    def _tell(self, now: float) -> None:
        self._told_at = now
        if self._pipe is not None:
            # A full pipe means that the supervisor stands still; a broken one that it is gone: neither is our fault.
            with contextlib.suppress(OSError):
                os.write(self._pipe, b"\0")
