"""How much one connection, one address and one device may ask of the MQTT door. Pure: time is an argument.

What it promises: every table has a bound and lets go of what it has not seen lately, so that strangers cost no memory
for ever. At its rate a connection is read no more for a while, and nothing is lost; only new connections are refused.
IPv6 addresses count by their /64.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Hashable
from dataclasses import dataclass

from ioc.runtime.token_bucket import UNLIMITED, TokenBucket

NEVER = -1.0
"""No moment of the I/O clock."""
BURST_SECONDS = 2.0
"""A rate may be used up for this long at once."""
SECONDS_A_MINUTE = 60.0
TLS_COST = 4.0
"""A TLS handshake takes as much of an address's connection rate as so many plain connections."""
ADDRESSES_MAX = 65_536
DELAY_SECONDS = 0.25
"""How long the second refused CONNECT of an address waits for its answer; each further one waits twice as long."""
FREE_FAILURES = 3
FORGET_SECONDS = 60.0
"""An address that has not failed for so long is a stranger again."""
IPV6_SITE_BITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class MQTTLimits:
    """What one connection, one address and one device may take. A rate of 0 is no limit."""

    messages_per_second: float = 0.0
    """Packets of one connection; past it the door stops reading it for a while."""
    bytes_per_second: float = 0.0
    inflight_bytes_max: int = 4 << 20
    """Payloads of one connection that are submitted and not yet committed."""
    packet_seconds: float = 10.0
    """Time for a packet under way, beside one second for each kB of it that came."""
    packet_bytes_per_second_min: float = 1_000.0
    unread_seconds: float = 30.0
    """A client that has not read our answers for so long is cut off."""
    address_connections_max: int = 2_000
    address_connects_per_second: float = 500.0
    address_half_open_max: int = 500
    """Sockets of one address that have not been let in: in their TLS handshake, or before their CONNECT."""
    device_connects_per_minute: float = 60.0
    refusal_seconds_max: float = 8.0
    """The longest that a refused CONNECT waits for its answer."""
    handshake_seconds: float = 10.0
    """Time for a TLS handshake."""


class ConnectionRate:
    """The rate of one connection. The reader counts ``left`` down for each packet, and asks for the wait below 0."""

    __slots__ = ("bytes", "packets")

    def __init__(self, limits: MQTTLimits, seconds: float) -> None:
        self.packets = bucket(limits.messages_per_second or UNLIMITED, seconds)
        self.bytes = bucket(limits.bytes_per_second or UNLIMITED, seconds)

    def wait_seconds(self, seconds: float) -> float:
        """Fill up for the time since it was last asked; return how long to read nothing, 0 if there is some left."""
        self.packets.fill(seconds)
        self.bytes.fill(seconds)
        return max(self.packets.wait_seconds(), self.bytes.wait_seconds())


def bucket(rate_per_second: float, seconds: float, *, burst_seconds: float = BURST_SECONDS) -> TokenBucket:
    """Return a bucket that may be used up for ``burst_seconds`` at once, and always by one."""
    return TokenBucket(rate_per_second, seconds, burst=max(1.0, rate_per_second * burst_seconds))


class Watch:
    """Whether a client finishes the packets that it begins and reads what it is told; asked at each sweep.

    The connection counts ``packets`` and ``bytes``; what is slow is seen without a clock for each packet.
    """

    __slots__ = ("_bytes", "_limits", "_packets", "_since", "_unread_since", "bytes", "packets")

    def __init__(self, limits: MQTTLimits) -> None:
        self._limits = limits
        self.packets = self.bytes = 0
        self._packets = self._bytes = 0
        self._since = self._unread_since = NEVER

    def is_overdue(self, seconds: float, *, amid_packet: bool) -> bool:
        """Tell whether the packet under way has taken too long; ``amid_packet`` False: none is, or we do not read."""
        if not amid_packet:
            self._since = NEVER
        elif self._since == NEVER or self._packets != self.packets:
            self._since, self._packets, self._bytes = seconds, self.packets, self.bytes
        else:
            earned = (self.bytes - self._bytes) / self._limits.packet_bytes_per_second_min
            return seconds - self._since > self._limits.packet_seconds + earned
        return False

    def is_unread(self, seconds: float, *, unread: bool) -> bool:
        """Tell whether the client has not read for too long."""
        if not unread:
            self._unread_since = NEVER
        elif self._unread_since == NEVER:
            self._unread_since = seconds
        else:
            return seconds - self._unread_since > self._limits.unread_seconds
        return False


class _Address:
    """What is known of one address."""

    __slots__ = ("connects", "failed_at", "failures", "half_open", "open")

    def __init__(self, connects: TokenBucket | None) -> None:
        self.open = 0
        self.half_open = 0
        self.failures = 0
        self.failed_at = 0.0
        self.connects = connects

    def is_forgotten(self, seconds: float) -> bool:
        if self.open or (self.failures and seconds - self.failed_at < FORGET_SECONDS):
            return False
        return self.connects is None or self.connects.is_full(seconds)


class Addresses:
    """Every address with a connection or a recent one."""

    def __init__(self, limits: MQTTLimits) -> None:
        self._limits = limits
        self._known: dict[str, _Address] = {}

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._known)

    def opens(self, site: str, seconds: float, *, tls: bool) -> str | None:
        """Take in a new socket of ``site``; return why not, as the reason of a metric, or None."""
        limits = self._limits
        address = self._known.get(site)
        if address is None:
            if len(self._known) >= ADDRESSES_MAX:
                self.forget(seconds)
                if len(self._known) >= ADDRESSES_MAX:
                    return "addresses_max"
            rate = limits.address_connects_per_second
            address = self._known[site] = _Address(bucket(rate, seconds) if rate else None)
        if address.open >= limits.address_connections_max:
            return "address_connections_max"
        if address.half_open >= limits.address_half_open_max:
            return "address_half_open_max"
        if address.connects is not None and not address.connects.take_if_left(TLS_COST if tls else 1.0, seconds):
            return "address_rate"
        address.open += 1
        address.half_open += 1
        return None

    def admitted(self, site: str) -> None:
        """Take note that a socket of ``site`` belongs to a device now."""
        address = self._known.get(site)
        if address is not None:
            address.half_open -= 1

    def closed(self, site: str, *, was_admitted: bool) -> None:
        """Take note that a socket of ``site`` is gone."""
        address = self._known.get(site)
        if address is not None:
            address.open -= 1
            address.half_open -= not was_admitted

    def failed(self, site: str, seconds: float) -> float:
        """Take note of a refused CONNECT; return how long its answer should wait.

        Only who is refused waits: an honest device behind the same address is let in at once.
        """
        address = self._known.get(site)
        if address is None:
            return 0.0
        if seconds - address.failed_at >= FORGET_SECONDS:
            address.failures = 0
        address.failures += 1
        address.failed_at = seconds
        over = address.failures - FREE_FAILURES
        if over <= 0:
            return 0.0
        return float(min(self._limits.refusal_seconds_max, DELAY_SECONDS * 2.0 ** min(over - 1, 16)))

    def forget(self, seconds: float) -> None:
        """Let go of addresses of which nothing needs to be known."""
        for site in [site for site, address in self._known.items() if address.is_forgotten(seconds)]:
            del self._known[site]


class Reconnects:
    """How often each device connects. Only devices of the registry get here, so their number is its bound."""

    def __init__(self, per_minute: float) -> None:
        self._per_second = per_minute / SECONDS_A_MINUTE
        self._known: dict[Hashable, TokenBucket] = {}

    def __len__(self) -> int:
        """How many devices are remembered."""
        return len(self._known)

    def may_connect(self, device: str, seconds: float) -> bool:
        """Tell whether a device may connect once more now."""
        if not self._per_second:
            return True
        allowance = self._known.get(device)
        if allowance is None:
            allowance = bucket(self._per_second, seconds, burst_seconds=SECONDS_A_MINUTE)
            self._known[device] = allowance
        return allowance.take_if_left(1.0, seconds)

    def forget(self, seconds: float) -> None:
        """Let go of devices that have not connected for a while."""
        for device in [device for device, allowance in self._known.items() if allowance.is_full(seconds)]:
            del self._known[device]


def site_of(host: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 of an IPv6 one."""
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, IPV6_SITE_BITS), strict=False))
