"""The generators: seeded, calm on a calm day, and true to the record in the flood."""

import math
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from simulators.feeds import GENERATORS
from simulators.feeds.citizen_report import CitizenReport
from simulators.scenario import read_scenario
from simulators.world import LOCAL_OFFSET, Moment, World

START = datetime(2026, 11, 23, 0, 0, tzinfo=LOCAL_OFFSET)


def _world(devices, scenario, seed=2017):
    return World(scenario=read_scenario(scenario), devices=devices, seed=seed)


def _play(devices, scenario, *, moments, seed=2017):
    """Return {device: [(moment, reading)]} of every device at every moment."""
    world = _world(devices, scenario, seed)
    played = {}
    for device in devices:
        generator = GENERATORS[device.feed](device, world)
        readings = [(moment, generator.reading(moment)) for moment in moments]
        played[device.id] = [(moment, reading) for moment, reading in readings if reading is not None]
    return played


def _night(seconds=1500, step=2.0):
    return [
        Moment(seconds=n * step, now=START + timedelta(hours=19, seconds=n * step)) for n in range(int(seconds / step))
    ]


def _days(days=365):
    return [
        Moment(seconds=n * 1800.0, now=START + timedelta(days=day, minutes=30 * half))
        for n, (day, half) in enumerate((day, half) for day in range(0, days, 7) for half in range(48))
    ]


def _values(played, device, field):
    return [reading[field] for _, reading in played[device] if field in reading]


def test_same_seed_gives_the_same_readings_and_another_seed_others(devices):
    moments = _night(60)
    assert _play(devices, "flood", moments=moments) == _play(devices, "flood", moments=moments)
    assert _play(devices, "flood", moments=moments) != _play(devices, "flood", moments=moments, seed=1)


def test_a_device_does_not_depend_on_which_others_play(devices):
    moments = _night(60)
    air = [device for device in devices if device.feed == "air_quality"]
    assert _play(air, "calm", moments=moments)["air"] == _play(devices, "calm", moments=moments)["air"]


def test_a_calm_year_crosses_no_alert_limit(devices):
    played = _play(devices, "calm", moments=_days())
    assert max(_values(played, "rain-core", "rain_24h_mm")) < 50
    assert set(_values(played, "lake", "gates_open")) == {0}
    assert max(_values(played, "lake", "inflow_m3s")) < 8_000
    assert max(_values(played, "air", "pm2_5")) < 80
    assert max(_values(played, "river-bui", "level_cm")) < 2_286
    assert all(_values(played, "wifi-cut", "up"))
    assert min(_values(played, "road-far", "speed_kmh")) > 15
    assert max(_values(played, "camera", "speed_kmh")) <= 80


def test_a_calm_year_leaves_the_city_s_services_alone(devices):
    """What the pack's rules call loud does not happen by itself."""
    played = _play(devices, "calm", moments=_days())
    assert max(_values(played, "weather", "gust_ms")) < 17.2
    assert max(_values(played, "weather", "temperature_c")) < 37
    assert set(_values(played, "weather", "rain_mm")) == {0.0}
    assert max(_values(played, "river-water", "nh4_mg_l")) < 0.3
    assert min(_values(played, "river-water", "do_mg_l")) > 4.5
    assert max(_values(played, "landfill", "h2s_ug_m3")) < 38
    assert max(_values(played, "landfill", "leachate_cm")) < 380
    assert max(_values(played, "bin", "fill_pct")) < 90
    assert max(_values(played, "bin", "temperature_c")) < 50
    assert all(_values(played, "power", "up"))
    assert max(_values(played, "power", "load_pct")) < 100
    assert min(_values(played, "tap", "pressure_bar")) > 1
    assert all(0.25 < value < 0.95 for value in _values(played, "tap", "chlorine_mg_l"))


def test_pressure_of_a_calm_day_never_falls_by_a_bar_at_once(devices):
    played = _play(devices, "calm", moments=_night(3_600, step=9.0))
    pressure = _values(played, "tap", "pressure_bar")
    assert max(abs(after - before) for before, after in pairwise(pressure)) < 0.5


def test_a_calm_day_is_quiet_by_the_hour(devices):
    """LAeq of every whole hour stays below the limits of day and night, the hospital's own ones too."""
    moments = [Moment(seconds=n * 60.0, now=START + timedelta(minutes=n)) for n in range(1_440)]
    played = _play(devices, "calm", moments=moments)
    for device, day_dba, night_dba in (("noise", 70, 55), ("noise-benh-vien", 55, 45)):
        levels = _values(played, device, "laeq_dba")
        for minute in range(60, 1_440):
            mean = 10 * math.log10(sum(10 ** (level / 10) for level in levels[minute - 60 : minute]) / 60)
            assert mean < (day_dba if 6 * 60 <= minute < 21 * 60 else night_dba) - 1, (device, minute, mean)


def test_street_lights_are_on_when_the_rule_expects_them(devices):
    played = _play(devices, "calm", moments=_days())
    for moment, reading in played["light"]:
        if moment.hour >= 19 or moment.hour < 5:
            assert reading["lit"] is True
        if 7 <= moment.hour < 17:
            assert reading["lit"] is False


def test_the_flood_takes_power_away_and_gives_it_back_and_the_weather_tells_the_rain_that_fell(devices):
    played = _play(devices, "flood", moments=_night(2_400))
    up = [(moment.seconds, reading["up"]) for moment, reading in played["power"]]
    assert {state for second, state in up if 140 < second < 890} == {False}
    assert {state for second, state in up if second > 1_300} == {True}
    assert 90 < sum(_values(played, "weather", "rain_mm")) < 125
    assert 90 < sum(_values(played, "rain-core", "rain_mm")) < 125
    assert max(_values(played, "weather", "gust_ms")) < 17.2


def test_calm_values_follow_the_hours_of_the_day(devices):
    played = _play(devices, "calm", moments=_days())
    flow: dict[int, list[int]] = {}
    for moment, reading in played["road-far"]:
        flow.setdefault(int(moment.hour), []).append(reading["vehicles"])
    mean = {hour: sum(values) / len(values) for hour, values in flow.items()}
    assert mean[7] > 3 * mean[2]
    assert mean[17] > 3 * mean[23]


def test_every_reading_is_one_json_object_of_finite_values(devices):
    for readings in _play(devices, "flood", moments=_night(900)).values():
        assert readings
        for _, reading in readings:
            for value in reading.values():
                assert isinstance(value, str | bool | int) or (isinstance(value, float) and abs(value) < 1e6)


def test_flood_reaches_the_recorded_figures_exactly(devices):
    played = _play(devices, "flood", moments=_night())
    rain = _values(played, "rain-core", "rain_24h_mm")
    assert max(rain) == 189.5
    assert 182.7 in rain
    river = _values(played, "river-da", "level_cm")
    assert river[0] == 1314
    assert max(river) == 1933
    assert max(_values(played, "lake", "bottom_outlet_m3s")) == 9_785
    assert max(_values(played, "lake", "gates_open")) == 8


def _first(played, device, predicate):
    return next(moment.seconds for moment, reading in played[device] if predicate(reading))


def test_flood_comes_alive_at_once(devices):
    played = _play(devices, "flood", moments=_night())
    assert _first(played, "rain-core", lambda reading: reading["rain_24h_mm"] > 100) < 15
    assert _first(played, "lake", lambda reading: reading["gates_open"] > 0) <= 48
    assert _first(played, "lake", lambda reading: reading["inflow_m3s"] > 12_000) < 200
    assert _first(played, "river-bui", lambda reading: reading["level_cm"] > 2_286) < 180
    assert _first(played, "road-flooded", lambda reading: reading["speed_kmh"] < 10) < 180
    assert _first(played, "wifi-cut", lambda reading: not reading["up"]) < 140


def test_flood_ends_and_the_world_is_calm_again(devices):
    played = _play(devices, "flood", moments=_night(2_400))
    for device, field, low, high in (
        ("rain-core", "rain_24h_mm", 0, 10),
        ("lake", "gates_open", 0, 0),
        ("lake", "bottom_outlet_m3s", 0, 0),
        ("river-da", "level_cm", 1170, 1190),
        ("road-flooded", "queue_m", 0, 60),
    ):
        last = played[device][-1][1][field]
        assert low <= last <= high, (device, field, last)


def test_flood_moves_smoothly(devices):
    played = _play(devices, "flood", moments=_night())
    rain = _values(played, "rain-core", "rain_24h_mm")
    assert max(abs(after - before) for before, after in pairwise(rain)) < 5
    river = _values(played, "river-da", "level_cm")
    assert max(abs(after - before) for before, after in pairwise(river)) < 12


def test_outflow_is_the_sum_of_its_parts(devices):
    for _, reading in _play(devices, "flood", moments=_night())["lake"]:
        parts = reading["turbine_m3s"] + reading["bottom_outlet_m3s"] + reading["spillway_m3s"]
        assert reading["outflow_m3s"] == parts


def test_storm_and_flood_are_weaker_far_away(devices):
    played = _play(devices, "flood", moments=_night())
    assert max(_values(played, "rain-far", "rain_24h_mm")) < 100
    assert min(_values(played, "road-far", "speed_kmh")) > 15
    assert all(_values(played, "wifi-far", "up"))


@pytest.mark.parametrize("scenario", ["calm", "flood"])
def test_citizens_report_everyday_things_and_what_the_scenario_tells(devices, scenario):
    world = _world(devices, scenario)
    citizens = CitizenReport(devices, world)
    told = [
        reading
        for second in range(1800)
        if (reading := citizens.reading(Moment(seconds=float(second), now=START))) is not None
    ]
    everyday = [reading for reading in told if reading["text"] not in {item.text for item in world.scenario.reports}]
    assert len(told) - len(everyday) == len(world.scenario.reports)
    assert 2 <= len(everyday) <= 30
    assert {reading["urgency"] for reading in everyday} == {"normal"}
    places = [(float(str(reading["lat"])), float(str(reading["lon"]))) for reading in told]
    assert all(20 < lat < 21.2 and 105 < lon < 106 for lat, lon in places)
