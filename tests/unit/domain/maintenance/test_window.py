"""When a maintenance window holds: once, each day, each week, up to its last day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from ioc.domain.maintenance.window import MaintenancePlan, Repeat
from ioc.domain.moment import LOCAL_ZONE

NOW = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONCE = MaintenancePlan("rain-1", NOW + HOUR, NOW + 3 * HOUR, "calibration")
WEEKLY = replace(ONCE, repeat=Repeat.WEEKLY, repeat_until=date(2026, 12, 7))


def hours(plan: MaintenancePlan, at: datetime) -> tuple[float, float] | None:
    found = plan.next_after(at, LOCAL_ZONE)
    return None if found is None else ((found.starts_at - NOW) / HOUR, (found.ends_at - NOW) / HOUR)


@pytest.mark.parametrize(("at", "found"), [(0, (1, 3)), (1, (1, 3)), (2.9, (1, 3)), (3, None), (900, None)])
def test_a_window_that_does_not_repeat_holds_once(at: float, found: tuple[float, float] | None):
    assert hours(ONCE, NOW + at * HOUR) == found


def test_a_weekly_window_comes_again_up_to_its_last_day():
    week = 7 * 24
    for at, start in ((0, 1), (2.5, 1), (3, week + 1), (week + 2, week + 1), (week + 3, 2 * week + 1)):
        assert hours(WEEKLY, NOW + at * HOUR) == (start, start + 2), at
    assert hours(WEEKLY, NOW + (2 * week + 3) * HOUR) is None


def test_the_last_day_is_the_local_one():
    late = MaintenancePlan("rain-1", NOW + 5 * HOUR, NOW + 6 * HOUR, "x", repeat=Repeat.DAILY,
                           repeat_until=date(2026, 11, 24))  # fmt: skip
    assert late.starts_at.date() == date(2026, 11, 23), "18:00 UTC is 01:00 of the 24th"
    assert hours(late, late.ends_at) is None


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"ends_at": NOW + HOUR}, "ends_at"),
        ({"ends_at": NOW + timedelta(days=32)}, "ends_at"),
        ({"starts_at": NOW - 3 * HOUR, "ends_at": NOW}, "ends_at"),
        ({"starts_at": NOW + timedelta(days=400), "ends_at": NOW + timedelta(days=401)}, "starts_at"),
        ({"repeat": Repeat.DAILY}, "repeat_until"),
        ({"repeat_until": date(2026, 12, 1)}, "repeat_until"),
        ({"repeat": Repeat.DAILY, "repeat_until": date(2029, 1, 1)}, "repeat_until"),
        ({"repeat": Repeat.DAILY, "repeat_until": date(2026, 12, 1), "ends_at": NOW + timedelta(days=2)}, "ends_at"),
    ],
)
def test_what_cannot_be_says_its_member(change: dict[str, object], member: str):
    fault = replace(ONCE, **change).fault(NOW)  # type: ignore[arg-type]
    assert fault is not None
    assert fault[0] == member


def test_what_can_be_has_no_fault():
    assert ONCE.fault(NOW) is None
    assert WEEKLY.fault(NOW) is None
    running = replace(ONCE, starts_at=NOW - HOUR)
    assert running.fault(NOW) is None, "somebody is there already"
