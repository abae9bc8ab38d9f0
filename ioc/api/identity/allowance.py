"""How much of a costly thing one account may ask: so many a minute, and a few at once after a pause."""

from collections import OrderedDict
from dataclasses import dataclass, field

from ioc.errors import TooManyRequestsError
from ioc.runtime.clock import IOClock
from ioc.runtime.token_bucket import TokenBucket

NAMES_MAX = 10_000
SECONDS_A_MINUTE = 60.0


@dataclass(slots=True)
class Allowance:
    """Each name has ``per_minute`` uses, which come back evenly; at most that many wait to be used.

    At most 10,000 names are kept, the longest unseen forgotten first.
    """

    clock: IOClock
    per_minute: int
    buckets: OrderedDict[str, TokenBucket] = field(default_factory=OrderedDict)

    def take(self, name: str) -> None:
        """Use one.

        Raises:
            TooManyRequestsError: none is left.
        """
        now = self.clock.seconds()
        bucket = self.buckets.pop(name, None)
        if bucket is None:
            bucket = TokenBucket(self.per_minute / SECONDS_A_MINUTE, now, burst=float(self.per_minute))
        self.buckets[name] = bucket
        while len(self.buckets) > NAMES_MAX:
            self.buckets.popitem(last=False)
        if not bucket.take_if_left(1.0, now):
            wait = int(bucket.wait_seconds(1.0)) + 1
            raise TooManyRequestsError(f"at most {self.per_minute} a minute: wait {wait} s", retry_after_seconds=wait)
