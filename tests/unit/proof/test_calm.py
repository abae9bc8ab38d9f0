"""The proof of the calm day: minutes of it hold, and the flood is not calm."""

from __future__ import annotations

from datetime import timedelta
from operator import itemgetter

from ioc.packs.loader import load_pack
from ioc.replay.scenario import LeftOutRows, load_scenario, turns
from proof.harness.report import Profile
from proof.scenarios.rules.calm import DAY, SIZES, CalmSize, FleetDay, play_calm, prove
from proof.scenarios.rules.calm_drill import write_scenario


async def test_some_minutes_of_the_fleet_hold_and_the_flood_breaks_the_bound():
    report = await prove(seed=2017, size=CalmSize(from_hour=17, hours=0.05, flood_minutes=4, drill_minutes=0))
    assert report.verdict == "held"
    assert report.facts["devices"] > 2_150
    assert report.facts["events"] > 10_000
    assert (report.facts["critical"], report.facts["rows"]) == (0, 0)
    assert report.control["rows"] > 6


async def test_a_control_that_stays_calm_is_no_evidence():
    report = await prove(seed=2017, size=CalmSize(from_hour=3, hours=0.01, flood_minutes=0.1, drill_minutes=0))
    assert report.verdict == "no evidence"


def test_what_the_fleet_said_is_what_its_drill_plays(tmp_path):
    day = FleetDay(load_pack("hoabinh", shapes=False), seed=2017, scenario="calm")
    day.said = []
    day.play(DAY + timedelta(hours=18), 20)
    path = write_scenario(day.said, day.standings(), tmp_path)
    scenario, count = load_scenario(path), LeftOutRows()
    played = [(turn.moment, turn.feed, turn.device, turn.reading.values) for turn in turns(scenario, tmp_path, count)]
    told = [(one.at, one.feed, one.device, one.values) for one in day.said]
    assert (count.empty, count.bad) == (0, 0), count.reasons
    assert sorted(played, key=itemgetter(0, 1, 2)) == sorted(told, key=itemgetter(0, 1, 2))
    assert len(told) > 500
    assert {device for _, _, device, _ in told} <= {station.id for station in scenario.stations}


def test_the_same_seed_plays_the_same_readings():
    size = CalmSize(from_hour=9, hours=0.01, flood_minutes=0, drill_minutes=0)
    first, second = play_calm(7, size), play_calm(7, size)
    assert first.memory.snapshot() == second.memory.snapshot()
    assert first.events == second.events > 1_000
    assert SIZES[Profile.FULL].hours == 24
