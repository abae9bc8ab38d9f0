"""What a door hands to the pipeline, and what it needs from the rest of the house."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from ioc.domain.batch import BatchToken
from ioc.domain.device import Device
from ioc.domain.event import DeadLetter, Message, Receipt
from ioc.domain.people.account import KeyRecord
from ioc.domain.places.area import Area
from ioc.domain.scope import Scope
from ioc.ingest.pipeline.backlog import Lane, Share
from ioc.ingest.pipeline.ready import ReadyItem, RefusedItem


class Delivery(NamedTuple):
    """One body as it came in, with the identity that the door has proved.

    ``device`` null means the body's items name their device (feed keys only). ``nonce`` makes the identity of a
    message with neither id nor time unique to its connection and packet. ``lane`` is the sender's, where the door can
    hold a backlog back; None: it is never held. A tuple because every event is one of these, as a message is.
    """

    feed: str
    device: str | None
    body: bytes
    received_at: datetime
    door: str
    nonce: bytes
    topic: str | None = None
    content_type: str | None = None
    history: bool = False
    ready: Sequence[ReadyItem | RefusedItem] | None = None
    """The body's events, where its door has read them already; a feed or device that one names counts instead of the
    delivery's. None: the body is not decoded yet."""
    lane: Lane | None = None
    retained: bool = False
    """A copy that a broker kept, of any age: only with a ``time`` is it a reading."""
    wall: Scope | None = None
    """What the sender's key may write into; None: everywhere (a device's own key speaks for it wherever it stands)."""


class Bundle:
    """What one sender has queued together: it is committed as one, and answered at once with a receipt for each item.

    Until a batch takes it, it stays open for more of the same sender. So one future, one callback and one write serve
    many messages; for each message they were most of what it cost at the MQTT door.
    """

    __slots__ = ("done", "is_open", "items", "size")

    def __init__(self, done: asyncio.Future[list[Receipt]]) -> None:
        self.items: list[Message | DeadLetter] = []
        self.size = 0
        """What it costs of the queue's bytes."""
        self.done = done
        """One receipt for each item, once they are committed."""
        self.is_open = True


class Submission(Protocol):
    """What the pipeline takes from a door."""

    def add(self, delivery: Delivery, bundle: Bundle | None = None) -> Bundle:
        """Queue a delivery, in its sender's last bundle while that is open; its future is done after its commit."""
        ...

    def add_letter(self, letter: DeadLetter, bundle: Bundle | None = None) -> Bundle:
        """Queue what the door itself refused, in the same way."""
        ...


class Room(Protocol):
    """Whether the pipeline takes more, and of whom."""

    @property
    def has_room(self) -> bool:
        """Tell whether another delivery may be submitted."""
        ...

    @property
    def share(self) -> Share:
        """What backlogs may send."""
        ...

    async def wait_for_room(self) -> None:
        """Return when there is room again."""
        ...


class Intake(Submission, Room, Protocol):
    """The pipeline as a door sees it that reads nothing while there is no room."""


class EventSink(Protocol):
    """Where batches go: the log. Returning means committed."""

    async def append(
        self, batch: Sequence[Message | DeadLetter], now: datetime, *, token: BatchToken | None = None
    ) -> list[Receipt]:
        """Commit a batch and answer for each of its items, in order; ``token`` names it over all attempts at it."""
        ...


class Registry(Protocol):
    """What the doors know of devices, keys and areas, in memory and never more than two seconds old."""

    def device(self, device_id: str) -> Device | None:
        """Return a registered device."""
        ...

    def key(self, secret: str) -> KeyRecord | None:
        """Return the valid key with this secret."""
        ...

    def areas_of_today(self) -> Sequence[Area]:
        """Return the units that stand today."""
        ...

    async def refresh(self) -> None:
        """Read again from the database (an unknown id at CONNECT asks for it)."""
        ...
