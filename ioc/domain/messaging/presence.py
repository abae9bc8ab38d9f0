"""Whether a device is connected over MQTT, and the session that outlives its connection. Pure values.

A session is the device's: there is one, whatever client id the device gives, because the key proves who it is and a
client id proves nothing. ``connection`` is a random number of 62 bits that one connection has for its whole life; the
row that carries it says whose the session is now, and what an older connection still wants changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Presence(StrEnum):
    """Whether a device is connected at an MQTT door."""

    ONLINE = "online"
    """It is connected, or its door was until a moment ago."""
    OFFLINE = "offline"
    """It is not."""


class PresenceReason(StrEnum):
    """Why a device is online or offline."""

    CONNECTED = "connected"
    """It came."""
    DISCONNECTED = "disconnected"
    """It said goodbye."""
    LOST = "lost"
    """Its connection broke, it fell silent, or it asked for its will to be published."""
    CLOSED = "closed"
    """The door closed it: a violation of the protocol, or a key that is gone."""
    DOOR_GONE = "door_gone"
    """The door that it was connected to is gone, and it did not come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWill:
    """What is to be published for a device when it is lost, ``delay_seconds`` after that."""

    device: str
    connection: int
    topic: str
    payload: bytes
    content_type: str | None = None
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A device connects. ``expiry_seconds``: how long its session outlives this connection, 0 not at all."""

    device: str
    connection: int
    clean_start: bool
    expiry_seconds: int
    will: LastWill | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedSession:
    """The session of a device that arrived.

    ``resumed``: an earlier session goes on, with its ``filters`` (to the QoS granted). ``number`` is that of its newest
    message; up to ``sent_to`` (None: unknown, so possibly all) they may have been sent before.
    """

    device: str
    connection: int
    resumed: bool
    filters: Mapping[str, int]
    number: int
    sent_to: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A connection is over. ``expiry_seconds`` null leaves what its CONNECT said; ``sent_to`` as in Attached."""

    device: str
    connection: int
    reason: PresenceReason
    publish_will: bool
    sent_to: int | None
    expiry_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """The whole set of subscriptions of a device, filter to QoS, as of now."""

    device: str
    connection: int
    filters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class HeldSessions:
    """What the store says that a door holds: how many sessions, the sum of their connections, and who has mail.

    ``waiting`` maps a device with waiting messages to the number of its newest.
    """

    sessions: int
    connections_sum: int
    waiting: Mapping[str, int]


DOOR_BEAT_SECONDS = 2.0
"""How often a door says that it lives, and how often it is looked at."""
DOOR_GONE_SECONDS = 10.0
DOOR_LOOKS = 5


@dataclass(slots=True)
class DoorWatch:
    """Who watches the doors: one whose beat stands still for long enough is dead. No clocks are compared.

    A look that failed says nothing about anybody, so the watch then begins anew (:meth:`blink`).
    """

    _seen: dict[str, tuple[int, float, int]] = field(default_factory=dict)

    def look(self, beats: Mapping[str, int], seconds: float) -> set[str]:
        """Return the dead among the doors with these beats, at ``seconds`` of the watcher's own clock."""
        seen: dict[str, tuple[int, float, int]] = {}
        for door, beat in beats.items():
            before = self._seen.get(door)
            if before is None or before[0] != beat:
                seen[door] = (beat, seconds, 1)
            else:
                seen[door] = (beat, before[1], before[2] + 1)
        self._seen = seen
        return {
            door
            for door, (_, since, looks) in seen.items()
            if looks >= DOOR_LOOKS and seconds - since >= DOOR_GONE_SECONDS
        }

    def blink(self) -> None:
        """Forget what was seen."""
        self._seen = {}
