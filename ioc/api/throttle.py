"""Guessing slows down: each failure of an account or an address makes the next answer wait longer."""

from collections import OrderedDict
from dataclasses import dataclass, field

from ioc.clock import IOClock
from ioc.errors import TooManyRequestsError

ENTRIES_MAX = 10_000
FORGET_SECONDS = 3_600.0
DELAY_SECONDS_MAX = 300.0


@dataclass(slots=True)
class Attempts:
    """Failures of one name and when the next attempt may come."""

    failures: int = 0
    free_at: float = 0.0
    seen_at: float = 0.0


@dataclass(slots=True)
class Throttle:
    """Counts attempts by name. The first ``free`` cost nothing, then the delay doubles from one second.

    At most 10,000 names are kept, the longest unseen forgotten first: an attacker with more names than that
    still meets the throttle of the other kind (account against address) and the bound on hashes at once.
    """

    clock: IOClock
    free: int
    delay_seconds_max: float = DELAY_SECONDS_MAX
    entries: OrderedDict[str, Attempts] = field(default_factory=OrderedDict)

    def begin(self, name: str) -> None:
        """Count an attempt as failed before it is tried, so that attempts at once cannot slip past the count.

        Raises:
            TooManyRequestsError: the name must wait; the attempt is not tried.
        """
        now = self.clock.seconds()
        entry = self.entries.pop(name, None)
        if entry is None or now - entry.seen_at > FORGET_SECONDS:
            entry = Attempts()
        self.entries[name] = entry
        while len(self.entries) > ENTRIES_MAX:
            self.entries.popitem(last=False)
        if entry.free_at > now:
            wait = int(entry.free_at - now) + 1
            raise TooManyRequestsError(f"too many attempts: wait {wait} s", retry_after_seconds=wait)
        entry.seen_at = now
        entry.failures += 1
        if entry.failures >= self.free:
            # 2.0 ** 64 is far above the bound and far below overflow.
            delay = min(2.0 ** min(entry.failures - self.free, 64), self.delay_seconds_max)
            entry.free_at = now + delay

    def succeed(self, name: str) -> None:
        """Forget the failures of a name."""
        self.entries.pop(name, None)

    def withdraw(self, name: str) -> None:
        """Take one attempt back: it did not fail, yet gives a shared address no clean slate."""
        entry = self.entries.get(name)
        if entry is not None:
            entry.failures = max(0, entry.failures - 1)
            entry.free_at = 0.0 if entry.failures < self.free else entry.free_at
