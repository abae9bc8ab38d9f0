"""Scenarios: strict, merged by moment in an order that never changes, bounded to their span."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioc.errors import InvalidInputError
from ioc.replay.scenario import Count, load_scenario, turns

HEAD = """\
drill: two-days
title: {vi: "Hai ngày", en: "Two days"}
licence: "ours"
start: "2005-09-14"
end: "2005-09-16"
records:
"""
RAIN = '  - {file: rain.csv, feed: rainfall, device: rain-1, columns: ["rain_24h_mm=Hoa Binh"], at: "19:00"}\n'
RIVER = '  - {file: river.csv, feed: river_level, device: river-1, columns: ["level_cm=cm"], at: "07:00"}\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rain.csv").write_text("Date,Hoa Binh\n2005-09-13,9\n2005-09-14,101.7\n2005-09-15,\n2005-09-16,3\n")
    (tmp_path / "river.csv").write_text("Date,cm\n2005-09-14,1400\n2005-09-15,1500\n2005-09-15,x\n")
    return tmp_path


def written(folder, text):
    path = folder / "two-days.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_records_are_merged_by_the_hour_at_which_each_row_is_known_and_others_are_left_out(folder):
    scenario, count = load_scenario(written(folder, HEAD + RAIN + RIVER)), Count()
    found = [(turn.moment.isoformat(), turn.device, turn.reading.values) for turn in turns(scenario, folder, count)]
    assert found == [
        ("2005-09-14T00:00:00+00:00", "river-1", {"level_cm": 1400}),
        ("2005-09-14T12:00:00+00:00", "rain-1", {"rain_24h_mm": 101.7}),
        ("2005-09-15T00:00:00+00:00", "river-1", {"level_cm": 1500}),
    ]
    assert (count.empty, count.bad) == (1, 1)
    assert count.reasons is not None
    assert "river.csv:4" in count.reasons[0]


def test_of_one_instant_the_scenarios_order_counts_and_ids_name_file_record_and_row(folder):
    same = RIVER.replace("07:00", "19:00")
    scenario = load_scenario(written(folder, HEAD + RAIN + same))
    first = list(turns(scenario, folder, Count()))
    assert [turn.device for turn in first] == ["rain-1", "river-1", "river-1"]
    assert [turn.id for turn in first] == [turn.id for turn in turns(scenario, folder, Count())]
    assert len({turn.id for turn in first}) == 3


def test_a_file_whose_times_go_back_is_refused_by_line(folder):
    (folder / "rain.csv").write_text("Date,Hoa Binh\n2005-09-15,9\n2005-09-14,101.7\n")
    with pytest.raises(InvalidInputError, match=r"rain.csv:3: its time goes back"):
        list(turns(load_scenario(written(folder, HEAD + RAIN)), folder, Count()))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (HEAD + RAIN.replace("19:00", "25:00"), "records.0.at"),
        (HEAD + RAIN.replace("device:", "devise:"), "records.0"),
        (HEAD.replace("2005-09-16", "2005-09-14") + RAIN, "it ends before it begins"),
        (HEAD.replace("records:\n", "records: []\n"), "records"),
        (HEAD.replace('"2005-09-14"', '"soon"') + RAIN, "RFC 3339"),
        ("- [", "two-days.yaml"),
    ],
)
def test_what_no_scenario_says_is_refused_with_its_place(folder, text, what):
    with pytest.raises(InvalidInputError, match=what):
        load_scenario(written(folder, text))


def test_the_shipped_scenarios_can_be_played_whole():
    for path in sorted(Path("ioc/packs/hoabinh/drills").glob("*.yaml")):
        count = Count()
        found = list(turns(load_scenario(path), path.parent, count))
        assert len(found) > 100, path
        assert (count.bad, count.empty) == (0, 0), path
