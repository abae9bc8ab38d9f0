"""What the MQTT door needs of the store beside the log: sessions, outbound messages, wills, doors, refusals."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ioc.domain.messaging.connect_refusal import ConnectRefusal
from ioc.domain.messaging.outbound import Closing, OutboundMessage, PendingMessage
from ioc.domain.messaging.presence import Arrival, AttachedSession, Departure, Grant, HeldSessions, LastWill


class SessionStore(Protocol):
    """Who holds which device's session."""

    async def attach(self, arrivals: Sequence[Arrival], *, door: str, now: datetime) -> list[AttachedSession]:
        """Give the sessions of devices that arrived to a door, each device once."""
        ...

    async def detach(self, departures: Sequence[Departure], *, door: str, now: datetime) -> None:
        """Take note that connections are over."""
        ...

    async def grant(self, grants: Sequence[Grant]) -> None:
        """Set the subscriptions of devices."""
        ...

    async def end_expired(self, now: datetime) -> int:
        """End sessions whose time without a connection is over."""
        ...


class HeldSessionStore(Protocol):
    """What the rows say that a door holds, against what it holds."""

    async def held(self, door: str) -> HeldSessions:
        """Return what a door holds as far as the rows say."""
        ...

    async def held_connections(self, door: str) -> dict[str, int]:
        """Return the devices that a door holds with their connections."""
        ...

    async def reclaim(self, connections: Mapping[str, int], *, door: str, now: datetime) -> set[str]:
        """Take back sessions that were given up for lost while their connections lived on."""
        ...


class OutboundStore(Protocol):
    """What is to be told to devices."""

    async def append(self, messages: Sequence[OutboundMessage], now: datetime) -> list[int | None]:
        """Append messages for devices that ask for them; return each one's number, None where it was not taken."""
        ...

    async def read(self, wanted: Sequence[tuple[str, int, int, int]]) -> list[PendingMessage]:
        """Return what waits: (device, connection, after this number, at most so many)."""
        ...

    async def close(self, closings: Sequence[Closing], now: datetime) -> None:
        """End messages."""
        ...

    async def release(self, messages: Sequence[tuple[str, int]]) -> None:
        """Note that devices have confirmed messages at QoS 2."""
        ...


class WillStore(Protocol):
    """Last wills that are due."""

    async def claim(self, now: datetime, *, limit: int) -> list[LastWill]:
        """Return due wills, for this door to publish."""
        ...

    async def forget(self, wills: Sequence[LastWill]) -> None:
        """Remove wills that the log has."""
        ...


class DoorStore(Protocol):
    """Which doors are alive, and what they have to report."""

    async def beat(self, door: str, now: datetime) -> None:
        """Say that a door lives."""
        ...

    async def beats(self) -> dict[str, int]:
        """Return the beat of every door."""
        ...

    async def lose(self, doors: Collection[str], now: datetime) -> int:
        """Set offline some of what dead doors held; return how many, 0 when nothing is left."""
        ...

    async def audit_foreign(self, publishes: Sequence[tuple[str, str]], now: datetime) -> None:
        """Write into the audit trail that devices spoke on topics (device, topic) which are not theirs."""
        ...


class RefusalStore(Protocol):
    """Refused CONNECTs, for people to read."""

    async def record(self, refusals: Sequence[ConnectRefusal]) -> None:
        """Add refusals to those that are kept, all of them or none."""
        ...


@dataclass(frozen=True, slots=True)
class MQTTStores:
    """The six ports of one database."""

    sessions: SessionStore
    held: HeldSessionStore
    outbound: OutboundStore
    wills: WillStore
    doors: DoorStore
    refusals: RefusalStore
