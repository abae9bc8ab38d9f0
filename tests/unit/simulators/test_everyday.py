"""A feed that its file describes: hours, weekends and seasons, turns, choices kept, sums, and a way that is driven."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from simulators.feeds.everyday import Everyday
from simulators.roster import Device
from simulators.scenario import read_scenario
from simulators.world import LOCAL_OFFSET, Moment, World

MONDAY = datetime(2026, 11, 23, tzinfo=LOCAL_OFFSET)
SATURDAY = MONDAY + timedelta(days=5)


def said(fields: dict[str, Any], *, at: datetime = MONDAY, hours: float = 24, device: str = "one", **play: Any):
    """Return what a device says every ten minutes."""
    one = Device(id=device, feed="meter", key="k", lat=20.8, lon=105.3)
    world = World(scenario=read_scenario("calm"), devices=[one], seed=2017)
    everyday = Everyday(one, world, {"fields": fields, **play})
    steps = range(int(hours * 6))
    return [everyday.reading(Moment(seconds=600.0 * n, now=at + timedelta(minutes=10 * n))) for n in steps]


def mean(readings, name, hours=range(24)):
    chosen = [reading[name] for n, reading in enumerate(readings) if n // 6 in hours]
    return sum(chosen) / len(chosen)


def test_a_value_is_high_at_its_peaks_low_away_from_them_and_never_leaves_its_range():
    readings = said({"load": {"range": [10, 90], "peaks": [9, 18], "digits": 1}})
    assert mean(readings, "load", [9, 18]) > 75
    assert mean(readings, "load", [1, 2, 3]) < 30
    assert all(10 <= reading["load"] <= 90 for reading in readings)


def test_weekends_and_summer_change_it():
    field = {"range": [0, 100], "peaks": [10], "weekend": 0.3, "summer": 0.5, "digits": 1}
    weekday, weekend = (mean(said({"load": field}, at=day), "load", [10]) for day in (MONDAY, SATURDAY))
    july = mean(said({"load": field}, at=datetime(2026, 7, 13, tzinfo=LOCAL_OFFSET)), "load", [10])
    assert weekend < weekday / 2
    assert july < 0.7 * weekday


def test_a_year_s_sum_rises_with_the_year():
    field = {"done": {"ramp": [0, 100], "digits": 0}}
    spring, autumn = (said(field, at=MONDAY.replace(month=month))[0]["done"] for month in (3, 11))
    assert spring < 30
    assert autumn > 80


def test_turns_follow_one_another_and_a_choice_is_kept():
    readings = said({"agency": {"turn": ["a", "b", "c"]}, "capacity": {"each": [80, 120]}, "up": {"value": False}})
    assert {"".join(r["agency"] for r in readings[n : n + 3]) for n in range(0, 30, 3)} <= {"abc", "bca", "cab"}
    assert len({reading["capacity"] for reading in readings}) == 1
    assert {reading["up"] for reading in readings} == {False}


def test_what_is_made_of_others_agrees_with_them():
    fields = {
        "beds": {"value": 200, "digits": 0},
        "use_pct": {"range": [50, 90], "digits": 1},
        "used": {"share": ["beds", "use_pct"], "digits": 0},
        "free": {"minus": ["beds", "used"], "digits": 0},
        "again_pct": {"percent": ["used", "beds"], "digits": 1},
    }
    for reading in said(fields):
        assert reading["used"] == round(200 * reading["use_pct"] / 100)
        assert reading["free"] == 200 - reading["used"]
        assert abs(reading["again_pct"] - reading["use_pct"]) < 0.5
        assert isinstance(reading["used"], int)


def test_a_vehicle_stays_on_its_way_there_and_back():
    readings = said({"speed": {"value": 30}}, path=[[20.80, 105.30], [20.84, 105.34]])
    places = [(reading["lat"], reading["lon"]) for reading in readings]
    assert all(20.80 <= lat <= 20.84 and abs((lat - 20.80) - (lon - 105.30)) < 1e-6 for lat, lon in places)
    assert len(set(places)) > 3


def test_a_device_has_the_same_day_for_the_same_seed_and_another_than_its_neighbour():
    fields = {"load": {"range": [0, 100], "digits": 3}}
    assert said(fields) == said(fields)
    assert said(fields) != said(fields, device="two")
