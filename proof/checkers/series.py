"""The roll-ups of a run against the events that they are made of, straight and slowly. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone

from ioc.domain.event import Event

LOCAL = timezone(timedelta(hours=7))
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
