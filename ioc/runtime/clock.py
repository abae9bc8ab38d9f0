"""The two clocks. Only who puts processes together makes them; everybody else is handed one.

The *log clock* dates what enters the log (received_at, log_time, ticks). In a drill it is virtual.
The *I/O clock* (keep-alive, leases, retries) is always the machine's monotonic one and never virtual.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

SLEW_RATE_MAX = 500e-6
STEP_SECONDS = 5.0


class LogClock(Protocol):
    """Says what time it is for the log."""

    def now(self) -> datetime:
        """Return the log's time, aware, in UTC, never before an earlier answer."""
        ...


class IOClock(Protocol):
    """Measures elapsed time for deadlines and retries."""

    def seconds(self) -> float:
        """Return monotonic seconds from an arbitrary start."""
        ...


class MonotonicIOClock:
    """The machine's monotonic clock."""

    def seconds(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()


@dataclass(slots=True)
class AnchoredLogClock:
    """A log clock anchored once to the wall clock, then advanced by the monotonic one.

    It follows slow drift of the wall clock by at most 500 ppm (adjtime's slew). A wall step of more than five
    seconds moves nothing and is reported through ``step_seconds``, so that a system alert can name it.
    """

    anchor_wall: float = field(default_factory=time.time)
    anchor_monotonic: float = field(default_factory=time.monotonic)
    step_seconds: float = 0.0
    _last: float = 0.0
    _slewed_at: float = 0.0

    def now(self) -> datetime:
        """Return the log's time in UTC; it never goes back."""
        monotonic = time.monotonic()
        ours = self.anchor_wall + (monotonic - self.anchor_monotonic)
        drift = time.time() - ours
        if abs(drift) > STEP_SECONDS:
            self.step_seconds = drift
        else:
            self.step_seconds = 0.0
            elapsed = monotonic - max(self._slewed_at, self.anchor_monotonic)
            limit = elapsed * SLEW_RATE_MAX
            self.anchor_wall += max(-limit, min(limit, drift))
        self._slewed_at = monotonic
        self._last = max(self._last, self.anchor_wall + (monotonic - self.anchor_monotonic))
        return datetime.fromtimestamp(self._last, tz=UTC)


@dataclass(slots=True)
class SteppedLogClock:
    """A log clock that somebody steps: tests and drills."""

    current: datetime

    def now(self) -> datetime:
        """Return the time it was last stepped to."""
        return self.current

    def step_to(self, moment: datetime) -> None:
        """Move forward to ``moment``; an earlier moment changes nothing."""
        self.current = max(self.current, moment)

    def advance(self, *, seconds: float) -> None:
        """Move forward by ``seconds``."""
        self.step_to(self.current + timedelta(seconds=seconds))
