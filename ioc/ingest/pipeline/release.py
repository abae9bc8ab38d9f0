"""A dead letter read again, as its door would read it now: with today's registry and feeds, and a person's remedy.

Nothing is let in here: the messages that come of it go where a person's entries go. A body that names neither id nor
time is the same event however often it is tried: its letter is its identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ioc.domain.event import DeadLetter, Flag, Message, Outcome, canonical
from ioc.domain.feed import FeedSpec
from ioc.domain.release import DOOR, KeptLetter, Remedy
from ioc.domain.scope import Scope
from ioc.ingest.pipeline.decoder import DecodeError, Refusal, items
from ioc.ingest.pipeline.delivery import Delivery, Registry
from ioc.ingest.pipeline.preparation import Preparer
from ioc.ingest.pipeline.ready import ReaderOf, own_form
from ioc.runtime.metrics import Metrics

NOT_AGAIN = {
    "forbidden_topic": "its sender may not speak there: let the sender use its own topic",
    "outside_area": "its key is for another area: give the sender a key of this one",
    "too_large": "only its beginning is kept: let the sender send it in parts",
    "unstorable": "the database cannot keep its content",
}
"""Reasons that no remedy of ours takes away."""


class IntakeGate(Protocol):
    """What says whether the intake takes anything now."""

    def check_room(self, door: str) -> None:
        """Do nothing while it does; QueueFullError: it does not."""
        ...


class ReleaseDoor:
    """Reads dead letters again, through the preparation of every other door."""

    def __init__(
        self, *, pipeline: IntakeGate, registry: Registry, feeds: Mapping[str, FeedSpec], metrics: Metrics,
        events_max: int, reader_of: ReaderOf = own_form, marks: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """``marks`` are flags that every event gets, such as `drill`; ``reader_of`` knows the foreign formats."""
        self._pipeline = pipeline
        self._registry = registry
        self._metrics = metrics
        self._events_max = events_max
        marked = (*marks, Flag.RELEASED)

        def preparer(of: ReaderOf) -> Preparer:
            return Preparer(feeds=feeds, registry=registry, events_max=events_max, marks=marked, reader_of=of)

        # What an adapter has read is kept in the feed's own form, what it could not read as it came.
        self._preparers = preparer(reader_of), preparer(own_form)

    async def open(self) -> None:
        """Look whether the intake takes anything now, and read the registry anew: it was mended a moment ago.

        Raises:
            QueueFullError: it takes nothing. StoreUnavailableError: the registry cannot be read.
        """
        self._pipeline.check_room(DOOR)
        await self._registry.refresh()

    def area_at(self, lat: float, lon: float) -> str | None:
        """Return the unit of today that holds a point."""
        return self._preparers[0].area_at(lat, lon)

    def read(self, letter: KeptLetter, remedy: Remedy, *, wall: Scope | None) -> list[Message] | DeadLetter:
        """Return the events of a letter, all of them, or why it is refused as before or for the next reason."""
        if letter.reason in NOT_AGAIN:
            return _refused(letter, Refusal(letter.reason, NOT_AGAIN[letter.reason]))
        if letter.raw_bytes > len(letter.raw):
            return _refused(letter, Refusal("too_large", NOT_AGAIN["too_large"]))
        if letter.feed is None:
            return _refused(letter, Refusal("unknown_feed", "it names no feed"))
        body = _mended(letter.raw, remedy, events_max=self._events_max)
        if isinstance(body, Refusal):
            return _refused(letter, body)
        # A body that names its device is read as at its door, where nothing but the body named it.
        device = None if letter.device is not None and _names(body, letter.device) else letter.device
        delivery = Delivery(
            letter.feed, device, body, letter.received_at, DOOR, f"letter {letter.id}".encode(), letter.topic,
            letter.content_type, wall=wall,
        )  # fmt: skip
        first: DeadLetter | None = None
        for preparer in self._preparers:
            prepared = preparer.prepare(delivery)
            refused = next((one for one in prepared if isinstance(one, DeadLetter)), None)
            if refused is None:
                return [_dated(one, letter) for one in prepared if isinstance(one, Message)]
            first = first or refused
        assert first is not None, "there are two preparers"
        return first

    def count(self, feed: str, events: int) -> None:
        """Count what was let in, as the batcher counts what comes in at the other doors."""
        self._metrics.ingest_events.labels(feed, DOOR, Outcome.STORED).inc(events)


def _names(body: bytes, device: str) -> bool:
    """Tell whether a body is one event that names this device."""
    if b'"device"' not in body:
        return False
    try:
        found = items(body, newline_delimited=False, events_max=1)
    except DecodeError:
        return False
    return len(found) == 1 and not isinstance(found[0], Refusal) and found[0].get("device") == device


def _dated(message: Message, letter: KeptLetter) -> Message:
    """Return a message whose time is that of its arrival where it says none: it is not of the hour of its release."""
    return message if message.time is not None else message._replace(time=letter.received_at)


def _mended(raw: bytes, remedy: Remedy, *, events_max: int) -> bytes | Refusal:
    """Return a body with its members renamed; one in which nothing is renamed as it came."""
    if not remedy.names:
        return raw
    try:
        found = items(raw, newline_delimited=False, events_max=events_max)
    except DecodeError as error:
        return error.refusal
    mended: list[dict[str, Any]] = []
    for item in found:
        if isinstance(item, Refusal):
            return item
        mended.append(_renamed(item, remedy.names))
    return canonical(mended if len(mended) > 1 else mended[0])


def _renamed(item: Mapping[str, Any], names: Mapping[str, str | None]) -> dict[str, Any]:
    """Return members under their new names; what the sender itself has under the new name stays."""
    kept = {name: value for name, value in item.items() if name not in names}
    for old, new in names.items():
        if old in item and new is not None and new not in kept:
            kept[new] = item[old]
    return kept


def _refused(letter: KeptLetter, refusal: Refusal) -> DeadLetter:
    return DeadLetter(
        door=DOOR, feed=letter.feed, device=letter.device, reason=refusal.reason, detail=refusal.detail,
        raw=letter.raw, received_at=letter.received_at, field=refusal.field,
    )  # fmt: skip
