"""What a silence may be, and when it holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ioc.api.views.open_hours import PackCalendar
from ioc.domain.severity import Severity
from ioc.domain.silences.silence import SilencePlan
from tests.integration.api.conftest import make_pack

NOW = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
"""A Monday, 20:00 at Hòa Bình."""
HOUR = timedelta(hours=1)
CALENDAR = PackCalendar(make_pack())


def plan(start: float, end: float, **others: Any) -> SilencePlan:
    return SilencePlan(NOW + start * HOUR, NOW + end * HOUR, "Thử còi", **{"devices": ("siren-1",), **others})


@pytest.mark.parametrize(
    ("wrong", "member"),
    [
        (plan(0, 1, devices=()), "match"),
        (plan(1, 1), "to"),
        (plan(-3, 0), "to"),
        (plan(0, 30 * 24 + 1), "to"),
        (plan(367 * 24, 367 * 24 + 1), "from"),
        (plan(0, 367 * 24, active={"hours": ["22:00-06:00"]}), "to"),
        (plan(0, 90 * 24, active={"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}), "active"),
        (plan(0, 2, active={"hours": ["06:00-07:00"]}), "active"),
    ],
)
def test_what_cannot_be_is_told_by_its_member(wrong: SilencePlan, member: str) -> None:
    fault = wrong.fault(NOW, CALENDAR)
    assert fault is not None
    assert fault[0] == member


def test_thirty_days_and_a_year_of_nights_can_be() -> None:
    assert plan(0, 30 * 24).fault(NOW, CALENDAR) is None
    assert plan(0, 365 * 24, active={"hours": ["22:00-06:00"]}).fault(NOW, CALENDAR) is None


def test_once_holds_from_its_start_up_to_its_end() -> None:
    once = plan(1, 3)
    assert once.next_after(NOW, CALENDAR) == (NOW + HOUR, NOW + 3 * HOUR)
    assert once.next_after(NOW + 2 * HOUR, CALENDAR) == (NOW + HOUR, NOW + 3 * HOUR)
    assert once.next_after(NOW + 3 * HOUR, CALENDAR) is None


def test_nights_come_again_past_midnight_and_end_with_the_silence() -> None:
    nights = plan(0, 30, active={"hours": ["22:00-06:00"]})  # up to 02:00 of the night after next
    ten = NOW + 2 * HOUR
    assert nights.next_after(NOW, CALENDAR) == (ten, ten + 8 * HOUR)
    assert nights.next_after(ten + 3 * HOUR, CALENDAR) == (ten + 3 * HOUR, ten + 8 * HOUR)
    assert nights.next_after(ten + 8 * HOUR, CALENDAR) == (ten + 24 * HOUR, NOW + 30 * HOUR)
    assert nights.next_after(NOW + 30 * HOUR, CALENDAR) is None


def test_weekends_hold_from_friday_midnight() -> None:
    weekends = plan(0, 14 * 24, active={"days": ["sat", "sun"]})
    found = weekends.next_after(NOW, CALENDAR)
    assert found is not None
    assert (found.starts_at, found.ends_at) == (
        datetime(2026, 11, 27, 17, 0, tzinfo=UTC), datetime(2026, 11, 29, 17, 0, tzinfo=UTC),
    )  # fmt: skip
    assert found.starts_at.astimezone(make_pack().zone).date() == date(2026, 11, 28)


@pytest.mark.parametrize(
    ("asked", "member"),
    [
        (plan(0, 8), None),
        (plan(3, 11), None),
        (plan(0, 8.1), "to"),
        (plan(0, 8, devices=("a", "b")), "match"),
        (plan(0, 8, devices=(), rules=("rain.24h",)), "match"),
        (plan(0, 8, severity_max=Severity.CRITICAL), "match"),
        (plan(0, 8, active={"hours": ["20:00-21:00"]}), "active"),
    ],
)
def test_one_device_for_a_shift_is_what_whoever_handles_alerts_may(asked: SilencePlan, member: str | None) -> None:
    beyond = asked.beyond_brief(NOW)
    assert (None if beyond is None else beyond[0]) == member
