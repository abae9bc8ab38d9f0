"""NowCast: the decision's own example, the two formulas, gaps and zeros."""

from __future__ import annotations

import pytest

from ioc.rules.aggregates.field.nowcast import data_weight, nowcast

EXAMPLE = [20.6, 19.6, 22.4, 20.3, 16.5, 19.0, 16.5, 19.5, 23.5, 20.5, 24.7, 26.9]
"""QĐ 1459/QĐ-TCMT 2.3 a, newest first."""
FALLING = [100.0, 90.0, 80.0, 70.0, 60.0, 50.0, 45.0, 40.0, 35.0, 30.0, 25.0, 20.0]


def test_the_example_of_the_decision():
    """The text prints 20.3, with w* cut to 0.61."""
    assert min(EXAMPLE) / max(EXAMPLE) == pytest.approx(0.613, abs=0.0005)
    assert nowcast(EXAMPLE) == pytest.approx(20.27, abs=0.005)


def test_below_one_half_the_weights_are_the_halves_and_are_not_divided_by():
    assert nowcast(FALLING) == pytest.approx(sum(mean / 2**number for number, mean in enumerate(FALLING, start=1)))
    assert nowcast([10.0, 5.0] + [7.0] * 10) == pytest.approx(sum([5.0, 1.25, *(7 / 2**n for n in range(3, 13))]))


def test_above_one_half_the_weights_are_divided_by():
    steady = [50.0, 40.0, 45.0] + [50.0] * 9
    weights = [0.8**age for age in range(12)]
    expected = sum(w * mean for w, mean in zip(weights, steady, strict=True)) / sum(weights)
    assert nowcast(steady) == pytest.approx(expected)
    assert nowcast([37.5] * 12) == pytest.approx(37.5)


def test_a_missing_hour_has_no_weight_above_one_half():
    assert nowcast([50.0, None, 40.0]) == pytest.approx((50.0 + 0.8**2 * 40.0) / (1 + 0.8**2))
    assert nowcast([None, 50.0, 50.0, *[None] * 9]) == pytest.approx(50.0)


def test_a_missing_hour_at_one_half_takes_its_share_away_as_the_text_says():
    """Literal, and low: with the newest hour gone some 97 µg/m³ read as 47."""
    full = [100.0, 100.0, 100.0, 50.0, *[100.0] * 8]
    gap = [None, *full[1:]]
    whole, holed = nowcast(full), nowcast(gap)
    assert whole == pytest.approx(100 * (1 - 2**-12) - 50 * 2**-4)
    assert holed == pytest.approx(100 * (1 - 2**-12) - 50 * 2**-4 - 50)
    assert data_weight(full) == pytest.approx(1.0)
    assert data_weight(gap) == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("hours", [[], [None] * 12, [10.0, None, None, *[10.0] * 9], [None, None, 5.0], [7.0]])
def test_fewer_than_two_of_the_three_newest_hours_are_no_data(hours):
    assert nowcast(hours) is None
    assert data_weight(hours) is None


@pytest.mark.parametrize("newest", [[None, 20.0, 20.0], [20.0, None, 20.0], [20.0, 20.0, None]])
def test_any_two_of_the_three_newest_hours_are_enough(newest):
    assert nowcast([*newest, *[None] * 9]) == pytest.approx(20.0)


def test_hours_at_zero_are_a_nowcast_of_zero():
    assert nowcast([0.0] * 12) == 0.0
    assert data_weight([0.0, 0.0]) == pytest.approx(2 / 12)


def test_a_single_zero_makes_the_weight_one_half():
    assert nowcast([8.0, 0.0]) == pytest.approx(4.0)


@pytest.mark.parametrize("hours", [[1.0] * 13, [1.0, -0.1], [1.0, float("nan")], [1.0, float("inf")]])
def test_what_no_station_can_mean_is_our_own_mistake(hours):
    with pytest.raises(ValueError, match=r"hours|amount"):
        nowcast(hours)
