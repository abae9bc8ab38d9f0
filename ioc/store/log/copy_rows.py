"""The events of a batch as rows in COPY's binary form, written here and not by the driver.

asyncpg asks of every value of every array whether it is itself a list: sixteen questions an event, and the dearest
part of an append. Much of a row is also the same for every reading of a device, so it is written once and kept.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from ioc.store.log.outcomes import NewEvents

COLUMNS = (
    "position", "log_time", "key", "time", "effective", "received_at", "revision", "id", "data", "flags",
    "kind", "feed", "device", "area", "zone", "lat", "lon", "door",
)  # fmt: skip
"""What stands in a row, in this order: first what each event has of its own, then what its device gives."""

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)
NULL = struct.pack("!i", -1)
TIMED = struct.Struct("!h iq iq i16s iq iq iq ii")
UNTIMED = struct.Struct("!h iq iq i16s i iq iq ii")
TEXT_OID = 25
JSONB_VERSION = b"\x01"
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
DAY_SECONDS = 86_400
SECOND_MICROSECONDS = 1_000_000


def rows(events: NewEvents, log_time: datetime) -> bytes:
    """Return what `COPY event (COLUMNS) FROM STDIN (FORMAT binary)` reads. Keys have 16 bytes, times are aware."""
    written = [HEADER]
    fields, logged = len(COLUMNS), _microseconds(log_time)
    received_at, received = log_time, logged
    for message, position, revision, effective, flags in zip(*events, strict=True):
        (feed, device, key, _, _, data, received_now, door, id_, time, lat, lon, area, zone, _, _, _, _, _, _) = message
        if received_now is not received_at:
            received_at, received = received_now, _microseconds(received_now)
        counted = logged if effective is log_time else _microseconds(effective)
        if time is None:
            own = UNTIMED.pack(fields, 8, position, 8, logged, 16, key, -1, 8, counted, 8, received, 4, revision)
        else:
            measured = counted if time is effective else _microseconds(time)
            own = TIMED.pack(fields, 8, position, 8, logged, 16, key, 8, measured, 8, counted, 8, received, 4, revision)
        body = orjson.dumps(data)
        # Join now: each result of orjson occupies a kilobyte, and a batch would hold a thousand of them.
        written.append(b"%b%b%b%b%b%b%b" % (
            own, _text(id_), (len(body) + 1).to_bytes(4, "big"), JSONB_VERSION, body, _flags(flags),
            _device(feed, device, area, zone, lat, lon, door),
        ))  # fmt: skip
    written.append(TRAILER)
    return b"".join(written)


def _microseconds(moment: datetime) -> int:
    since = moment - EPOCH
    return (since.days * DAY_SECONDS + since.seconds) * SECOND_MICROSECONDS + since.microseconds


def _text(value: str | None) -> bytes:
    if value is None:
        return NULL
    raw = value.encode()
    return len(raw).to_bytes(4, "big") + raw


def _number(value: float | None) -> bytes:
    return NULL if value is None else struct.pack("!id", 8, value)


@lru_cache(maxsize=256)
def _flags(flags: tuple[str, ...]) -> bytes:
    """Return a text[]: its dimensions, no nulls, its type, then its length from 1 and its elements."""
    if flags:
        array = struct.pack("!iiiii", 1, 0, TEXT_OID, len(flags), 1) + b"".join(map(_text, flags))
    else:
        array = struct.pack("!iii", 0, 0, TEXT_OID)
    return len(array).to_bytes(4, "big") + array


@lru_cache(maxsize=16_384)
def _device(
    feed: str, device: str, area: str | None, zone: str | None, lat: float | None, lon: float | None, door: str
) -> bytes:
    """Return what every reading of a device in its place has in common."""
    words = (_text("event"), _text(feed), _text(device), _text(area), _text(zone))
    return b"".join((*words, _number(lat), _number(lon), _text(door)))
