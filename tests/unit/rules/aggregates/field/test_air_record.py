"""NowCast and VN_AQI over the recorded air, hour by hour with its gaps, against a calculation written apart from them.

The other calculation is in fractions, driven by the text of QĐ 1459/QĐ-TCMT: no float, no shared table, no shared step.
"""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from ioc.rules.aggregates.field import nowcast as nowcast_module
from ioc.rules.aggregates.field.nowcast import data_weight, nowcast
from ioc.rules.aggregates.field.vn_aqi import daily, hourly, index_of
from ioc.rules.aggregates.field.vn_aqi_bands import band_of
from ioc.rules.aggregates.field.vn_aqi_day import day_figures

RECORD = Path(__file__).parents[5].parent / "shared" / "data" / "air"
COLUMNS = {"pm2_5": "pm25", "pm10": "pm10", "o3": "o3", "no2": "no2", "so2": "so2", "co": "co"}
HOUR = timedelta(hours=1)
HALF = Fraction(1, 2)
TABLE = """
    0    0     0   0      0      0    0    0   0
   50  160   100   10000  125   100   50  25
  100  200   120   30000  350   200  150  50
  150  300   170   45000  550   700  250  80
  200  400   210   60000  800  1200  350 150
  300  800   400   90000 1600  2350  420 250
  400 1000     -  120000 2100  3100  500 350
  500 1200     -  150000 2630  3850  600 500
"""
"""Bảng 2 as it is printed: I, O3 1 h, O3 8 h, CO, SO2, NO2, PM10, PM2.5."""
ORDER = ("o3", "o3_8h", "co", "so2", "no2", "pm10", "pm2_5")
ROWS = [line.split() for line in TABLE.strip().splitlines()]


@pytest.fixture(scope="module", params=["mar", "may"])
def record(request):
    """Return hour -> {pollutant: the text of its value}, of one recorded month."""
    path = RECORD / f"hanoi_2025_{request.param}.csv"
    if not path.exists():
        pytest.skip(f"../shared/data/air/{path.name} is absent")
    hours: dict[datetime, dict[str, str]] = {}
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            at = datetime.fromisoformat(row["timestamp"]).replace(minute=0, second=0, microsecond=0)
            hours[at] = {name: row[column] for name, column in COLUMNS.items() if row[column] not in {"", "N/A"}}
    return hours


def say(text):
    print(text)  # noqa: T201  what was compared is part of the result; pytest shows it with -rP


def all_hours(record):
    first, last = min(record), max(record)
    return [first + HOUR * number for number in range((last - first) // HOUR + 1)]


def values(record, name, newest, count):
    """Return ``count`` hourly means back from ``newest``, newest first."""
    found = (record.get(newest - HOUR * age, {}).get(name) for age in range(count))
    return [None if text is None else float(text) for text in found]


def nowcast_apart(record, name, newest):
    """NowCast as an exact fraction, over a dictionary i -> ci of the hours that have a value."""
    means = {}
    for i in range(1, 13):
        text = record.get(newest - (i - 1) * HOUR, {}).get(name)
        if text is not None:
            means[i] = Fraction(text)
    if len({1, 2, 3} & means.keys()) < 2:
        return None
    smallest, largest = min(means.values()), max(means.values())
    if largest == 0:
        return Fraction(0)
    if smallest / largest <= HALF:
        return sum((HALF**i * mean for i, mean in means.items()), Fraction(0))
    above = below = Fraction(0)
    for i, mean in means.items():
        power = (smallest / largest) ** (i - 1)
        above, below = above + power * mean, below + power
    return above / below


def index_apart(name, concentration):
    """Index as an exact fraction, by walking down the printed rows."""
    column = ORDER.index(name) + 1
    printed = [(Fraction(row[0]), Fraction(row[column])) for row in ROWS if row[column] != "-"]
    if concentration > printed[-1][1]:
        return None if name == "o3_8h" else Fraction(500)
    for (index_low, low), (index_high, high) in reversed(list(pairwise(printed))):
        if concentration >= low:
            return (index_high - index_low) / (high - low) * (concentration - low) + index_low
    raise AssertionError(concentration)


def by_hand(fraction):
    whole, rest = divmod(fraction, 1)
    return int(whole) + (1 if rest >= HALF else 0)


def station_apart(concentrations):
    """(value, the pollutants that have it before rounding) or None."""
    if not {"pm2_5", "pm10"} & concentrations.keys():
        return None
    indices = {name: index_apart(name, value) for name, value in concentrations.items()}
    known = {name: index for name, index in indices.items() if index is not None}
    highest = max(known.values())
    return by_hand(highest), {name.removesuffix("_8h") for name, index in known.items() if index == highest}


def hour_apart(record, at):
    found = {name: Fraction(text) for name, text in record.get(at, {}).items() if name not in {"pm2_5", "pm10"}}
    for name in ("pm2_5", "pm10"):
        value = nowcast_apart(record, name, at)
        if value is not None:
            found[name] = value
    return station_apart(found)


def hour_here(record, at, particle=nowcast):
    found = {name: values(record, name, at, 1)[0] for name in ("o3", "no2", "so2", "co")}
    for name in ("pm2_5", "pm10"):
        found[name] = particle(values(record, name, at, 12))
    return hourly(found)


def differing_nowcasts(record, particle=nowcast):
    """Return the (hour, pollutant) where ``particle`` is not the NowCast calculated apart."""
    differing = []
    for at in all_hours(record):
        for name in ("pm2_5", "pm10"):
            here, apart = particle(values(record, name, at, 12)), nowcast_apart(record, name, at)
            same = (
                here is None if apart is None else here is not None and abs(Fraction(here) - apart) < Fraction(1, 10**9)
            )
            if not same:
                differing.append((at, name))
    return differing


def same_station(here, apart):
    return here is None if apart is None else here is not None and here.value == apart[0] and here.pollutant in apart[1]


def test_nowcast_over_the_air_record_equals_the_calculation_apart_hour_by_hour_gaps_included(record):
    hours = all_hours(record)
    gaps = [at for at in hours if at not in record]
    assert gaps, "the record has hours without a line"
    assert differing_nowcasts(record) == []
    windows = [values(record, name, at, 12) for at in hours for name in ("pm2_5", "pm10")]
    holed = [window for window in windows if None in window and nowcast(window) is not None]
    at_half = [window for window in holed if (data_weight(window) or 1.0) < 0.75 and nowcast(window)]
    nothing = sum(nowcast(window) is None for window in windows)
    say(
        f"NowCast: {len(windows)} compared over {len(hours)} hours, {len(gaps)} of them without a line; "
        f"{len(holed)} with gaps, {len(at_half)} on less than 3/4 of the weight, {nothing} without data"
    )
    assert holed
    assert nothing


def test_hourly_vn_aqi_over_the_air_record_equals_the_calculation_apart(record):
    hours = all_hours(record)
    differing = [at for at in hours if not same_station(hour_here(record, at), hour_apart(record, at))]
    assert differing == []
    named = {station.pollutant for at in hours if (station := hour_here(record, at))}
    silent = sum(hour_here(record, at) is None for at in hours)
    say(f"VN_AQI: {len(hours)} hours compared, {silent} without an index; highest were {sorted(named)}")
    assert len(hours) > 700
    assert len(named) > 1, "more than one pollutant was the highest"


def test_daily_vn_aqi_over_the_air_record_equals_the_calculation_apart(record):
    ends = [at for at in all_hours(record) if at.hour == 0][1:]
    compared = 0
    for end in ends:
        day = {name: values(record, name, end, 24)[::-1] for name in COLUMNS}
        here = daily(day_figures(day, ozone_before=values(record, "o3", end - 24 * HOUR, 7)[::-1]))
        apart = station_apart(day_apart(record, end))
        assert same_station(here, apart), end
        compared += apart is not None
    say(f"VN_AQI of the day: {len(ends)} days compared, {compared} with an index")
    assert compared > 20


def test_what_the_text_s_formula_costs_in_gaps_is_known_and_the_weight_tells_it(record):
    """At w = 1/2 a gap lowers the NowCast and never raises it, by less where more of the weight has data."""
    lower = {True: 0, False: 0}
    for at in all_hours(record):
        value, weight = (f(values(record, "pm2_5", at, 12)) for f in (nowcast, data_weight))
        means = [mean for mean in values(record, "pm2_5", at, 12) if mean is not None]
        if value and weight and min(means) / max(means) <= 0.5:
            divided = value / (weight * (1 - 2**-12))
            assert value <= divided * (1 + 1e-12)
            lower[weight >= 0.75] += band_of(index_of("pm2_5", value) or 0) != band_of(index_of("pm2_5", divided) or 0)
    say(f"NowCast: {lower[False]} hours in a lower band on less than 3/4 of the weight, {lower[True]} on more")
    assert lower[False] > 0
    assert lower[True] < lower[False]


def day_apart(record, end):
    def known(name, newest, count):
        texts = [record.get(newest - HOUR * age, {}).get(name) for age in range(count)]
        return [Fraction(text) for text in texts if text is not None]

    found = {}
    for name in ("pm2_5", "pm10"):
        if len(means := known(name, end, 24)) >= 18:
            found[name] = sum(means) / len(means)
    for name in ("o3", "no2", "so2", "co"):
        if means := known(name, end, 24):
            found[name] = max(means)
    eights = [known("o3", end - HOUR * age, 8) for age in range(24)]
    if full := [sum(means) / len(means) for means in eights if len(means) >= 6]:
        found["o3_8h"] = max(full)
    return found


def test_a_missing_hour_taken_for_zero_would_be_seen(record):
    assert differing_nowcasts(record, lambda hours: nowcast([mean or 0.0 for mean in hours]))


def test_one_recent_hour_taken_for_enough_would_be_seen(record, monkeypatch):
    monkeypatch.setattr(nowcast_module, "RECENT_HOURS_MIN", 1)
    assert differing_nowcasts(record)


def test_another_least_weight_would_be_seen(record, monkeypatch):
    monkeypatch.setattr(nowcast_module, "WEIGHT_MIN", 0.55)
    assert differing_nowcasts(record)


def test_dividing_by_the_weights_at_one_half_would_be_seen(record):
    def divided(hours):
        value, weight = nowcast(hours), data_weight(hours)
        means = [mean for mean in hours if mean is not None]
        return value if value is None or weight is None or min(means) / max(means) > 0.5 else value / weight

    assert differing_nowcasts(record, divided)


def test_an_hourly_index_of_the_plain_mean_would_be_seen(record):
    def plain(hours):
        return hours[0]

    assert any(not same_station(hour_here(record, at, plain), hour_apart(record, at)) for at in all_hours(record))
