"""Working time leaves out what nobody works in, in the city's own days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ioc.api.views.working_time import DAYS_MAX, working_time_over

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
FRIDAY = datetime(2026, 11, 20, 16, 0, tzinfo=ZONE)


@pytest.mark.parametrize(("length", "holidays", "over"), [
    (timedelta(hours=2), [], datetime(2026, 11, 20, 18, 0, tzinfo=ZONE)),
    (timedelta(hours=8), [], datetime(2026, 11, 21, 0, 0, tzinfo=ZONE)),
    (timedelta(hours=9), [], datetime(2026, 11, 23, 1, 0, tzinfo=ZONE)),
    (timedelta(days=2), [], datetime(2026, 11, 24, 16, 0, tzinfo=ZONE)),
    (timedelta(days=2), [date(2026, 11, 24)], datetime(2026, 11, 25, 16, 0, tzinfo=ZONE)),
], ids=["the same day", "to midnight", "past a weekend", "two days", "a holiday too"])  # fmt: skip
def test_days_off_do_not_count(length, holidays, over):
    assert working_time_over(FRIDAY, length, zone=ZONE, holidays=holidays) == over


def test_the_day_is_the_citys_whatever_zone_the_moment_comes_in():
    """18:00 UTC on a Friday is Saturday in Hòa Bình."""
    assert working_time_over(datetime(2026, 11, 20, 18, tzinfo=UTC), timedelta(hours=1), zone=ZONE) == datetime(
        2026, 11, 23, 1, tzinfo=ZONE
    )


def test_a_calendar_without_a_working_day_ends():
    every = {FRIDAY.date() + timedelta(days=number) for number in range(DAYS_MAX + 1)}
    assert working_time_over(FRIDAY, timedelta(days=1), zone=ZONE, holidays=every) > FRIDAY
