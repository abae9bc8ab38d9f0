"""What must hold afterwards, recomputed by other means than the system's own: from the witness and from the tables.

Pure: a checker gets rows and returns what is wrong with them. The classes of an event are Jepsen's: lost (acknowledged
and absent), recovered (never acknowledged, yet there: allowed), duplicate, unexpected (never sent), altered.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise

from ioc.domain.event import Entry, EntryKind, Event
from ioc.domain.feed import FeedSpec
from ioc.rules.evaluate import step
from ioc.rules.memory import Memory
from ioc.rules.ruleset import RuleSet
from proof.recorder import History, Identity
from proof.reference import evaluate

LOCAL = timezone(timedelta(hours=7))
Moves = list[tuple[str, str, int]]
"""(kind, severity, position) of an alert's transitions, in order."""


@dataclass(frozen=True, slots=True)
class EventVerdict:
    """The events of a run by class."""

    operations: int
    acknowledged: int
    stored: int
    lost: int
    stored_twice: int
    unexpected: int
    altered: int
    refused: int
    recovered: int

    @property
    def clean(self) -> bool:
        """Tell whether every promise to the senders was kept."""
        return not (self.lost or self.stored_twice or self.unexpected or self.altered or self.refused)

    def facts(self) -> dict[str, int]:
        """Return it for a report."""
        return asdict(self)


def judge_events(history: History, stored: Iterable[Event]) -> EventVerdict:
    """Compare what was sent and acknowledged with what the log holds of those devices."""
    counts: Counter[Identity] = Counter()
    altered = 0
    for event in stored:
        identity = (event.device, event.id or "")
        counts[identity] += 1
        sent = history.sent.get(identity)
        altered += sent is not None and any(event.data.get(name) != value for name, value in sent.items())
    return EventVerdict(
        operations=len(history.sent),
        acknowledged=len(history.acknowledged),
        stored=sum(counts.values()),
        lost=len(history.acknowledged - counts.keys()),
        stored_twice=sum(count - 1 for count in counts.values()),
        unexpected=len(counts.keys() - history.sent.keys()),
        altered=altered,
        refused=len(history.refused),
        recovered=len(counts.keys() - history.acknowledged),
    )


SeriesRow = tuple[int, float, float, float]
SeriesKey = tuple[str, str, int, datetime]


def expected_series(events: Iterable[Event], fields: frozenset[str]) -> dict[SeriesKey, SeriesRow]:
    """Return (n, sum, min, max) by (device, field, step seconds, bucket), straight from the events."""
    values: dict[SeriesKey, list[float]] = defaultdict(list)
    for event in events:
        day = event.effective.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)
        for name in fields & event.data.keys():
            number = float(event.data[name])
            for seconds in (300, 3_600):
                start = int(event.effective.timestamp()) // seconds * seconds
                bucket = datetime.fromtimestamp(start, tz=event.effective.tzinfo)
                values[event.device, name, seconds, bucket].append(number)
            values[event.device, name, 86_400, day.astimezone(event.effective.tzinfo)].append(number)
    return {key: (len(found), sum(found), min(found), max(found)) for key, found in values.items()}


def series_mismatches(expected: Mapping[SeriesKey, SeriesRow], found: Mapping[SeriesKey, SeriesRow]) -> int:
    """Count the buckets that are missing, surplus or different."""
    return sum(not _same(expected.get(key), found.get(key)) for key in expected.keys() | found.keys())


def _same(one: SeriesRow | None, other: SeriesRow | None) -> bool:
    if one is None or other is None:
        return False
    return one[0] == other[0] and all(abs(a - b) <= 1e-6 * max(1.0, abs(a)) for a, b in zip(one, other, strict=True))


def refold(
    entries: Sequence[Entry], feeds: Mapping[str, FeedSpec], zone: tzinfo = UTC
) -> dict[tuple[str, str, int], Moves]:
    """Return the moves by (rule, key, opened position) that the stored log leads to, folded in one go, uncut."""
    rules, memory = RuleSet(feeds, timezone=zone), Memory()
    moves: dict[tuple[str, str, int], Moves] = defaultdict(list)
    for entry in entries:
        for made in step(rules, memory, entry):
            moves[made.rule, made.key, made.opened_position].append((str(made.kind), str(made.severity), made.position))
    return dict(moves)


def work_out(
    entries: Sequence[Entry], feeds: Mapping[str, FeedSpec], zone: tzinfo = UTC
) -> dict[tuple[str, str, int], Moves]:
    """Return the same as the independent evaluator has it: for a stored log of some thousand entries, it is slow."""
    moves: dict[tuple[str, str, int], Moves] = defaultdict(list)
    for told in evaluate(entries, feeds, zone):
        moves[told.rule, told.key, told.opened].append((told.kind, told.severity, told.position))
    return dict(moves)


def alert_mismatches(
    expected: Mapping[tuple[str, str, int], Moves], found: Mapping[tuple[str, str, int], Moves]
) -> int:
    """Count the alerts that are missing, surplus or have other moves."""
    return sum(expected.get(key) != found.get(key) for key in expected.keys() | found.keys())


def events_of(entries: Iterable[Entry], devices: Collection[str]) -> list[Event]:
    """Return the events of some devices."""
    return [
        entry.event
        for entry in entries
        if entry.kind is EntryKind.EVENT and entry.event is not None and entry.event.device in devices
    ]


@dataclass(frozen=True, slots=True)
class StreamVerdict:
    """What one client missed, saw twice or saw out of order, of the changes in its range."""

    gaps: int
    repeats: int
    disordered: int
    foreign: int

    @property
    def clean(self) -> bool:
        """Tell whether it saw each change once, in order."""
        return not (self.gaps or self.repeats or self.disordered or self.foreign)


def judge_stream(seen: Sequence[int], table: Collection[int]) -> StreamVerdict:
    """Compare the ids that a client dispatched with the positions of the change table in its range."""
    known = set(table)
    distinct = set(seen)
    return StreamVerdict(
        gaps=len(known - distinct),
        repeats=len(seen) - len(distinct),
        disordered=sum(after <= before for before, after in pairwise(seen)),
        foreign=len(distinct - known),
    )
