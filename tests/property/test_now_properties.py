"""Now, peak and trend equal a count of their own from the readings, whatever comes late, without a value, or is cut.

The count looks at the whole list of readings and shares nothing with the fold but the page that says what they are.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ioc.rules.state.memory import Memory
from tests.property.test_rules_properties import CHECK
from tests.unit.rules.state.test_now import Fold, said

Reading = tuple[int, int, float | None]
"""(seconds since the one before, how late it is, value)"""
LIMIT, RECOVERY, TOLERANCE, STEADY_SECONDS = 10.0, 5.0, 1.0, 1_800
readings = st.lists(
    st.tuples(
        st.sampled_from((1, 60, 600, 1_799, 1_800, 1_801)),
        st.sampled_from((0, 0, 0, 5, 700)),
        st.sampled_from((None, 4.0, 9.0, 11.0, 11.5, 12.0, 12.5, 13.0, 20.0, 20.9, 21.0)),
    ),
    min_size=1,
    max_size=25,
)


def counted(found: list[Reading]) -> tuple[Any, ...] | None:
    """(value, seconds, peak, its seconds, trend) of the open alert by the readings alone; None: none is open."""
    newest, at, open_, alert = float("-inf"), 0, False, list[tuple[float, float]]()
    cleared_at = None
    for gap, late, value in found:
        at += gap
        made = float(at - late)
        if made < newest:
            continue
        newest = made
        if value is None:
            continue
        if not open_ and value > LIMIT:
            open_ = True
            if cleared_at is None or made - cleared_at > 300:
                alert = []  # another alert than the one before
        elif open_ and value < RECOVERY:
            open_, cleared_at = False, made
            alert.append((made, value))
            continue
        if open_:
            alert.append((made, value))
    return told(alert) if open_ else None


def told(alert: list[tuple[float, float]]) -> tuple[Any, ...]:
    peak_at, peak = max(alert, key=lambda one: (one[1], -one[0]))
    mark_at, mark = alert[0]
    trend = "steady"
    for made, value in alert[1:]:
        if abs(value - mark) >= TOLERANCE:
            trend = "rising" if value > mark else "falling"
            mark_at, mark = made, value
        elif made - mark_at >= STEADY_SECONDS:
            trend = "steady"
    return alert[-1][1], alert[-1][0], peak, peak_at, trend


def folded(found: list[Reading], *, cut: int | None = None) -> tuple[Any, ...] | None:
    """The same by the fold; ``cut``: after so many readings it starts again from its snapshot."""
    fold = Fold()
    fold.rule(limit={"value": 10, "unit": "cm", "source": "x", "verified": False}, clear={"when": "value < 5"})
    at = 0
    for number, (gap, late, value) in enumerate(found):
        if number == cut:
            fold.memory = Memory.restore(fold.memory.snapshot())
        at += gap
        data: dict[str, Any] = {} if value is None else {"value": value}
        fold.send(at, late_seconds=late, **data)
    open_ = [state for state in fold.memory.keys.get("meter.level", {}).values() if state.alert and state.alert.firing]
    return said(fold.now()) if open_ else None


@CHECK
@given(readings, st.integers(0, 25))
def test_what_is_told_equals_an_independent_count_wherever_the_fold_begins_again(found: list[Reading], cut: int):
    wanted = counted(found)
    assert folded(found) == wanted
    assert folded(found, cut=cut) == wanted


def test_the_count_can_tell_a_headline_that_froze_at_its_transition():
    found: list[Reading] = [(1, 0, 11.0), (60, 0, 20.0), (60, 0, 9.0)]
    frozen = folded(found[:1])
    assert frozen != counted(found) == folded(found) == (9.0, 121, 20.0, 61, "falling")
