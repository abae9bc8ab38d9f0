"""Guessing slows down where it is done: each failure makes the next attempt of that account from there wait longer.

A shared address must not make its neighbours wait for a stranger's failures, and a stranger must not lock a person out:
so the delay is one account's at one address, and a browser that has proved an earlier sign-in of that account counts as
a place of its own. Beside that stand two wide bounds: on one account from everywhere, on one address for everybody.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from ioc.errors import TooManyRequestsError
from ioc.runtime.clock import IOClock

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

    def wait_seconds(self, name: str) -> int:
        """Return how long a name must still wait, 0 when it may try."""
        entry, now = self.entries.get(name), self.clock.seconds()
        return 0 if entry is None or entry.free_at <= now else int(entry.free_at - now) + 1

    def succeed(self, name: str) -> None:
        """Forget the failures of a name."""
        self.entries.pop(name, None)

    def withdraw(self, name: str) -> None:
        """Take one attempt back: it did not fail, yet gives a shared address no clean slate."""
        entry = self.entries.get(name)
        if entry is not None:
            entry.failures = max(0, entry.failures - 1)
            entry.free_at = 0.0 if entry.failures < self.free else entry.free_at


FREE_PLACE_ATTEMPTS = 5
FREE_ACCOUNT_ATTEMPTS = 50
FREE_ADDRESS_ATTEMPTS = 200
ACCOUNT_DELAY_SECONDS_MAX = 60.0
ADDRESS_DELAY_SECONDS_MAX = 30.0


class SignInThrottle:
    """Who may try a password now."""

    def __init__(self, clock: IOClock) -> None:
        self._places = Throttle(clock, FREE_PLACE_ATTEMPTS)
        self._accounts = Throttle(clock, FREE_ACCOUNT_ATTEMPTS, ACCOUNT_DELAY_SECONDS_MAX)
        self._addresses = Throttle(clock, FREE_ADDRESS_ATTEMPTS, ADDRESS_DELAY_SECONDS_MAX)

    def begin(self, username: str, address: str, *, device: str | None) -> None:
        """Count an attempt as failed before it is tried. ``device`` is a browser that this account is known to use.

        Raises:
            TooManyRequestsError: it must wait; the attempt is not tried.
        """
        counted = [(self._places, f"{username}\n{device or address}")]
        if device is None:
            counted += [(self._accounts, username), (self._addresses, address)]
        wait = max(throttle.wait_seconds(name) for throttle, name in counted)
        if wait:
            raise TooManyRequestsError(f"too many attempts: wait {wait} s", retry_after_seconds=wait)
        for throttle, name in counted:
            throttle.begin(name)

    def succeed(self, username: str, address: str, *, device: str | None) -> None:
        """Forget the failures of the account, here and everywhere; a shared address gets no clean slate by one."""
        self._places.succeed(f"{username}\n{device or address}")
        if device is None:
            self._accounts.succeed(username)
            self._addresses.withdraw(address)
