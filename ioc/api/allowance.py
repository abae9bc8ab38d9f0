"""How much of a costly thing one account may ask: so many a minute, and a few at once after a pause."""

from collections import OrderedDict
from dataclasses import dataclass, field

from ioc.clock import IOClock
from ioc.errors import TooManyRequestsError

NAMES_MAX = 10_000


@dataclass(slots=True)
class Allowance:
    """Each name has ``per_minute`` uses, which come back evenly; at most that many wait to be used.

    At most 10,000 names are kept, the longest unseen forgotten first.
    """

    clock: IOClock
    per_minute: int
    left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    """By name: uses left, and when that was so."""

    def take(self, name: str) -> None:
        """Use one.

        Raises:
            TooManyRequestsError: none is left.
        """
        now = self.clock.seconds()
        left, seen = self.left.pop(name, (float(self.per_minute), now))
        left = min(float(self.per_minute), left + (now - seen) * self.per_minute / 60.0)
        self.left[name] = (left - 1.0 if left >= 1.0 else left, now)
        while len(self.left) > NAMES_MAX:
            self.left.popitem(last=False)
        if left < 1.0:
            wait = int((1.0 - left) * 60.0 / self.per_minute) + 1
            raise TooManyRequestsError(f"at most {self.per_minute} a minute: wait {wait} s", retry_after_seconds=wait)
