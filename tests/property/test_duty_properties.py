"""Who is on duty, held against a count of every quarter of an hour that shares nothing with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.roster.shift import Override, Shift, ShiftRole
from ioc.roster.duty import duty_at, gaps
from tests.property.test_rules_properties import CHECK

START, QUARTER, QUARTERS = datetime(2026, 11, 28, tzinfo=UTC), timedelta(minutes=15), 96
KEPT = 7 * 96
UNITS, CONTACTS = ("u1", "u2"), ("a", "b", "c")
Drawn = tuple[str, str, int, int, list[tuple[str, int, int]]]
"""Unit, contact, from and to in quarters, and who stands in."""
parts = st.tuples(st.sampled_from(CONTACTS), st.integers(0, 95), st.integers(1, 60)).map(
    lambda one: (one[0], one[1], one[1] + one[2])
)
drawn_shifts = st.lists(
    st.tuples(
        st.sampled_from(UNITS), st.sampled_from(CONTACTS), st.integers(0, 80), st.integers(1, 60),
        st.lists(parts, max_size=3),
    ).map(lambda one: (one[0], one[1], one[2], one[2] + one[3], one[4])),
    max_size=6,
)  # fmt: skip


def at(quarter: int) -> datetime:
    return START + quarter * QUARTER


def shifts_of(drawn: list[Drawn]) -> list[Shift]:
    return [
        Shift(
            id=f"sh{number}", unit=unit, contact=contact, role=ShiftRole.OPERATOR, starts_at=at(start), ends_at=at(end),
            overrides=tuple(Override(who, at(first), at(last)) for who, first, last in stand_ins),
        )
        for number, (unit, contact, start, end, stand_ins) in enumerate(drawn)
    ]  # fmt: skip


def counted(drawn: list[Drawn], quarter: int) -> tuple[dict[str, set[str]], set[str]]:
    """Return who is on duty in a quarter by unit, and which units are missed, by looking at each shift alone."""
    there: dict[str, set[str]] = {}
    missed: set[str] = set()
    for unit in UNITS:
        own = [one for one in drawn if one[0] == unit]
        for _, contact, start, end, stand_ins in own:
            if start <= quarter < end:
                who = contact
                for stand_in, first, last in stand_ins:
                    if first <= quarter < last:
                        who = stand_in
                there.setdefault(unit, set()).add(who)
        if own and unit not in there and quarter >= min(one[2] for one in own):
            later = any(one[2] > quarter for one in own)
            if later or quarter < max(one[3] for one in own) + KEPT:
                missed.add(unit)
    return there, missed


@CHECK
@given(drawn_shifts, st.integers(0, 140))
def test_who_is_on_duty_is_what_a_count_finds(drawn: list[Drawn], quarter: int):
    found = duty_at(shifts_of(drawn), at(quarter), is_open=lambda _unit, _at: True)
    there, missed = counted(drawn, quarter)
    assert {unit: {one.contact for one in each} for unit, each in found.on_duty.items()} == there
    assert found.unstaffed == missed
    for each in found.on_duty.values():
        assert all(at(quarter) < one.until for one in each)


@CHECK
@given(drawn_shifts)
def test_gaps_are_exactly_the_quarters_in_which_a_unit_is_missed(drawn: list[Drawn]):
    shifts = shifts_of(drawn)
    found = gaps(shifts, at(0), at(QUARTERS), open_in=lambda _unit, first, last: [(first, last)])
    for quarter in range(QUARTERS):
        inside = {gap.unit for gap in found if gap.starts_at <= at(quarter) < gap.ends_at}
        assert inside == counted(drawn, quarter)[1], quarter


def test_the_count_sees_a_duty_that_forgets_who_stands_in():
    """The control: the same count over shifts without their overrides."""
    drawn: list[Drawn] = [("u1", "a", 0, 40, [("b", 10, 20)])]
    forgotten = duty_at(shifts_of([("u1", "a", 0, 40, [])]), at(15), is_open=lambda _unit, _at: True)
    assert {one.contact for one in forgotten.on_duty["u1"]} != counted(drawn, 15)[0]["u1"]
