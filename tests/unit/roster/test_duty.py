"""Who is on duty at a moment, and where nobody is: overrides, hours of a unit, a roster that has run out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ioc.domain.roster.shift import Override, Shift, ShiftRole
from ioc.roster.duty import KEPT_AFTER, Gap, duty_at, gaps, on_duty

MIDNIGHT = datetime(2026, 11, 28, 0, 0, tzinfo=UTC)


def hour(number: float) -> datetime:
    return MIDNIGHT + timedelta(hours=number)


def shift(contact: str, start: float, end: float, *overrides: tuple[str, float, float], **others: Any) -> Shift:
    parts = tuple(Override(who, hour(first), hour(last)) for who, first, last in overrides)
    return Shift(
        id=f"{contact}-{start}", contact=contact, starts_at=hour(start), ends_at=hour(end), overrides=parts,
        **{"unit": "centre", "role": ShiftRole.OPERATOR, **others},
    )  # fmt: skip


def always(unit: str, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    del unit
    return [(start, end)]


def is_open(unit: str, at: datetime) -> bool:
    del unit, at
    return True


def test_a_shift_holds_its_beginning_and_not_its_end():
    day = (shift("a", 6, 18), shift("b", 18, 30))
    assert [one.contact for one in on_duty(day, hour(6))] == ["a"]
    assert [one.contact for one in on_duty(day, hour(18))] == ["b"]
    assert on_duty(day, hour(5.99)) == ()
    assert on_duty(day, hour(12))[0].until == hour(18)


def test_who_stands_in_is_on_duty_for_the_part_and_the_later_override_counts():
    one = shift("a", 6, 18, ("b", 8, 12), ("c", 10, 11))
    told = [(each.contact, each.starts_at, each.ends_at, each.stands_for) for each in one.spells()]
    assert told == [
        ("a", hour(6), hour(8), None), ("b", hour(8), hour(10), "a"), ("c", hour(10), hour(11), "a"),
        ("b", hour(11), hour(12), "a"), ("a", hour(12), hour(18), None),
    ]  # fmt: skip
    (now,) = on_duty([one], hour(10.5))
    assert (now.contact, now.stands_for, now.until) == ("c", "a", hour(11))


def test_a_hole_between_shifts_is_a_gap_and_so_is_what_a_roster_does_not_reach():
    roster = (shift("a", 6, 14), shift("b", 13, 20), shift("c", 30, 42))
    assert gaps(roster, hour(0), hour(48), open_in=always) == [
        Gap("centre", hour(20), hour(30)),
        Gap("centre", hour(42), hour(48)),
    ], "before its first shift a unit keeps no roster"
    assert duty_at(roster, hour(25), is_open=is_open).unstaffed == {"centre"}
    assert duty_at(roster, hour(5), is_open=is_open).unstaffed == frozenset()


def test_a_roster_that_was_given_up_is_missed_for_a_week_only():
    last = shift("a", 6, 18)
    late = last.ends_at + KEPT_AFTER
    assert duty_at([last], late - timedelta(seconds=1), is_open=is_open).unstaffed == {"centre"}
    assert duty_at([last], late, is_open=is_open).unstaffed == frozenset()
    assert gaps([last], hour(0), late + timedelta(days=3), open_in=always) == [Gap("centre", hour(18), late)]


def test_outside_its_hours_a_unit_needs_nobody():
    roster = (shift("a", 6, 8), shift("a", 30, 32))

    def by_day(unit: str, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        del unit
        first, last = max(start, hour(7)), min(end, hour(17))
        return [(first, last)] if first < last else []

    assert gaps(roster, hour(0), hour(31), open_in=by_day) == [Gap("centre", hour(8), hour(17))]
    closed = duty_at(roster, hour(20), is_open=lambda _unit, _at: False)
    assert closed.unstaffed == frozenset()


def test_units_are_told_apart_and_nobody_is_on_duty_twice():
    roster = (shift("a", 6, 12), shift("x", 6, 12, unit="ward"), shift("a", 8, 14, role=ShiftRole.SHIFT_LEADER))
    found = duty_at(roster, hour(9), is_open=is_open)
    assert {unit: [one.contact for one in each] for unit, each in found.on_duty.items()} == {
        "centre": ["a"],
        "ward": ["x"],
    }
    assert found.on_duty["centre"][0].until == hour(14)
