"""Pure accumulators over a stretch of the log, merged into the store at each flush.

Merging is commutative: late events go into their own old bucket, and the newest value is the one with the highest
(effective time, position), so the order and the cuts of the stretches never change a result.

A stretch is sorted by device and bucket first and each pile is summed up as a whole: an event then costs a list's place
and each of its values a place in a sum, where a bucket kept up to date value by value cost ten times that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ioc.domain.event import Entry, EntryKind, Event, Flag
from ioc.domain.feed import FeedSpec, FieldType
from ioc.rollup.source_ledger import SourceLedger, count_source

STEP_SECONDS = 300
STEP = timedelta(seconds=STEP_SECONDS)
NO_SERIES = (FieldType.TEXT, FieldType.OBJECT, FieldType.TIME)
NUMBERS = frozenset({float, int, bool})
"""What a chart is made of; a field that was a text before its feed changed has older values of other types."""


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
Source = tuple[str, str]
"""(device, feed)."""
Mark = tuple[datetime, int]
"""(effective time, position): which of two readings is the newer one."""


@dataclass(slots=True)
class SeriesFold:
    """The sum of one stretch of the log."""

    series: dict[SeriesKey, Bucket] = field(default_factory=dict)
    newest: dict[FieldKey, Newest] = field(default_factory=dict)
    seen: dict[Source, Seen] = field(default_factory=dict)
    ledger: dict[tuple[str, datetime], Counts] = field(default_factory=dict)
    sources: SourceLedger = field(default_factory=dict)
    revised: list[Entry] = field(default_factory=list)
    """Entries of events that replace an earlier reading: their buckets must be computed again."""
    removal: Entry | None = None
    """The stretch ends with a device that left the registry."""


@dataclass(slots=True)
class Pile:
    """The entries of one device and feed in a stretch."""

    entries: list[Entry] = field(default_factory=list)
    buckets: dict[datetime, list[Event]] = field(default_factory=dict)
    """Readings that are no revisions, by the start of their bucket."""


def bucket_start(moment: datetime, step_seconds: int = STEP_SECONDS) -> datetime:
    """Return the start of the bucket that holds ``moment`` (UTC; every Vietnamese hour is a whole UTC hour)."""
    seconds = int(moment.timestamp()) // step_seconds * step_seconds
    return datetime.fromtimestamp(seconds, tz=UTC)


def stretches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """Cut what was read behind each device that left the registry: what it had sent is not its successor's."""
    begin = 0
    for place, entry in enumerate(entries, 1):
        if entry.event is None and is_removal(entry):
            yield entries[begin:place]
            begin = place
    if begin < len(entries):
        yield entries[begin:]


def is_removal(entry: Entry) -> bool:
    """Tell whether an entry says that a device has left the registry."""
    return entry.kind is EntryKind.DEVICE and entry.value is None


def fold(entries: Sequence[Entry], feeds: Mapping[str, FeedSpec]) -> SeriesFold:
    """Sum up a stretch of the log, as :func:`stretches` cuts it."""
    total = SeriesFold(removal=entries[-1] if entries and is_removal(entries[-1]) else None)
    for (device, feed), pile in _piled(entries).items():
        spec = feeds.get(feed)
        fields = spec.fields if spec is not None else {}
        charted = [name for name, of in fields.items() if of.series and of.type not in NO_SERIES]
        for bucket, events in pile.buckets.items():
            for name in charted:
                summed = _summed(name, events)
                if summed is not None:
                    total.series[feed, device, name, bucket] = summed
        for name, entry in _newest(pile.entries).items():
            event = entry.event
            if name in fields and event is not None:
                value = event.data[name]
                newest = Newest(value, event.effective, entry.log_time, entry.position, event.flags)
                total.newest[device, feed, name] = newest
        total.revised += [entry for entry in pile.entries if entry.event is not None and entry.event.revision]
        _count(total, (device, feed), pile.entries, spec)
        count_source(total.sources, pile.entries, spec)
    return total


def _piled(entries: Iterable[Entry]) -> dict[Source, Pile]:
    """Return the events of a stretch by device and feed, and within by bucket."""
    piles: dict[Source, Pile] = {}
    begins = ends = datetime.min.replace(tzinfo=UTC)
    for entry in entries:
        event = entry.event
        if event is None:
            continue
        source = event.device, event.feed
        pile = piles.get(source)
        if pile is None:
            pile = piles[source] = Pile()
        pile.entries.append(entry)
        if event.revision:
            continue
        effective = event.effective
        if not begins <= effective < ends:  # nearly always the bucket is that of the reading before
            begins = bucket_start(effective)
            ends = begins + STEP
        held = pile.buckets.get(begins)
        if held is None:
            pile.buckets[begins] = [event]
        else:
            held.append(event)
    return piles


def _summed(name: str, events: list[Event]) -> Bucket | None:
    """Return one field's bucket of readings of one device; None where none has it."""
    known = [(event.effective, value) for event in events if type(value := event.data.get(name)) in NUMBERS]
    if not known:
        return None
    times = [at for at, _ in known]
    values = [float(value or 0) for _, value in known]
    first_at, last_at = min(times), max(times)
    last = len(times) - 1 - times[::-1].index(last_at)  # of several readings of one instant the one that came last
    return Bucket(
        len(values), sum(values), min(values), max(values), values[times.index(first_at)], first_at, values[last],
        last_at,
    )  # fmt: skip


def _newest(entries: list[Entry]) -> dict[str, Entry]:
    """Return the entry with the newest value of each member; imported history is never the newest."""
    newest: dict[str, Entry] = {}
    top: Mark | None = None
    for entry in entries:
        event = entry.event
        if event is None or event.history:
            continue
        mark = event.effective, entry.position
        if top is None or mark > top:  # the event is newer than all before, and so each of its fields is
            top = mark
            newest.update(dict.fromkeys(event.data, entry))
            continue
        for name in event.data:
            held = newest.get(name)
            if held is None or held.event is None or mark > (held.event.effective, held.position):
                newest[name] = entry
    return newest


def _count(total: SeriesFold, source: Source, entries: list[Entry], feed: FeedSpec | None) -> None:
    """Count one device's entries in the ledger of their feed, and as seen."""
    seen = total.seen.get(source)
    begins = ends = datetime.min.replace(tzinfo=UTC)
    counts = Counts()
    for entry in entries:
        event = entry.event
        assert event is not None, "a pile has events alone"
        if not begins <= entry.log_time < ends:
            begins = bucket_start(entry.log_time)
            ends = begins + STEP
            counts = total.ledger.setdefault((event.feed, begins), Counts())
        late = feed is not None and entry.log_time - event.effective > feed.late_after
        counts.stored += 1
        counts.late += late
        if event.flags:
            counts.suspect += Flag.SUSPECT in event.flags
            counts.clock_fault += Flag.CLOCK_FAULT in event.flags
            if event.history:
                continue
        if seen is None:
            seen = total.seen[source] = Seen(event.effective, entry.log_time, entry.position)
        seen.effective = max(seen.effective, event.effective)
        seen.log_time, seen.position = entry.log_time, entry.position  # neither goes back in the log
        seen.events += 1
        seen.late += late
