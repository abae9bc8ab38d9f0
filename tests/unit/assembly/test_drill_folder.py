"""A data folder is a drill's for life or never: neither kind of instance opens the other's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ioc.assembly.drill_folder import DrillMark, open_folder, read_mark, refuse_drill_folder
from ioc.domain.feed import Label
from ioc.drills.instance import enter_drill, pack_of_drill, plan_drill
from ioc.errors import InvalidInputError, SettingsError
from ioc.packs.loader import load_pack
from ioc.replay.scenario import STATIONS_MAX
from ioc.runtime.drill_clock import DrillClock, clock_file
from ioc.settings import Settings

START = datetime(2005, 8, 31, 17, tzinfo=UTC)
MARK = DrillMark(START, "september-2005", Label("Tháng 9", "September"))


def test_an_empty_folder_becomes_the_drills_and_stays_its_own(tmp_path):
    folder = tmp_path / "drill"
    assert read_mark(folder) is None
    open_folder(folder, MARK)
    assert open_folder(folder, MARK) == read_mark(folder) == MARK
    with pytest.raises(SettingsError, match="holds the drill september-2005"):
        open_folder(folder, DrillMark(START))
    with pytest.raises(SettingsError, match="is a drill's and stays one"):
        refuse_drill_folder(folder)


def test_a_real_folder_never_becomes_a_drills(tmp_path):
    (tmp_path / "postgres").mkdir()
    refuse_drill_folder(tmp_path)
    with pytest.raises(SettingsError, match="a real instance's folder never becomes a drill"):
        open_folder(tmp_path, MARK)


def test_an_unreadable_mark_is_neither(tmp_path):
    (tmp_path / "drill.json").write_text("{")
    for attempt in (lambda: refuse_drill_folder(tmp_path), lambda: open_folder(tmp_path, MARK)):
        with pytest.raises(SettingsError, match="cannot be read"):
            attempt()


def test_a_drill_has_its_own_folder_clock_and_database(tmp_path):
    plan = plan_drill(start="2005-09-01", speed="max", file=None)
    assert plan is not None
    settings = enter_drill(Settings(data_dir=tmp_path / "ioc"), plan, named=False)
    assert min(settings.mqtt_address_connections_max, settings.mqtt_address_half_open_max) > STATIONS_MAX, (
        "all its devices speak from this machine"
    )
    assert settings.data_dir == tmp_path / "ioc" / "drills" / "2005-09-01"
    assert DrillClock(clock_file(settings.data_dir)).now() == START
    with pytest.raises(SettingsError, match="unset IOC_DATABASE_URL"):
        enter_drill(Settings(data_dir=tmp_path, database_url="postgresql://real"), plan, named=False)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ({"start": "yesterday"}, "a date or RFC 3339 time"),
        ({"start": "1969-01-01"}, "between 1990"),
        ({"start": "2005-09-01", "speed": "fast"}, "a number or `max`"),
        ({"start": "2005-09-01", "speed": "nan"}, "0 \\(or max\\)"),
        ({"start": None, "speed": "60"}, "belongs to --drill"),
    ],
)
def test_a_wrong_start_or_speed_is_told(words, what):
    with pytest.raises(InvalidInputError, match=what):
        plan_drill(**{"speed": None, "file": None, **words})


def test_the_shipped_scenario_can_be_planned():
    path = Path("ioc/packs/hoabinh/drills/flood-2017.yaml")
    plan = plan_drill(start=None, speed=None, file=path)
    assert plan is not None
    assert (plan.mark().scenario, plan.speed) == ("flood-2017", 120.0)
    later = plan_drill(start="2017-10-10T12:00", speed="max", file=path)
    assert later is not None
    assert later.speed == 0.0


def test_the_pack_s_rules_about_silence_stay_out_of_a_drill():
    """A drill plays a few devices, so nearly all others are silent in it."""
    pack = load_pack("hoabinh", shapes=False)
    kept = pack_of_drill(pack, MARK)
    left_out = {rule.id for rule in pack.rules} - {rule.id for rule in kept.rules}
    assert "silence.gauge" in left_out
    assert left_out == {rule.id for rule in pack.rules if "absent" in rule.body}
    assert len(kept.rules) > 50


def test_a_drill_has_the_devices_of_its_record_alone_and_expects_them_as_often_as_it_speaks():
    """All 81 of the pack were shown as silent in the tour, and the four of the record every half hour again."""
    plan = plan_drill(start=None, speed=None, file=Path("ioc/packs/hoabinh/drills/flood-2017.yaml"))
    assert plan is not None
    mark, pack = plan.mark(), load_pack("hoabinh", shapes=False)
    played = {device.id: device for device in pack_of_drill(pack, mark).devices}
    assert played.keys() == {"rain-hoa-binh", "river-hoa-binh", "river-lam-son", "res-hoa-binh"}
    expected = mark.expected(pack).feeds
    for device in played.values():
        assert device.expected_period_seconds is None
        assert expected[device.feed].expected_period >= timedelta(minutes=30)
    assert expected["rainfall"].expected_period == timedelta(minutes=30)
    assert expected["noise"] == pack.feeds["noise"]
    assert pack_of_drill(pack, MARK).devices == pack.devices, (
        "without a record's devices nobody knows who will be played"
    )


def test_the_mark_keeps_the_story_s_captions_and_who_plays(tmp_path):
    plan = plan_drill(start=None, speed=None, file=Path("ioc/packs/hoabinh/drills/flood-2017.yaml"))
    assert plan is not None
    mark = open_folder(tmp_path / "drill", plan.mark())
    assert len(mark.captions) > 10
    assert read_mark(tmp_path / "drill") == mark
    first = mark.captions[0]
    told = {"at": "2017-10-09T23:50:00.000Z", "vi": first.text.vi, "en": first.text.en}
    assert told in mark.as_json()["captions"]


def test_a_scenario_about_silence_keeps_those_rules_and_its_devices_periods(tmp_path):
    plan = plan_drill(start=None, speed=None, file=Path("ioc/packs/hoabinh/drills/late-files.yaml"))
    assert plan is not None
    mark, pack = open_folder(tmp_path / "drill", plan.mark()), load_pack("hoabinh", shapes=False)
    assert read_mark(tmp_path / "drill") == mark
    kept = pack_of_drill(pack, mark)
    assert kept.rules == pack.rules
    assert kept.devices == tuple(device for device in pack.devices if device.id in {"nt-tan-hoa", "nt-kcn-mong-hoa"})
    assert mark.expected(pack).feeds == pack.feeds
