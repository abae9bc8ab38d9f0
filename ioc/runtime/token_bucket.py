"""A token bucket: so much a second, and a bounded stock for bursts. Pure: time is an argument, in seconds.

Example: 10 a second with a burst of 2 s. Full it holds 20. ``take(25, 0)`` leaves -5, which is waited for 0.5 s; at
second 1 it holds 5 again; after two idle seconds 20, and no more.
"""

from __future__ import annotations

UNLIMITED = float("inf")


class TokenBucket:
    """``left`` tokens when it was last filled; below 0 it is overdrawn, and what is over must be waited for."""

    __slots__ = ("_at", "burst", "left", "rate")

    def __init__(self, rate_per_second: float, seconds: float, *, burst: float) -> None:
        self.rate = rate_per_second
        self.burst = burst
        self.left = burst
        self._at = seconds

    def fill(self, seconds: float) -> float:
        """Add what has come since; a clock that goes back adds nothing. Return what is left."""
        elapsed, self._at = max(0.0, seconds - self._at), seconds
        self.left = min(self.burst, self.left + elapsed * self.rate) if self.rate != UNLIMITED else self.burst
        return self.left

    def take(self, amount: float, seconds: float) -> float:
        """Take an amount; return how many seconds to wait before the next, 0 if the bucket is not overdrawn."""
        self.fill(seconds)
        self.left -= amount
        return self.wait_seconds()

    def take_if_left(self, amount: float, seconds: float) -> bool:
        """Take an amount only if it is there."""
        if self.fill(seconds) < amount:
            return False
        self.left -= amount
        return True

    def wait_seconds(self, wanted: float = 0.0) -> float:
        """Return how many seconds after the last filling ``wanted`` are there."""
        return max(0.0, (wanted - self.left) / self.rate) if self.rate != UNLIMITED else 0.0

    def is_full(self, seconds: float) -> bool:
        """Tell whether nothing is remembered in it any more."""
        return self.fill(seconds) >= self.burst
