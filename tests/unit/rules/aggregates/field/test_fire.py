"""Nesterov's P, its reset by rain, what is not known, and the levels of a province's table."""

from __future__ import annotations

import math

import pytest

from ioc.rules.aggregates.field.fire import (
    HUE_2022,
    LEVELS,
    LEVELS_SOURCE,
    RESET_MM,
    FireDay,
    FireTable,
    cumulative_p,
    fire_level,
    next_p,
    saturation_deficit_hpa,
    saturation_pressure_hpa,
)

DRY = FireDay(temperature_c=30.0, humidity_pct=50.0, rain_mm=0.0)
DAILY = 30.0 * 42.337 / 2
"""t13 d13 of a dry day: the formula has air of 30 °C saturated at 42.337 hPa."""


@pytest.mark.parametrize(("temperature_c", "hpa"), [(0.0, 6.11), (20.0, 23.39), (30.0, 42.47), (40.0, 73.85)])
def test_the_saturation_pressure_is_near_that_of_the_steam_tables(temperature_c, hpa):
    """The formula is within 0.4 %."""
    assert saturation_pressure_hpa(temperature_c) == pytest.approx(hpa, rel=0.004)


def test_saturated_air_lacks_nothing_in_fog_neither():
    assert saturation_deficit_hpa(25.0, 100.0) == saturation_deficit_hpa(25.0, 104.0) == 0.0
    assert saturation_deficit_hpa(25.0, 0.0) == saturation_pressure_hpa(25.0)


@pytest.mark.parametrize("temperature_c", [-243.12, -300.0, math.nan, math.inf])
def test_a_temperature_that_air_cannot_have_is_our_own_mistake(temperature_c):
    with pytest.raises(ValueError, match="no air temperature"):
        saturation_pressure_hpa(temperature_c)


def test_p_grows_by_temperature_times_deficit_on_dry_days():
    assert cumulative_p([DRY] * 3, start=0.0) == [pytest.approx(DAILY * days, rel=0.001) for days in (1, 2, 3)]


def test_rain_of_the_reset_makes_p_zero_and_less_does_not():
    wet = FireDay(temperature_c=30.0, humidity_pct=50.0, rain_mm=RESET_MM)
    drizzle = FireDay(temperature_c=30.0, humidity_pct=50.0, rain_mm=RESET_MM - 0.1)
    assert next_p(9_000.0, wet) == 0.0
    assert next_p(9_000.0, drizzle) == pytest.approx(9_000 + DAILY, rel=0.001)
    assert next_p(9_000.0, wet, reset_mm=10.0) == pytest.approx(9_000 + DAILY, rel=0.001)


@pytest.mark.parametrize("gap", ["temperature_c", "humidity_pct", "rain_mm"])
def test_after_a_gap_p_is_unknown_until_it_rains_enough(gap):
    measured = {"temperature_c": 30.0, "humidity_pct": 50.0, "rain_mm": 0.0}
    hole = FireDay(**{**measured, gap: None})
    soaked = FireDay(temperature_c=None, humidity_pct=None, rain_mm=30.0)
    assert cumulative_p([DRY, hole, DRY, soaked, DRY], start=0.0) == [
        pytest.approx(DAILY, rel=0.001), None, None, 0.0, pytest.approx(DAILY, rel=0.001),
    ]  # fmt: skip
    assert fire_level(None) is None


def test_p_of_the_day_before_the_first_is_unknown_unless_given():
    assert cumulative_p([DRY, DRY]) == [None, None]


def test_frost_never_lowers_p():
    assert next_p(100.0, FireDay(temperature_c=-3.0, humidity_pct=10.0, rain_mm=0.0)) == 100.0


@pytest.mark.parametrize(
    ("p", "roman"),
    [(0.0, "I"), (5_000.4, "I"), (5_000.5, "II"), (10_000, "II"), (10_001, "III"), (15_001, "IV"), (20_000, "IV"),
     (20_001, "V"), (1e6, "V")],
)  # fmt: skip
def test_the_levels_of_the_table(p, roman):
    level = fire_level(p)
    assert level is not None
    assert level.roman == roman


def test_the_default_table_says_that_it_is_another_province_s():
    assert HUE_2022.province == "Thừa Thiên Huế"
    assert not HUE_2022.source.verified
    assert not LEVELS_SOURCE.verified
    assert "Hòa Bình" in HUE_2022.source.note
    assert [level.number for level in LEVELS] == [1, 2, 3, 4, 5]


def test_a_province_brings_its_own_table():
    table = FireTable(bounds=(1_000, 2_500, 5_000, 10_000), province="Mẫu", source=HUE_2022.source)
    level = fire_level(2_501, table)
    assert level is not None
    assert level.number == 3


@pytest.mark.parametrize("bounds", [(1, 2, 3), (1, 2, 2, 3), (4, 3, 2, 1)])
def test_a_table_needs_four_bounds_that_rise(bounds):
    with pytest.raises(ValueError, match="four bounds"):
        FireTable(bounds=bounds, province="Mẫu", source=HUE_2022.source)
