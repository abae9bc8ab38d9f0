"""VN_AQI: the decision's own examples, breakpoints, bands, and the day's figures."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest

from ioc.rules.aggregates.field.nowcast import nowcast
from ioc.rules.aggregates.field.rounding import round_half_away
from ioc.rules.aggregates.field.vn_aqi import BREAKPOINTS, INDEX_POINTS, SOURCE, Pollutant, daily, hourly, index_of
from ioc.rules.aggregates.field.vn_aqi_bands import BANDS, Advice, band_of
from ioc.rules.aggregates.field.vn_aqi_day import day_figures, mean_of, means_of_8_hours
from tests.unit.rules.aggregates.field.test_nowcast import EXAMPLE

OZONE_BEFORE = [15.7, 14.2, 17.7, 18.9, 19.3, 15.7, 19.7]
OZONE = [
    22.6, 27.1, 29.0, 31.9, 25.3, 34.7, 35.2, 41.6, 45.7, 49.2, 55.8, 69.6,
    78.3, 91.5, 97.7, 81.2, 71.8, 43.5, 34.3, 21.5, 20.5, 19.4, 20.4, 21.3,
]  # fmt: skip
OZONE_8H = [
    18.0, 19.4, 21.2, 23.0, 23.8, 25.8, 28.2, 30.9, 33.8, 36.6, 39.9, 44.7,
    51.3, 58.4, 66.2, 71.1, 74.4, 73.7, 71.0, 65.0, 57.8, 48.7, 39.1, 31.6,
]  # fmt: skip
"""The example of QĐ 1459/QĐ-TCMT 2.2.2 a: the hours 18:00 to 00:00 before, 01:00 to 00:00, and its means of 8 hours."""


@pytest.mark.parametrize(
    ("pollutant", "concentration", "index"),
    [
        ("pm2_5", 20.3, 41), ("o3", 136.1, 43), ("no2", 118.7, 59),
        ("o3_8h", 89.3, 45), ("o3", 114.6, 36), ("no2", 130.8, 65), ("pm2_5", 55.7, 110),
    ],
)  # fmt: skip
def test_the_examples_of_the_decision(pollutant, concentration, index):
    """For NO2 118.7 the text prints 60 of 59.35; its formula is followed, not its slip."""
    assert index_of(pollutant, concentration) == index


def test_the_hour_and_the_day_of_the_decision():
    hour = {"o3": 136.1, "no2": 118.7, "pm2_5": nowcast(EXAMPLE)}
    assert hourly(hour) == (59, "no2")
    assert index_of("pm2_5", hour["pm2_5"]) == 41
    assert daily({"o3_8h": 89.3, "o3": 114.6, "no2": 130.8, "pm2_5": 55.7}) == (110, "pm2_5")


@pytest.mark.parametrize("pollutant", list(Pollutant))
def test_every_breakpoint_has_the_index_of_its_row(pollutant):
    points = BREAKPOINTS[pollutant]
    assert [index_of(pollutant, point) for point in points] == list(INDEX_POINTS[: len(points)])


@pytest.mark.parametrize("pollutant", list(Pollutant))
def test_the_index_never_falls_as_the_air_gets_worse(pollutant):
    top = BREAKPOINTS[pollutant][-1]
    indices = [index_of(pollutant, top * step / 2_000) for step in range(2_001)]
    assert all(low is not None and high is not None and low <= high for low, high in pairwise(indices))


def test_the_index_ends_at_500():
    assert index_of("pm2_5", 500) == index_of("pm2_5", 9_999.0) == index_of("co", 2_000_000.0) == 500


def test_ozone_over_8_hours_has_no_index_above_400():
    assert index_of("o3_8h", 400) == 300
    assert index_of("o3_8h", 400.1) is None
    assert daily({"pm10": 10.0, "o3_8h": 450.0, "o3": 480.0}) == (220, "o3")


def test_nothing_measured_is_no_index():
    assert index_of("co", None) is None


@pytest.mark.parametrize("index", [hourly, daily])
def test_without_particles_there_is_no_vn_aqi(index):
    assert index({"o3": 300.0, "no2": 100.0}) is None
    assert index({"o3": 300.0, "pm2_5": None, "pm10": None}) is None
    assert index({"o3": 300.0, "pm10": 1.0}) == (150, "o3")
    assert index({"o3": 300.0, "pm2_5": 1.0}) == (150, "o3")


def test_the_hour_does_not_read_ozone_over_8_hours_and_the_day_names_it_ozone():
    assert hourly({"pm2_5": 5.0, "o3_8h": 170.0}) == (10, "pm2_5")
    assert daily({"pm2_5": 5.0, "o3_8h": 170.0}) == (150, "o3")


def test_of_two_equal_pollutants_the_finer_dust_is_named():
    assert hourly({"pm10": 50.0, "pm2_5": 25.0, "no2": 100.0}) == (50, "pm2_5")
    assert hourly({"pm10": 50.3, "pm2_5": 25.0}) == (50, "pm10"), "the higher one before rounding"


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_what_no_station_can_measure_is_our_own_mistake(wrong):
    with pytest.raises(ValueError, match="no measured amount"):
        index_of("pm10", wrong)
    with pytest.raises(ValueError, match="'pm1'"):
        index_of("pm1", 1.0)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(0.5, 1), (1.5, 2), (2.5, 3), (-0.5, -1), (-2.5, -3), (2.4999, 2), (109.49999999999999, 110), (0.0, 0), (-0.2, 0)],
)
def test_a_half_is_rounded_away_from_zero(value, rounded):
    assert round_half_away(value) == rounded


def test_a_half_that_binary_arithmetic_misses_is_a_half():
    """PM2.5 with one decimal between 50 and 80 has a half wherever its tenths, times 50/30, make one."""
    halves = [tenths for tenths in range(500, 801) if (tenths - 500) * 5 % 3 == 0 and (tenths - 500) * 5 // 3 % 10 == 5]
    assert len(halves) > 20
    for tenths in halves:
        assert index_of("pm2_5", tenths / 10) == 100 + ((tenths - 500) * 5 // 3 + 5) // 10


def test_the_bands_cover_0_to_500_and_have_their_official_colours():
    assert [(band.lowest, band.highest) for band in BANDS] == [
        (0, 50), (51, 100), (101, 150), (151, 200), (201, 300), (301, 500),
    ]  # fmt: skip
    assert [band.label.vi for band in BANDS] == ["Tốt", "Trung bình", "Kém", "Xấu", "Rất xấu", "Nguy hại"]
    assert [band.colour_hex for band in BANDS] == ["#00E400", "#FFFF00", "#FF7E00", "#FF0000", "#8F3F97", "#7E0023"]
    assert [band.advice for band in BANDS] == list(Advice)
    for index in range(501):
        band = band_of(index)
        assert band.lowest <= index <= band.highest
    for text in [text for band in BANDS for text in (band.label.vi, band.colour.vi, band.health.vi)]:
        assert unicodedata.is_normalized("NFC", text)


@pytest.mark.parametrize("index", [-1, 501])
def test_outside_the_scale_there_is_no_band(index):
    with pytest.raises(ValueError, match="no VN_AQI"):
        band_of(index)


def test_the_means_of_8_hours_of_the_decision():
    """The text's own table; its 12:00 prints 44.7 of 44.64, as its hours are rounded too."""
    means = means_of_8_hours(OZONE, before=OZONE_BEFORE)
    assert [mean for mean in means if mean is not None] == pytest.approx(OZONE_8H, abs=0.07)
    assert max(mean for mean in means if mean is not None) == pytest.approx(74.4, abs=0.05)


def test_the_figures_of_a_day():
    particles: list[float | None] = [30.0] * 18 + [None] * 6
    figures = day_figures({"o3": OZONE, "pm2_5": particles, "no2": [None] * 23 + [42.0]}, ozone_before=OZONE_BEFORE)
    assert figures == {
        "pm2_5": pytest.approx(30.0), "o3": 97.7, "o3_8h": pytest.approx(74.4, abs=0.05), "no2": 42.0,
    }  # fmt: skip
    assert daily(figures) == (60, "pm2_5")


def test_too_few_hours_make_no_mean_of_8_or_24_hours():
    assert mean_of([1.0] * 17 + [None] * 7) is None
    assert mean_of([1.0] * 17 + [None] * 7, share_min=0.5) == 1.0
    assert mean_of([], share_min=0.0) is None
    assert mean_of([None] * 8, share_min=0.0) is None
    assert day_figures({"pm10": [50.0] * 17 + [None] * 7}) == {"pm10": None}
    assert means_of_8_hours([10.0] * 24)[:6] == [None] * 5 + [10.0], "the 7 hours before were not given"


def test_a_day_has_24_hours_and_7_before():
    with pytest.raises(ValueError, match="a day has 24"):
        day_figures({"pm10": [1.0] * 23})
    with pytest.raises(ValueError, match="reaches back 7"):
        day_figures({}, ozone_before=[1.0] * 8)


def test_the_table_names_its_source():
    assert (SOURCE.text, SOURCE.verified) == ("QĐ 1459/QĐ-TCMT", False)
