"""Rain days, the rain that fell before, and the bands of QĐ 18/2021 as hints."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from ioc.rules.aggregates.field.rain import (
    DECAY,
    HINTS,
    SOURCE,
    VIETNAM,
    accumulated,
    antecedent_index,
    rain_day_end,
    rain_days,
    rain_hint,
)

RECORD = Path(__file__).parents[5].parent / "shared" / "data" / "hydrology" / "rainfall_mm_daily.csv"


def local(hour: int, minute: int = 0, day: int = 10) -> datetime:
    return datetime(2025, 9, day, hour, minute, tzinfo=VIETNAM)


@pytest.mark.parametrize(
    ("at", "ends_at_hour", "end"),
    [
        (local(19), 19, local(19)), (local(19, 1), 19, local(19, day=11)), (local(0), 19, local(19)),
        (local(7), 7, local(7)), (local(7, 10), 7, local(7, day=11)), (local(23, 59), 7, local(7, day=11)),
        (datetime(2025, 9, 10, 12, 0, tzinfo=UTC), 19, local(19)),
    ],
)  # fmt: skip
def test_a_rain_day_ends_with_its_hour(at, ends_at_hour, end):
    assert rain_day_end(at, ends_at_hour=ends_at_hour) == end


def test_a_rain_day_needs_a_zone_and_one_of_the_two_hours():
    with pytest.raises(ValueError, match="time zone"):
        rain_day_end(datetime(2025, 9, 10), ends_at_hour=7)  # noqa: DTZ001
    with pytest.raises(ValueError, match="not at 0"):
        rain_day_end(local(3), ends_at_hour=0)


def test_readings_are_summed_by_rain_day_in_any_order():
    readings = [(local(19), 2.0), (local(19, 10), 5.5), (local(7), 0.5), (local(18, 50, day=13), 0.0)]
    days = rain_days(reversed(readings), ends_at_hour=19)
    assert [(day.ends_at.day, day.total_mm, day.readings) for day in days] == [(10, 2.5, 2), (11, 5.5, 1), (13, 0.0, 1)]


def test_accumulated_rain_counts_the_newest_days():
    days = [10.0, 0.0, 30.0, 100.0]
    assert accumulated(days, days_back=3) == (40.0, 0)
    assert accumulated([10.0, None, 30.0], days_back=5) == (40.0, 3), "a lower bound says so"
    assert accumulated([None, None], days_back=2) is None


def test_the_antecedent_index_lets_old_rain_fade():
    assert antecedent_index([10.0, 20.0], days_back=2, decay=0.5) == (10.0, 0)
    newest_two = antecedent_index([10.0, 20.0, 99.0], days_back=2)
    assert newest_two is not None
    assert newest_two.mm == pytest.approx(DECAY * 10 + DECAY**2 * 20)
    assert antecedent_index([7.0], days_back=1, decay=1.0) == accumulated([7.0], days_back=1)


@pytest.mark.parametrize(("days_back", "decay"), [(0, 0.9), (3, 0.0), (3, 1.1), (3, float("nan"))])
def test_an_index_without_days_or_decay_is_our_own_mistake(days_back, decay):
    with pytest.raises(ValueError, match="days back"):
        antecedent_index([1.0], days_back=days_back, decay=decay)


@pytest.mark.parametrize(
    ("half", "day", "from_mm"),
    [
        (49.9, 99.9, None), (50.0, 60.0, 50), (0.0, 100.0, 100), (0.0, 200.0, 100), (0.0, 200.1, 200),
        (0.0, 400.0, 200), (0.0, 400.1, 400), (120.0, None, 100), (None, 60.0, None), (None, None, None),
    ],
)  # fmt: skip
def test_the_bands_begin_and_end_as_the_article_says(half, day, from_mm):
    hint = rain_hint(rain_12h_mm=half, rain_24h_mm=day)
    assert (hint and hint.from_mm) == from_mm


def test_the_bands_are_hints_from_a_second_hand_source():
    assert not SOURCE.verified
    assert "không phải cấp độ rủi ro thiên tai" in SOURCE.note
    for lower, higher in pairwise(HINTS[1:]):
        assert lower.to_mm == higher.from_mm


def test_on_the_record_the_days_over_100_mm_are_those_that_the_bands_name():
    """Hòa Bình 2000-2016, and the index of a day agrees with the one stepped day by day."""
    if not RECORD.exists():
        pytest.skip("../shared/data/hydrology/rainfall_mm_daily.csv is absent")
    with RECORD.open(encoding="utf-8") as lines:
        rows = [(date.fromisoformat(row["Date"]), row["Hoa Binh"]) for row in csv.DictReader(lines)]
    rain = [float(mm) if mm else None for _, mm in rows]
    assert all(later - earlier == timedelta(days=1) for (earlier, _), (later, _) in pairwise(rows))
    hinted = [mm for mm in rain if rain_hint(rain_12h_mm=None, rain_24h_mm=mm)]
    assert hinted
    assert hinted == [mm for mm in rain if mm is not None and mm >= 100]
    stepped, compared = 0.0, 0
    for number, mm in enumerate(rain):
        if mm is None:
            continue
        stepped = DECAY * (stepped + mm)
        newest = rain[number::-1]
        if number >= 200 and None not in newest[:200]:
            index = antecedent_index(newest, days_back=200)
            assert index is not None
            assert index.mm == pytest.approx(stepped, abs=1e-5)
            compared += 1
    print(f"rain: {len(hinted)} days from 100 mm on, the index compared on {compared} days")  # noqa: T201  with -rP
    assert compared > 1_000
