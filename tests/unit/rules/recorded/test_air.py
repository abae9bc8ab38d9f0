"""Two recorded months of air through the fold: alerts come when an independent count of whole hours says so.

The count is written here, from QĐ 1459/QĐ-TCMT and docs/rules.md, and uses nothing of the engine: each hour that is
over and has a reading gives one NowCast, which stands until the next; three hours above 80 µg/m³ are an alert, one hour
below 70 ends it.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ioc.domain.alert import Transition, TransitionKind
from ioc.domain.event import Entry, EntryKind, Event, hash16
from ioc.packs.loader import load_pack
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state.memory import Memory

RECORD = Path(__file__).parents[4].parent / "shared" / "data" / "air"
COLUMNS = {"pm2_5": "pm25", "pm10": "pm10", "o3": "o3", "no2": "no2", "so2": "so2", "co": "co"}
HOUR = timedelta(hours=1)
BAD, GOOD, FOR = 80.0, 70.0, 3 * HOUR
PACK = load_pack("hoabinh", shapes=False)


class Reading(NamedTuple):
    """A line of the record."""

    at: datetime
    data: dict[str, float]


class Episode(NamedTuple):
    """Bad air from its first whole hour on, until it was good for an hour."""

    began: datetime
    opened: datetime
    ended: datetime | None


@pytest.fixture(scope="module", params=["mar", "may"])
def record(request) -> list[Reading]:
    """The readings of one recorded month."""
    path = RECORD / f"hanoi_2025_{request.param}.csv"
    if not path.exists():
        pytest.skip(f"../shared/data/air/{path.name} is absent")
    with path.open(encoding="utf-8") as lines:
        return [
            Reading(
                datetime.fromisoformat(row["timestamp"]),
                {name: float(row[column]) for name, column in COLUMNS.items() if row[column] not in {"", "N/A"}},
            )
            for row in csv.DictReader(lines)
        ]


def whole_hours(record: list[Reading]) -> dict[datetime, float]:
    """Mean PM2.5 by the beginning of each hour that has a reading."""
    hours: dict[datetime, list[float]] = {}
    for at, data in record:
        if "pm2_5" in data:
            hours.setdefault(at.replace(minute=0, second=0, microsecond=0), []).append(data["pm2_5"])
    return {hour: sum(values) / len(values) for hour, values in hours.items()}


def nowcast_at(hours: dict[datetime, float], end: datetime) -> float | None:
    """NowCast of the twelve hours before ``end``; None without a reading in the last one, or in two of the last three.

    With a gap at w = 1/2 the decree's second formula stands to the letter.
    """
    known = {age: hours[end - age * HOUR] for age in range(1, 13) if end - age * HOUR in hours}
    if 1 not in known or len({1, 2, 3} & known.keys()) < 2:
        return None
    w = min(known.values()) / max(known.values())
    if w <= 0.5:
        return sum(value * 0.5**age for age, value in known.items())
    return sum(value * w ** (age - 1) for age, value in known.items()) / sum(w ** (age - 1) for age in known)


def episodes(hours: dict[datetime, float]) -> list[Episode]:
    """When bad air had lasted three hours, and when it was over."""
    found: list[Episode] = []
    above = below = opened = None
    end, last = min(hours), max(hours) + FOR + HOUR
    while end <= last:
        if opened is None and above is not None and end >= above + FOR:
            opened = above + FOR
            found.append(Episode(above, opened, None))
        if opened is not None and below is not None and end >= below + HOUR:
            found[-1] = found[-1]._replace(ended=below + HOUR)
            opened = None
        value = nowcast_at(hours, end)
        if value is not None:
            above = (above or end) if value > BAD else None
            below = (below or end) if value < GOOD else None
        end += HOUR
    return found


def folded(record: list[Reading], *rules_of: str, tick: timedelta = timedelta(minutes=5)) -> list[Transition]:
    """What the pack's rules make of the record, readings arriving as they were made, with ticks between them."""
    rules, memory, position = RuleSet(PACK.feeds, timezone=PACK.zone), Memory(), 0
    said: list[Transition] = []

    def enter(kind: EntryKind, at: datetime, **members: Any) -> None:
        nonlocal position
        position += 1
        said.extend(step(rules, memory, Entry(position, at, kind, **members)))

    for rule in PACK.rules:
        if rule.id in rules_of:
            value = {"body": {**rule.body, "mode": "alert"}, "hash": rule.hash, "version": 1}
            enter(EntryKind.RULE, record[0].at - HOUR, subject=rule.id, value=value)
    now = record[0].at
    for at, data in record:
        while now + tick < at:
            now += tick
            enter(EntryKind.TICK, now)
        now = at
        key = hash16(str(position).encode())
        event = Event("air_quality", "aq-hb-01", key, at, at, data=data, zone="hoa-binh", area="04795")
        enter(EntryKind.EVENT, at, event=event)
    for _ in range(120):
        now += tick
        enter(EntryKind.TICK, now)
    assert not memory.failed
    return said


def test_alerts_of_pm25_are_those_of_an_independent_count_of_whole_hours(record):
    """None of the real episodes is missed or late."""
    expected = episodes(whole_hours(record))
    assert expected, "the record has bad air"
    said = folded(record, "air.pm25")
    opened = [one.at for one in said if one.kind in (TransitionKind.OPENED, TransitionKind.REOPENED)]
    cleared = [one.at for one in said if one.kind is TransitionKind.CLEARED]
    assert opened == [one.opened for one in expected]
    assert cleared == [one.ended for one in expected if one.ended is not None]


def test_no_alert_of_pm25_comes_later_than_its_time_and_one_hour(record):
    """Counted from the first reading of the hour that began it: the hour has to end first."""
    first: dict[datetime, datetime] = {}
    for at, data in record:
        if "pm2_5" in data:
            first.setdefault(at.replace(minute=0, second=0, microsecond=0), at)
    opened = [one.at for one in folded(record, "air.pm25") if one.kind is TransitionKind.OPENED]
    late = {one.began: min(at for at in opened if at >= one.began) - first[one.began - HOUR]
            for one in episodes(whole_hours(record))}  # fmt: skip
    assert late
    assert max(late.values()) <= FOR + HOUR


def test_the_hourly_index_does_not_come_and_go_with_the_clock(record):
    """A full hour without a reading says nothing about the air."""
    said = folded(record, "air.vn-aqi")
    counts = Counter(one.kind for one in said)
    assert counts[TransitionKind.OPENED] > 0
    assert counts[TransitionKind.REOPENED] == 0
    assert all(one.at.minute == one.at.second == one.at.microsecond == 0 for one in said)
    assert {one.reason for one in said} == {""}
