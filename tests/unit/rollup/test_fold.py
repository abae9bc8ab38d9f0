"""A stretch of the log is summed up as one value after the other would be, whatever is in it and wherever it is cut."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ioc.domain.event import Entry, EntryKind, Event
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.rollup.fold import SeriesFold, bucket_start, fold
from tests.builders import NOON

WORDS = Label("x", "x")
FIELDS = {
    name: FieldSpec(name, WORDS, kind)
    for name, kind in (("level", FieldType.NUMBER), ("up", FieldType.BOOLEAN), ("word", FieldType.TEXT))
}
FEEDS = {"meter": FeedSpec("meter", WORDS, "water", FIELDS)}
ODD = ("12", None, [1], {"v": 1})
"""What a field may hold from the time before its feed changed."""


def stretch(seed: int, count: int = 300) -> list[Entry]:
    """Return entries of several devices, many of one instant, out of order, around a border of buckets and of days."""
    dice = random.Random(seed)
    entries = []
    log_time = NOON + timedelta(minutes=4)
    for position in range(1, count + 1):
        log_time += timedelta(seconds=dice.choice((0, 0, 1, 20)))
        if dice.random() < 0.05:
            entries.append(Entry(position, log_time, EntryKind.TICK))
            continue
        more = [("up", dice.random() < 0.5), ("word", "on")]
        data = {"level": dice.choice((1, 2.5, -3.25, *ODD)), "unknown": 7.0, **dict(more[dice.randrange(3) :])}
        event = Event(
            feed=dice.choice(("meter", "meter", "gone")), device=f"m-{dice.randrange(3)}", key=bytes(16),
            effective=NOON + timedelta(seconds=dice.choice((0, 299, 300, 301, 301, -7_000, dice.randrange(900)))),
            received_at=log_time, data=data, revision=int(dice.random() < 0.1),
            flags=dice.choice(((), (), (), ("suspect",), ("history",), ("clock_fault", "suspect"))),
        )  # fmt: skip
        entries.append(Entry(position, log_time, EntryKind.EVENT, event))
    return entries


def one_by_one(entries: list[Entry]) -> tuple[Any, ...]:
    """The same, value by value: series, newest values, seen, ledger, revised."""
    series: dict[Any, list[Any]] = {}
    newest: dict[Any, Any] = {}
    seen: dict[Any, Any] = {}
    ledger: dict[Any, Any] = {}
    revised = []
    for entry in entries:
        position, log_time, _, event, *_ = entry
        if event is None:
            continue
        source, history = (event.device, event.feed), "history" in event.flags
        spec = FEEDS.get(event.feed)
        late = spec is not None and log_time - event.effective > spec.late_after
        counted = ledger.setdefault((event.feed, bucket_start(log_time)), [0, 0, 0, 0])
        for place, one in enumerate((True, late, "suspect" in event.flags, "clock_fault" in event.flags)):
            counted[place] += one
        if not history:
            now = seen.setdefault(source, [event.effective, log_time, position, 0, 0])
            now[:3] = max(now[0], event.effective), log_time, position
            now[3] += 1
            now[4] += late
        if event.revision:
            revised.append(entry)
        for name, value in event.data.items() if spec is not None else ():
            if name not in FIELDS:
                continue
            mark = (event.effective, position)
            if not history and mark > newest.get((*source, name), ((datetime.min.replace(tzinfo=UTC), 0),))[0]:
                newest[*source, name] = (mark, value, log_time, event.flags)
            if not event.revision and name != "word" and type(value) in (int, float, bool):
                key = (event.feed, event.device, name, bucket_start(event.effective))
                series.setdefault(key, []).append((event.effective, float(value)))
    return series, newest, seen, ledger, revised


@pytest.mark.parametrize("seed", range(20))
def test_a_stretch_is_the_sum_of_its_values(seed: int):
    entries = stretch(seed)
    series, newest, seen, ledger, revised = one_by_one(entries)
    total = fold(entries, FEEDS)
    assert {
        key: (b.n, b.total, b.low, b.high, b.first, b.first_at, b.last, b.last_at) for key, b in total.series.items()
    } == {
        key: (len(held), sum(v for _, v in held), min(v for _, v in held), max(v for _, v in held),
              min(held, key=lambda one: one[0])[1], min(t for t, _ in held),
              max(reversed(held), key=lambda one: one[0])[1], max(t for t, _ in held))
        for key, held in series.items()
    }  # fmt: skip
    assert {key: ((n.effective, n.position), n.value, n.log_time, n.flags) for key, n in total.newest.items()} == newest
    assert {key: [s.effective, s.log_time, s.position, s.events, s.late] for key, s in total.seen.items()} == seen
    counts = {key: [c.stored, c.late, c.suspect, c.clock_fault] for key, c in total.ledger.items()}
    assert counts == ledger
    assert sorted(total.revised, key=repr) == sorted(revised, key=repr)


def test_nothing_is_the_sum_of_nothing():
    total = fold([Entry(1, NOON, EntryKind.TICK)], FEEDS)
    assert total == SeriesFold()
