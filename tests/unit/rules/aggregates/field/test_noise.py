"""Noise: energy means and the limits by zone and hour."""

from __future__ import annotations

import pytest

from ioc.rules.aggregates.field.noise import SOURCE, NoiseZone, laeq, laeq_timed, limit_dba


@pytest.mark.parametrize(
    ("levels", "dba"),
    [([65.0], 65.0), ([60.0] * 7, 60.0), ([90.0, *[60.0] * 9], 80.04), ([60.0, 63.0], 61.76), ([0.0, 0.0], 0.0)],
)
def test_laeq_is_the_mean_of_the_energy(levels, dba):
    assert laeq(levels) == pytest.approx(dba, abs=0.01)


def test_twice_as_long_at_a_level_is_the_level_twice():
    assert laeq_timed([(70.0, 120.0), (50.0, 60.0)]) == pytest.approx(laeq([70.0, 70.0, 50.0]))
    assert laeq_timed([(70.0, 30.0), (99.0, 0.0)]) == pytest.approx(70.0)


def test_no_time_is_no_level():
    assert laeq([]) is None
    assert laeq_timed([(70.0, 0.0)]) is None


def test_nonsense_from_a_feed_does_not_overflow():
    assert laeq([5_000.0, 60.0]) == pytest.approx(4_996.99, abs=0.01)


@pytest.mark.parametrize("sample", [(float("nan"), 1.0), (float("inf"), 1.0), (60.0, -1.0), (60.0, float("nan"))])
def test_what_is_no_measurement_is_our_own_mistake(sample):
    with pytest.raises(ValueError, match="no measurement"):
        laeq_timed([sample])


@pytest.mark.parametrize(
    ("zone", "hour", "dba"),
    [
        ("special", 6, 55), ("special", 20, 55), ("special", 21, 45), ("special", 5, 45), ("special", 0, 45),
        ("ordinary", 6, 70), ("ordinary", 20, 70), ("ordinary", 21, 55), ("ordinary", 5, 55), ("ordinary", 23, 55),
    ],
)  # fmt: skip
def test_the_limits_change_at_6_and_21(zone, hour, dba):
    assert limit_dba(NoiseZone(zone), hour) == dba


@pytest.mark.parametrize("hour", [-1, 24])
def test_a_day_has_24_hours(hour):
    with pytest.raises(ValueError, match="no hour"):
        limit_dba(NoiseZone.SPECIAL, hour)


def test_the_limits_say_that_they_are_second_hand_and_have_a_successor():
    assert not SOURCE.verified
    assert "QCVN 26:2025/BNNMT" in SOURCE.note
