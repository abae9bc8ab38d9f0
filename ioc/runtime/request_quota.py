"""How many requests one key or account has, shared by every process of an instance.

The quota of each lies in the database; a process borrows a twentieth of it at a time and counts down in memory. So a
request costs nothing but a count, and two processes together give no more than one would.
The headers are those of draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ioc.errors import StoreUnavailableError, TooManyRequestsError

WINDOW_SECONDS = 60
BORROWED_SHARE = 20
NAMES_MAX = 10_000
SCOPE = "ioc.quota"
"""Where a request's scope carries the headers of its quota."""
Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Loan:
    """What a process got of a quota: so many requests, how many are left for all, seconds until there is another."""

    granted: int
    left: float
    wait_seconds: float


class Seconds(Protocol):
    """A clock that never goes back."""

    def seconds(self) -> float:
        """Return seconds."""
        ...


class Wall(Protocol):
    """The time of day."""

    def now(self) -> datetime:
        """Return it."""
        ...


class QuotaStore(Protocol):
    """Where the quotas lie."""

    async def borrow(self, policy: str, name: str, *, quota: int, seconds: int, wanted: int, now: datetime) -> Loan:
        """Take up to ``wanted`` requests of a quota that fills up evenly, ``quota`` in ``seconds``."""
        ...


@dataclass(slots=True)
class _Account:
    """One name's requests in this process."""

    held: int = 0
    left: float = 0.0
    """What the database had left for everybody when we borrowed last."""
    empty_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RequestQuota:
    """One policy: so many requests a minute for each name. ``quota`` 0: any number."""

    def __init__(self, policy: str, quota: int, *, store: QuotaStore, io_clock: Seconds, wall: Wall) -> None:
        self._policy = policy
        self._quota = quota
        self._store = store
        self._io_clock = io_clock
        self._wall = wall
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._told = (b"ratelimit-policy", f'"{policy}";q={quota};w={WINDOW_SECONDS}'.encode())

    async def take(self, name: str) -> Headers:
        """Use one request and return the headers that say what is left.

        Raises:
            TooManyRequestsError: none is left.
        """
        if not self._quota:
            return ()
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = _Account()
            if len(self._accounts) > NAMES_MAX:
                self._accounts.popitem(last=False)
        if not account.held:
            async with account.lock:
                if not account.held:
                    await self._borrow(name, account)
        account.held -= 1
        return self._headers(account)

    async def _borrow(self, name: str, account: _Account) -> None:
        """Get more requests.

        Raises:
            TooManyRequestsError: there are none.
        """
        wait = account.empty_until - self._io_clock.seconds()
        if wait <= 0:
            wanted = max(1, self._quota // BORROWED_SHARE)
            try:
                loan = await self._store.borrow(
                    self._policy, name, quota=self._quota, seconds=WINDOW_SECONDS, wanted=wanted, now=self._wall.now()
                )
            except StoreUnavailableError:
                loan = Loan(wanted, 0.0, 0.0)  # what needs the database will say so itself
            account.held, account.left, wait = loan.granted, loan.left, loan.wait_seconds
            account.empty_until = self._io_clock.seconds() + wait if not loan.granted else 0.0
        if not account.held:
            seconds = max(1, math.ceil(wait))
            raise TooManyRequestsError(
                f"at most {self._quota} requests a minute: wait {seconds} s", retry_after_seconds=seconds,
                headers=self._headers(account),
            )  # fmt: skip

    def _headers(self, account: _Account) -> Headers:
        left = min(self._quota, account.held + int(account.left))
        full_in = math.ceil((self._quota - left) * WINDOW_SECONDS / self._quota)
        return self._told, (b"ratelimit", b'"%b";r=%d;t=%d' % (self._policy.encode(), left, full_in))
