"""A data folder is a drill's for life or never: neither kind of instance opens the other's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ioc.bootstrap.drill import enter_drill, plan_drill, without_silence
from ioc.bootstrap.drill_folder import DrillMark, open_folder, read_mark, refuse_drill_folder
from ioc.domain.feed import Label
from ioc.drill_clock import DrillClock, clock_file
from ioc.errors import InvalidInputError, SettingsError
from ioc.packs.loader import load_pack
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
    assert (plan.mark.scenario, plan.speed) == ("flood-2017", 120.0)
    later = plan_drill(start="2017-10-10T12:00", speed="max", file=path)
    assert later is not None
    assert later.speed == 0.0


def test_the_pack_s_rules_about_silence_stay_out_of_a_drill():
    """A drill plays a few devices, so nearly all others are silent in it."""
    pack = load_pack("hoabinh", shapes=False)
    kept = without_silence(pack)
    left_out = {rule.id for rule in pack.rules} - {rule.id for rule in kept.rules}
    assert "silence.gauge" in left_out
    assert left_out == {rule.id for rule in pack.rules if "absent" in rule.body}
    assert len(kept.rules) > 50
