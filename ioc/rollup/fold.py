"""Pure accumulators over a stretch of the log, merged into the store at each flush.

Merging is commutative: late events go into their own old bucket, and the newest value is the one with the highest
(effective time, position), so the order and the cuts of the stretches never change a result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ioc.domain.event import Entry, EntryKind, Event, Flag
from ioc.domain.feed import FeedSpec, FieldType

STEP_SECONDS = 300


@dataclass(slots=True)
class Bucket:
    """One 5-minute bucket of one field of one device."""

    n: int
    total: float
    low: float
    high: float
    first: float
    first_at: datetime
    last: float
    last_at: datetime

    def add(self, value: float, at: datetime) -> None:
        """Take one more reading into the bucket."""
        self.n += 1
        self.total += value
        self.low = min(self.low, value)
        self.high = max(self.high, value)
        if at < self.first_at:
            self.first, self.first_at = value, at
        if at >= self.last_at:
            self.last, self.last_at = value, at


@dataclass(slots=True)
class Newest:
    """The newest value of one field of one device."""

    value: Any
    effective: datetime
    log_time: datetime
    position: int
    flags: tuple[str, ...]


@dataclass(slots=True)
class Seen:
    """What one device sent in the stretch."""

    effective: datetime
    log_time: datetime
    position: int
    events: int = 0
    late: int = 0


@dataclass(slots=True)
class Counts:
    """What one feed stored in one bucket of log time."""

    stored: int = 0
    late: int = 0
    suspect: int = 0
    clock_fault: int = 0


SeriesKey = tuple[str, str, str, datetime]
FieldKey = tuple[str, str, str]


@dataclass(slots=True)
class Fold:
    """The sum of one stretch of the log."""

    series: dict[SeriesKey, Bucket] = field(default_factory=dict)
    newest: dict[FieldKey, Newest] = field(default_factory=dict)
    seen: dict[tuple[str, str], Seen] = field(default_factory=dict)
    ledger: dict[tuple[str, datetime], Counts] = field(default_factory=dict)
    revised: list[Event] = field(default_factory=list)
    """Events that replace an earlier reading: their buckets must be computed again."""


def bucket_start(moment: datetime, step_seconds: int = STEP_SECONDS) -> datetime:
    """Return the start of the bucket that holds ``moment`` (UTC; every Vietnamese hour is a whole UTC hour)."""
    seconds = int(moment.timestamp()) // step_seconds * step_seconds
    return datetime.fromtimestamp(seconds, tz=UTC)


def fold(entries: Iterable[Entry], feeds: Mapping[str, FeedSpec]) -> Fold:
    """Sum up a stretch of the log."""
    total = Fold()
    for entry in entries:
        if entry.kind is EntryKind.EVENT and entry.event is not None:
            _add(total, entry, entry.event, feeds.get(entry.event.feed))
    return total


def _add(total: Fold, entry: Entry, event: Event, feed: FeedSpec | None) -> None:
    if event.revision:
        total.revised.append(event)
    fields = feed.fields if feed is not None else {}
    for name, value in event.data.items():
        spec = fields.get(name)
        if spec is None:
            continue
        if not event.history:
            _newest(total, entry, event, name, value)
        if event.revision or not spec.series or spec.type in (FieldType.TEXT, FieldType.OBJECT):
            continue
        number = float(value)
        key = (event.feed, event.device, name, bucket_start(event.effective))
        bucket = total.series.get(key)
        if bucket is None:
            total.series[key] = Bucket(1, number, number, number, number, event.effective, number, event.effective)
        else:
            bucket.add(number, event.effective)
    _count(total, entry, event, feed)


def _newest(total: Fold, entry: Entry, event: Event, name: str, value: Any) -> None:
    key = (event.device, event.feed, name)
    held = total.newest.get(key)
    if held is None or (event.effective, entry.position) > (held.effective, held.position):
        total.newest[key] = Newest(value, event.effective, entry.log_time, entry.position, event.flags)


def _count(total: Fold, entry: Entry, event: Event, feed: FeedSpec | None) -> None:
    late = feed is not None and entry.log_time - event.effective > feed.late_after
    counts = total.ledger.setdefault((event.feed, bucket_start(entry.log_time)), Counts())
    counts.stored += 1
    counts.late += late
    counts.suspect += Flag.SUSPECT in event.flags
    counts.clock_fault += Flag.CLOCK_FAULT in event.flags
    if event.history:
        return
    key = (event.device, event.feed)
    seen = total.seen.get(key)
    if seen is None:
        seen = total.seen[key] = Seen(event.effective, entry.log_time, entry.position)
    seen.effective = max(seen.effective, event.effective)
    seen.log_time = max(seen.log_time, entry.log_time)
    seen.position = max(seen.position, entry.position)
    seen.events += 1
    seen.late += late
