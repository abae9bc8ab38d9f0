"""Messages, events and entries: what arrives, what the log keeps, what a reader of the log sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

ID_CHARS_MAX = 200
"""The longest id that a sender may give a message."""
HASH_BYTES = 16
UNTIMED = datetime(1970, 1, 1, tzinfo=UTC)
"""The identity's time of a message with neither id nor time: all such keys share one partition."""
TWO = tuple(f"{number:02}" for number in range(60))


class Flag(StrEnum):
    """A mark on an event; none of them drops it."""

    ANONYMOUS = "anonymous"
    """It had neither id nor time: once-only holds only within its connection."""
    CLOCK_FAULT = "clock_fault"
    """Its time is before 1990, more than a month before the device's registration or more than a day ahead."""
    BEFORE_REGISTRATION = "before_registration"
    """It was measured in the month before the device was registered; its own time counts."""
    SKEWED = "skewed"
    """Its time is more than two minutes ahead; the log's time counts instead."""
    LATE = "late"
    """It is older than the source's newest by more than the feed allows."""
    SUSPECT = "suspect"
    """A value is outside its plausible range."""
    UNKNOWN_FIELD = "unknown_field"
    """It carries fields that the feed does not declare; they are kept."""
    DROPPED_FIELD = "dropped_field"
    """An optional field had a wrong type or an impossible value and was dropped."""
    HISTORY = "history"
    """Imported history: stored and charted, never evaluated live."""
    DRILL = "drill"
    """Part of a drill."""
    RELEASED = "released"
    """It was refused at a door and kept; a person let it in afterwards."""
    WITHDRAWN = "withdrawn"
    """A revision that takes back what a person had entered: it has no values, and what rested on it is judged anew."""


TAKEN_BACK = "_withdrawn"
"""The member of a revision `withdrawn` that names the log positions of the revisions which it takes back."""
NOT_KEPT = "not_kept"
"""A mark of a receipt: refused, and no dead letter keeps it, because its sender's quota of the hour is used up."""


class Outcome(StrEnum):
    """What became of one message at a door."""

    STORED = "stored"
    """It is in the log, committed."""
    DUPLICATE = "duplicate"
    """The log had it already."""
    REFUSED = "refused"
    """It is a dead letter with its reason."""


class PersonalValue(NamedTuple):
    """A value that says who a person is, under the reference that stands for it in the log."""

    reference: str
    field: str
    value: Any


class Message(NamedTuple):
    """One checked and placed reading on its way to the log.

    ``key`` and ``content`` are 16 bytes each (see :func:`identity`). ``data`` has only the feed's own members.

    A tuple, not a dataclass: every event is one of these, and a frozen dataclass of twenty fields costs 2.5 us to
    make where this costs 0.4 us; and the columns of a batch are one ``zip`` of its messages.
    """

    feed: str
    device: str
    key: bytes
    key_time: datetime
    content: bytes
    data: dict[str, Any]
    received_at: datetime
    door: str
    id: str | None = None
    time: datetime | None = None
    lat: float | None = None
    lon: float | None = None
    area: str | None = None
    zone: str | None = None
    flags: tuple[str, ...] = ()
    revise: bool = False
    registered_at: datetime | None = None
    raw: bytes = b""
    """The bytes it came in, kept only if it ends as a dead letter."""
    remark: str | None = None
    """What its sender should know of it although it is stored: fields that are unknown or were dropped, by name."""
    personal: tuple[PersonalValue, ...] = ()
    """What of it says who a person is: kept apart from the log, ``data`` holds the references."""

    @property
    def source(self) -> str:
        """Return `{feed}/{device}`, the same at every door."""
        return f"{self.feed}/{self.device}"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was refused, with its raw bytes and the reason (a code) and detail (a sentence).

    ``raw_bytes`` is how many bytes came, where ``raw`` keeps only the first of them; None: ``raw`` is all.
    """

    door: str
    feed: str | None
    device: str | None
    reason: str
    detail: str
    raw: bytes
    received_at: datetime
    topic: str | None = None
    content_type: str | None = None
    raw_bytes: int | None = None
    field: str | None = None
    """The field of the feed that does not fit, where the reason speaks of one."""
    area: str | None = None
    """The unit in which an unknown device says it is; None: nothing is known of that."""


class Receipt(NamedTuple):
    """The log's answer for one message of a batch, in the batch's order.

    ``key`` and ``position`` are those of the event that stands, which a duplicate repeats. ``detail`` is a sentence:
    why it is refused, or what is remarkable about what is stored.
    """

    outcome: Outcome
    key: bytes | None = None
    position: int | None = None
    reason: str | None = None
    detail: str | None = None
    flags: tuple[str, ...] = ()
    """The marks of an event that is stored."""


class EntryKind(StrEnum):
    """What an entry of the log is."""

    EVENT = "event"
    """A reading."""
    TICK = "tick"
    """A second has passed while a timer was pending."""
    GAP = "gap"
    """The first tick after more than ten seconds without one: our own outage."""
    RULE = "rule"
    """A rule's full new value, or null: it is gone."""
    DEVICE = "device"
    """A device's full new value, or null."""
    AREA = "area"
    """An area's full new value, or null."""
    CALENDAR = "calendar"
    """The calendar's full new value."""
    LIMIT = "limit"
    """A dated limit's full new value, or null: it is gone."""
    ENGINE = "engine"
    """Another version of the rule engine, or another pack's texts, took over: {semantics, texts, position}."""


class Event(NamedTuple):
    """A reading as the log keeps it. ``effective`` is the time that windows and timers use (RULES).

    A tuple, as :class:`Message` is: every reader of the log makes one of each event.
    """

    feed: str
    device: str
    key: bytes
    effective: datetime
    received_at: datetime
    data: Mapping[str, Any]
    time: datetime | None = None
    id: str | None = None
    lat: float | None = None
    lon: float | None = None
    area: str | None = None
    zone: str | None = None
    flags: tuple[str, ...] = ()
    revision: int = 0
    door: str = ""

    @property
    def history(self) -> bool:
        """Tell whether it is imported history, which no rule evaluates live."""
        return Flag.HISTORY in self.flags


class Entry(NamedTuple):
    """One line of the log, at a commit-ordered position."""

    position: int
    log_time: datetime
    kind: EntryKind
    event: Event | None = None
    subject: str | None = None
    value: Mapping[str, Any] | None = None


def canonical(value: object) -> bytes:
    """Return the bytes that stand for ``value`` in hashes: compact JSON with sorted keys.

    A copy: messages keep it, and what orjson returns holds on to a kilobyte.
    """
    return bytes(memoryview(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)))


def frame_parts(*parts: bytes) -> bytes:
    """Return the parts one after the other, each behind its length, so that no two lists of parts are alike joined."""
    return b"".join([piece for part in parts for piece in (len(part).to_bytes(4, "big"), part)])


def hash16(*parts: bytes) -> bytes:
    """Return a 16-byte BLAKE2b hash of length-prefixed parts, so that no two lists of parts collide by joining."""
    if len(parts) == 1:
        return blake2b(len(parts[0]).to_bytes(4, "big") + parts[0], digest_size=HASH_BYTES).digest()
    return blake2b(frame_parts(*parts), digest_size=HASH_BYTES).digest()


def identity_head(source: str) -> bytes:
    """Return what the identity of each message of a source with id and time begins with."""
    return _heads(source)[0]


@lru_cache(maxsize=16_384)
def _heads(source: str) -> tuple[bytes, bytes, bytes]:
    """Return what the three kinds of identity of a source begin with: a device sends for ever under one source."""
    name = source.encode()
    return frame_parts(b"it", name), frame_parts(b"tc", name), frame_parts(b"ic", name)


@lru_cache(maxsize=64)
def _day(day: date) -> str:
    return day.isoformat()


def _instant(time: datetime) -> bytes:
    """Return ``time.isoformat()`` as bytes; in UTC, as almost all are, at a third of what isoformat() costs."""
    if time.tzinfo is not UTC:
        return time.isoformat().encode()
    second = f"{_day(time.date())}T{TWO[time.hour]}:{TWO[time.minute]}:{TWO[time.second]}"
    return (f"{second}.{time.microsecond:06}+00:00" if time.microsecond else f"{second}+00:00").encode()


def identity(source: str, message_id: str | None, time: datetime | None, content: bytes) -> tuple[bytes, datetime]:
    """Return (key, key_time) of a message (ARCHITECTURE, Identity).

    (source, id, time) when both are given; (source, time, content) without an id; with neither the caller flags it
    `anonymous` and mixes something of its connection into ``content``. An id without a time is an identity for a
    bounded time only, see :mod:`ioc.domain.untimed`.
    """
    with_both, with_time, with_none = _heads(source)
    if time is not None:
        if message_id is not None:
            name, second = message_id.encode(), _instant(time)
            return blake2b(
                b"%b%b%b%b%b" % (with_both, len(name).to_bytes(4, "big"), name, len(second).to_bytes(4, "big"), second),
                digest_size=HASH_BYTES,
            ).digest(), time
        return blake2b(with_time + frame_parts(_instant(time), content), digest_size=HASH_BYTES).digest(), time
    return blake2b(
        with_none + frame_parts((message_id or "").encode(), content), digest_size=HASH_BYTES
    ).digest(), UNTIMED
