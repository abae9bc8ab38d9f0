"""What a repeating pattern makes: crews in turn, by the city's clock."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ioc.roster.pattern import SHIFTS_MAX, Pattern, expand

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SEVEN = datetime(2026, 11, 30, 7, 0, tzinfo=ZONE)


def pattern(**others: Any) -> Pattern:
    values = {"crews": ("a", "b", "c"), "starts_at": SEVEN, "shift_hours": 12, "every_hours": 12, "days": 3}
    return Pattern(**{**values, **others})


def test_three_crews_of_twelve_hours_follow_one_another_without_a_hole():
    made = expand(pattern(), ZONE)
    assert [one.contact for one in made] == ["a", "b", "c", "a", "b", "c"]
    assert made[0].starts_at == SEVEN
    assert all(one.ends_at == following.starts_at for one, following in itertools.pairwise(made))
    assert made[-1].ends_at == SEVEN + timedelta(days=3)


def test_one_night_a_day_leaves_the_days_free():
    nights = expand(pattern(crews=("a",), starts_at=SEVEN + timedelta(hours=11), every_hours=24), ZONE)
    assert [(one.starts_at.astimezone(ZONE).hour, one.ends_at.astimezone(ZONE).hour) for one in nights] == [(18, 6)] * 3


def test_a_clock_that_is_put_forward_moves_no_shift():
    berlin = ZoneInfo("Europe/Berlin")
    made = expand(
        pattern(crews=("a",), starts_at=datetime(2026, 3, 28, 20, 0, tzinfo=berlin), every_hours=24, days=2), berlin
    )
    assert [one.starts_at.astimezone(berlin).hour for one in made] == [20, 20]
    assert made[0].ends_at - made[0].starts_at == timedelta(hours=11), "the night in which the clock is put forward"


def test_a_pattern_without_end_stops_at_its_bound():
    made = expand(pattern(shift_hours=1, every_hours=1, days=92), ZONE)
    assert len(made) == SHIFTS_MAX + 1, "one more than may be, so that it is told"
    assert made[0].starts_at.tzinfo is UTC
