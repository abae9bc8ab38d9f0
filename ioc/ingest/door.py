"""What a door hands to the pipeline, and what it needs from the rest of the house."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from ioc.domain.account import KeyRecord
from ioc.domain.area import Area
from ioc.domain.device import Device
from ioc.domain.event import DeadLetter, Message, Receipt
from ioc.ingest.fairness import Lane


class Delivery(NamedTuple):
    """One body as it came in, with the identity that the door has proved.

    ``device`` null means the body's items name their device (feed keys only). ``nonce`` makes the identity of a
    message with neither id nor time unique to its connection and packet. ``lane`` is the sender's, where the door can
    hold a backlog back; None: it is never held. A tuple for the reason that a message is one.
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
    newline_delimited: bool = False
    lane: Lane | None = None
    retained: bool = False
    """A copy that a broker kept, of any age: only with a ``time`` is it a reading."""


class Bundle:
    """What one sender has queued together: it is committed as one, and answered at once with a receipt for each item.

    It stays open for more of its sender's until a batch takes it: a future, a callback and a write for each message
    were the dearest part of a message at the MQTT door.
    """

    __slots__ = ("done", "is_open", "items", "size")

    def __init__(self, done: asyncio.Future[list[Receipt]]) -> None:
        self.items: list[Message | DeadLetter] = []
        self.size = 0
        """What it costs of the queue's bytes."""
        self.done = done
        """One receipt for each item, once they are committed."""
        self.is_open = True


class EventSink(Protocol):
    """Where batches go: the log. Returning means committed."""

    async def append(self, batch: Sequence[Message | DeadLetter], now: datetime) -> list[Receipt]:
        """Commit a batch and answer for each of its items, in order."""
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
