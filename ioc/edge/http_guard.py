"""The guard before the HTTP port: how many connections there may be, how long each may hold what it holds.

uvicorn itself waits for ever on a silent socket, a header that trickles, a body that trickles and a reader that does
not read (docs/operations.md, The HTTP port). Here each of these has a bound in time or number, and reaching it is
counted. Nobody is refused because others sit idle: at a bound the connection that has done nothing for longest ends
first, and a newcomer is refused only where every other connection is at work.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from ioc.errors import SettingsError
from ioc.runtime.clock import IOClock
from ioc.runtime.metrics import Metrics

SWEEP_SECONDS = 0.5
PACE_SECONDS = 0.005
EVICTED_SHARE = 32
"""At the bound one in so many idle connections ends, so that a flood does not cost a search for each newcomer."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class RequestPhase(Enum):
    """What a connection is doing."""

    FRESH = "fresh"
    """Nothing has come yet."""
    HEADER = "header"
    """A header is half here."""
    BODY = "body"
    """A body is half here."""
    ANSWERING = "answering"
    """The request is whole; the house is at work on it, or its stream runs."""
    DRAINING = "draining"
    """It is answered already; what is left of the body is thrown away."""
    IDLE = "idle"
    """Answered; the next request may come."""
    LINGERING = "lingering"
    """We have refused and said our last; the client has a moment to read it."""


EVICTABLE = frozenset(
    {RequestPhase.FRESH, RequestPhase.HEADER, RequestPhase.DRAINING, RequestPhase.IDLE, RequestPhase.LINGERING}
)
"""Connections that cost a client nothing to lose, or that are being ended anyway."""


@dataclass(frozen=True, slots=True)
class GuardBounds:
    """The bounds of one port. Sizes in bytes, times in seconds, rates in bytes a second."""

    connections_max: int
    connections_per_address_max: int
    requests_per_connection_max: int
    header_bytes_max: int
    header_seconds: float
    idle_seconds: float
    body_bytes_per_second: float
    write_seconds: float
    body_bytes_max: int
    """A body on a route that ``body_bytes_by_prefix`` does not name."""
    body_bytes_by_prefix: Mapping[str, int] = field(default_factory=dict)
    grace_seconds: float = 5.0
    """A body's first seconds are not measured: a radio link may pause."""
    drain_seconds: float = 5.0
    linger_seconds: float = 2.0
    trusted: Sequence[Network] = ()

    def body_limit(self, path: str) -> int:
        """Return how many bytes of a body this path may get."""
        for prefix, limit in self.body_bytes_by_prefix.items():
            if path.startswith(prefix):
                return limit
        return self.body_bytes_max


class GuardTarget(Protocol):
    """A connection as the guard sees it."""

    phase: RequestPhase
    since: float
    peer: str

    def check(self, now: float, passed: float) -> None:
        """End the connection if it holds something for too long; ``passed`` seconds since the last check."""
        ...

    def evict(self) -> None:
        """End the connection to make room."""
        ...

    def go_on(self) -> None:
        """Begin the next request, which was here before the last one was answered."""
        ...


@dataclass(frozen=True, slots=True)
class RequestRefusal:
    """Why a connection or request is not taken: the status, a word for the metric."""

    status: int
    reason: str


class HTTPGuard:
    """Knows every connection of one port."""

    def __init__(self, bounds: GuardBounds, *, io_clock: IOClock, metrics: Metrics) -> None:
        self.bounds = bounds
        self._io_clock = io_clock
        self._metrics = metrics
        self._connections: dict[GuardTarget, None] = {}
        self._addresses: dict[str, dict[GuardTarget, None]] = {}
        self._requests: Counter[str] = Counter()
        self._trusted: dict[str, bool] = {}
        self._pipelining: deque[GuardTarget] = deque()

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def now(self) -> float:
        """Return monotonic seconds."""
        return self._io_clock.seconds()

    def count(self, reason: str) -> None:
        """Count a refusal."""
        self._metrics.http_refused.labels(reason).inc()

    async def run(self, *, every_seconds: float = SWEEP_SECONDS) -> None:
        """Check every connection, twice a second, until cancelled."""
        last = self.now()
        while True:
            await asyncio.sleep(every_seconds)
            now = self.now()
            self.sweep(now, now - last)
            last = now

    def sweep(self, now: float, passed: float) -> None:
        """Let every connection look at its clock once; ``passed`` seconds since the last time."""
        for connection in list(self._connections):
            connection.check(now, passed)

    def admit(self, connection: GuardTarget) -> RequestRefusal | None:
        """Take a new connection in, making room if need be; return why not."""
        peer, refused = connection.peer, None
        siblings = self._addresses.get(peer, {})
        if len(siblings) >= self.bounds.connections_per_address_max and not self.is_trusted(peer):
            if not self._make_room(siblings):
                refused = RequestRefusal(429, "address_connections")
        elif len(self._connections) >= self.bounds.connections_max and not self._make_room(self._connections):
            refused = RequestRefusal(503, "connections")
        # A refused connection is registered as well until it closes: writing the refusal to it needs a deadline.
        self._connections[connection] = None
        self._addresses.setdefault(peer, {})[connection] = None
        self._metrics.http_connections.set(len(self._connections))
        return refused

    def _make_room(self, among: Iterable[GuardTarget]) -> bool:
        """End those that have done nothing for longest; tell whether any did."""
        idle = sorted((one for one in among if one.phase in EVICTABLE), key=lambda one: one.since)
        for one in idle[: max(1, len(idle) // EVICTED_SHARE)]:
            self.count("evicted")
            self.leave(one)
            one.evict()
        return bool(idle)

    def leave(self, connection: GuardTarget) -> None:
        """Forget a connection that is gone."""
        if connection not in self._connections:
            return
        del self._connections[connection]
        siblings = self._addresses[connection.peer]
        del siblings[connection]
        if not siblings:
            del self._addresses[connection.peer]
        self._metrics.http_connections.set(len(self._connections))

    def pace(self, connection: GuardTarget) -> None:
        """Let a connection that pipelines go on when it is its turn: all of them together get one each few ms.

        Else a hundred sockets with ten thousand requests each would leave nobody else a turn of the loop.
        """
        self._pipelining.append(connection)
        if len(self._pipelining) == 1:
            asyncio.get_running_loop().call_later(PACE_SECONDS, self._go_on)

    def _go_on(self) -> None:
        connection = self._pipelining.popleft()
        if self._pipelining:
            asyncio.get_running_loop().call_later(PACE_SECONDS, self._go_on)
        if connection in self._connections:
            connection.go_on()

    def begin_request(self, address: str) -> bool:
        """Count a request that came through a trusted proxy to its own sender; tell whether it may be served."""
        if self._requests[address] >= self.bounds.connections_per_address_max:
            return False
        self._requests[address] += 1
        return True

    def end_request(self, address: str) -> None:
        """Take such a request off the count."""
        self._requests[address] -= 1
        if not self._requests[address]:
            del self._requests[address]

    def is_trusted(self, peer: str) -> bool:
        """Tell whether a peer is one of our own proxies."""
        if not self.bounds.trusted:
            return False
        known = self._trusted.get(peer)
        if known is None:
            if len(self._trusted) > self.bounds.connections_max:
                self._trusted.clear()
            known = self._trusted[peer] = within(peer, self.bounds.trusted)
        return known

    def forwarded_sender(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[str | None, str | None]:
        """Return (address, scheme) of the sender as a trusted proxy says it, None where it says nothing that holds.

        The rightmost address that is not one of our proxies counts: what stands left of it, anybody may have written.
        """
        chain: list[str] = []
        scheme = None
        for name, value in headers:
            if name == b"x-forwarded-for":
                chain += value.decode("latin-1").split(",")
            elif name == b"x-forwarded-proto" and value in (b"http", b"https"):
                scheme = value.decode()
        for text in reversed(chain):
            address = text.strip()
            if not is_address(address):
                return None, scheme
            if not within(address, self.bounds.trusted):
                return address, scheme
        return None, scheme


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def within(text: str, networks: Sequence[Network]) -> bool:
    """Tell whether an address lies in one of the networks; an IPv4 address in IPv6's clothes counts as IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address.version == network.version and address in network for network in networks)


def read_networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a setting: addresses or networks with commas between them.

    Raises:
        SettingsError: one of them is none, or is everybody.
    """
    networks = []
    for part in (piece.strip() for piece in text.split(",")):
        if not part:
            continue
        try:
            network = ipaddress.ip_network(part, strict=False)
        except ValueError as error:
            raise SettingsError(f"IOC_HTTP_TRUSTED_PROXIES: {part!r} is no address or network") from error
        if not network.prefixlen:
            raise SettingsError("IOC_HTTP_TRUSTED_PROXIES: to trust everybody is to trust what anybody writes")
        networks.append(network)
    return tuple(networks)
