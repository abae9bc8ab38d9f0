"""The account of a source is that of its readings one by one, wherever the log is cut."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from ioc.domain.event import Entry, EntryKind, Event
from ioc.domain.feed import FeedSpec, FieldSpec, Label
from ioc.rollup.source_ledger import SourceLedger, count_source
from tests.builders import NOON

WORDS = Label("x", "x")
FEED = FeedSpec("meter", WORDS, "water", {"level": FieldSpec("level", WORDS)}, late_after=timedelta(minutes=10))
MARKS = ((), (), ("suspect",), ("skewed",), ("clock_fault",), ("history",), ("released",), ("withdrawn",))


def entries_of(seed: int) -> list[Entry]:
    dice = random.Random(seed)
    log_time, found = NOON - timedelta(minutes=20), []
    for position in range(1, 200):
        log_time += timedelta(seconds=dice.choice((0, 1, 30, 120)))
        lag = timedelta(seconds=dice.choice((-120, 0, 2, 600, 601, 4_000, 40 * 86_400)))
        event = Event(
            feed="meter", device="m-1", key=bytes(16), effective=log_time - lag, received_at=log_time, data={},
            flags=dice.choice(MARKS), revision=int(dice.random() < 0.1),
        )  # fmt: skip
        found.append(Entry(position, log_time, EntryKind.EVENT, event))
    return found


def one_by_one(entries: list[Entry]) -> dict[Any, dict[str, Any]]:
    told: dict[Any, dict[str, Any]] = {}
    for entry in entries:
        event = entry.event
        assert event is not None
        if "withdrawn" in event.flags:
            continue

        def add(moment: Any, name: str, by: float = 1) -> None:
            hour = told.setdefault(moment.replace(minute=0, second=0), {})
            hour[name] = hour.get(name, 0) + by

        add(entry.log_time, "stored")
        for flag in ("suspect", "skewed", "clock_fault", "history", "released"):
            if flag in event.flags:
                add(entry.log_time, flag)
        lag = (entry.log_time - event.effective).total_seconds()
        if not event.revision and lag <= 31 * 86_400:
            add(event.effective, "measured")
        if not {"history", "clock_fault"} & set(event.flags):
            hour = told[entry.log_time.replace(minute=0, second=0)]
            add(entry.log_time, "lags")
            add(entry.log_time, "lag_sum", lag)
            hour["lag_min"] = min(hour.get("lag_min", lag), lag)
            hour["lag_max"] = max(hour.get("lag_max", lag), lag)
            if lag > 600:
                add(entry.log_time, "late")
    return told


@pytest.mark.parametrize("seed", range(10))
def test_each_hour_is_the_sum_of_its_readings(seed: int):
    entries = entries_of(seed)
    ledger: SourceLedger = {}
    count_source(ledger, entries, FEED)
    found = {}
    for (feed, device, hour), counts in ledger.items():
        assert (feed, device) == ("meter", "m-1")
        values = {name: getattr(counts, name) for name in counts.__slots__}
        found[hour] = {name: value for name, value in values.items() if value or (value is not None and "lag_" in name)}
    expected = one_by_one(entries)
    for hour, values in expected.items():
        got = found[hour]
        assert {k: v for k, v in got.items() if v} == {k: v for k, v in values.items() if v}, hour
    assert set(found) == set(expected)
