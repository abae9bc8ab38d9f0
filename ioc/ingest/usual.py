"""The short way of the usual reading, at one go: one plain object with id and time, its fields numbers in their ranges.

Decode, check and identity each look at a body again; nearly every body needs none of it twice. What is taken here is
what the long way (decode, validate, place in :mod:`ioc.ingest.prepare`) would make of it, bit by bit; any doubt takes
the long way (tests/property/test_usual_reading.py holds the two together). 5 us a reading where that needs 10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple, cast

import orjson

from ioc.domain.event import HASH_BYTES, ID_LETTERS_MAX, Message
from ioc.ingest.decode import INTEGER_MAX, STRING_BYTES_MAX
from ioc.ingest.door import Delivery
from ioc.ingest.validate import UNKNOWN, FeedCheck, Usual

ESCAPE = b"\\"
QUOTE = b'"'
TIME_SECONDS = len("2026-11-24T03:00:00Z")
TIME_MILLISECONDS = len("2026-11-24T03:00:00.000Z")
EVERY_THIRD_SECONDS = "--T::"
EVERY_THIRD_MILLISECONDS = "--T::."
LENGTHS = tuple(number.to_bytes(4, "big") for number in range(ID_LETTERS_MAX * 4 + 1))

_loads = orjson.loads
_dumps = orjson.dumps
_sorted = orjson.OPT_SORT_KEYS
_read_time = datetime.fromisoformat
# A tuple's own way to be made; by its generated __new__ it costs half as much again.
_made = cast("Callable[[type[Message], tuple[Any, ...]], Message]", tuple.__new__)


class Manner(NamedTuple):
    """What every usual reading of one device in one feed has in common."""

    fields: Mapping[str, Usual]
    required: tuple[str, ...]
    feed: str
    device: str
    head: bytes
    """What the identity of a reading with id and time begins with."""
    revise: bool
    flags: tuple[str, ...]
    lat: float | None
    lon: float | None
    area: str | None
    zone: str | None
    registered_at: datetime | None


def usual_fields(check: FeedCheck) -> dict[str, Usual]:
    """Return the fields of a feed whose usual value is a number that every way of reading JSON reads alike."""
    return {
        name: Usual(usual.kinds, max(usual.low, -INTEGER_MAX), min(usual.high, INTEGER_MAX))
        for name, usual in check.usual.items()
        if usual.kinds and name not in ("id", "time", "lat", "lon")
    }


def usual_reading(delivery: Delivery, manner: Manner) -> Message | None:  # noqa: PLR0911 - one for each doubt
    """Return the message of a delivery that is one usual reading, or None: the long way decides."""
    body = delivery.body
    if len(body) > STRING_BYTES_MAX or ESCAPE in body:
        return None
    try:
        item = _loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(item) is not dict:
        return None
    message_id, written = item.get("id"), item.get("time")
    if type(message_id) is not str or type(written) is not str or not 0 < len(message_id) <= ID_LETTERS_MAX:
        return None
    time, second = _moment(written)
    # Of two members of one name orjson keeps the last: then there are more quotation marks than names and texts need.
    if time is None or body.count(QUOTE) != 2 * len(item) + 4:
        return None
    # A copy: what orjson returns keeps a kilobyte, and to fetch a fresh one for each reading costs 1.5 us.
    framed = _dumps(item, option=_sorted)
    framed = len(framed).to_bytes(4, "big") + framed
    del item["id"], item["time"]
    fields = manner.fields
    for name, value in item.items():
        kinds, low, high = fields.get(name, UNKNOWN)
        if type(value) not in kinds or not low <= value <= high:
            return None
    for name in manner.required:
        if name not in item:
            return None
    if not item:
        return None
    name_bytes = message_id.encode()
    key = blake2b(
        b"%b%b%b%b%b" % (manner.head, LENGTHS[len(name_bytes)], name_bytes, LENGTHS[len(second)], second),
        digest_size=HASH_BYTES,
    ).digest()
    content = blake2b(framed, digest_size=HASH_BYTES).digest()
    # By position: the order is that of Message.
    return _made(Message, (
        manner.feed, manner.device, key, time, content, item, delivery.received_at, delivery.door, message_id, time,
        manner.lat, manner.lon, manner.area, manner.zone, manner.flags, manner.revise, manner.registered_at, framed[4:],
    ))  # fmt: skip


def _moment(written: str) -> tuple[datetime | None, bytes]:
    """Return a time written in UTC to the second or the millisecond, and its ISO form for the identity; else None.

    The form is cut from what was written: from the datetime it costs four times as much.
    """
    length = len(written)
    if length == TIME_MILLISECONDS:
        if written[4:20:3] != EVERY_THIRD_MILLISECONDS:
            return None, b""
        second = f"{written[:19]}+00:00" if written[20:23] == "000" else f"{written[:23]}000+00:00"
    elif length == TIME_SECONDS and written[4:17:3] == EVERY_THIRD_SECONDS:
        second = f"{written[:19]}+00:00"
    else:
        return None, b""
    try:
        time = _read_time(written)
    except ValueError:
        return None, b""
    return (time, second.encode()) if time.tzinfo is UTC else (None, b"")
