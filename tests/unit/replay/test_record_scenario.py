"""Scenarios: strict, merged by moment in an order that never changes, bounded to their span."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from pathlib import Path

import pytest

from ioc.domain.moment import parse_time
from ioc.errors import InvalidInputError
from ioc.replay.scenario import LeftOutRows, load_scenario, reading_periods, turns

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
CAPTIONS = """\
captions:
  - {at: "2005-09-14", vi: "Mưa", en: "Rain"}
  - {at: "2005-09-15", vi: "Tạnh", en: "Dry"}
"""


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
    scenario, count = load_scenario(written(folder, HEAD + RAIN + RIVER)), LeftOutRows()
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
    first = list(turns(scenario, folder, LeftOutRows()))
    assert [turn.device for turn in first] == ["rain-1", "river-1", "river-1"]
    assert [turn.id for turn in first] == [turn.id for turn in turns(scenario, folder, LeftOutRows())]
    assert len({turn.id for turn in first}) == 3


MANY = """\
  - {file: many.csv, feed: rainfall, device_column: gauge, columns: ["rain_24h_mm=mm"]}
stations:
  - {id: rain-a, feed: rainfall, name: {vi: "A", en: "A"}, lat: 20.8, lon: 105.3}
  - {id: rain-b, feed: rainfall, name: {vi: "B", en: "B"}, lat: 20.8, lon: 105.3}
"""


def test_a_file_may_have_the_readings_of_many_and_names_whose_each_is(folder):
    rows = ["Date,gauge,mm", "2005-09-14,rain-a,3", "2005-09-14,rain-b,4", "2005-09-15,rain-a,5", "2005-09-15,,6"]
    (folder / "many.csv").write_text("\n".join(rows))
    scenario, count = load_scenario(written(folder, HEAD + MANY)), LeftOutRows()
    found = [(turn.device, turn.reading.values["rain_24h_mm"]) for turn in turns(scenario, folder, count)]
    assert found == [("rain-a", 3), ("rain-b", 4), ("rain-a", 5)]
    assert scenario.devices == ("rain-a", "rain-b")
    assert count.reasons == [f"{folder / 'many.csv'}:5: the row names no device"]
    (folder / "many.csv").write_text("Date,mm\n2005-09-14,3\n")
    with pytest.raises(InvalidInputError, match="no column 'gauge'"):
        list(turns(scenario, folder, LeftOutRows()))


def test_a_file_whose_times_go_back_is_refused_by_line(folder):
    (folder / "rain.csv").write_text("Date,Hoa Binh\n2005-09-15,9\n2005-09-14,101.7\n")
    with pytest.raises(InvalidInputError, match=r"rain.csv:3: its time goes back"):
        list(turns(load_scenario(written(folder, HEAD + RAIN)), folder, LeftOutRows()))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (HEAD + RAIN.replace("19:00", "25:00"), "records.0.at"),
        (HEAD + RAIN.replace("device:", "devise:"), "records.0"),
        (HEAD + RAIN.replace("device: rain-1, ", ""), "one of device and device_column"),
        (HEAD + RAIN.replace("device:", "device_column: x, device:"), "one of device and device_column"),
        (HEAD.replace("2005-09-16", "2005-09-14") + RAIN, "it ends before it begins"),
        (HEAD.replace("records:\n", "records: []\n"), "records"),
        (HEAD + RAIN + CAPTIONS.replace("2005-09-15", "2005-09-17"), "captions"),
        (HEAD + RAIN + CAPTIONS.replace("2005-09-15", "2005-09-14"), "captions"),
        (HEAD + RAIN + CAPTIONS.replace("en:", "fr:"), "captions.0"),
        (HEAD.replace('"2005-09-14"', '"soon"') + RAIN, "RFC 3339"),
        ("- [", "two-days.yaml"),
    ],
)
def test_what_no_scenario_says_is_refused_with_its_place(folder, text, what):
    with pytest.raises(InvalidInputError, match=what):
        load_scenario(written(folder, text))


def test_the_shipped_scenarios_can_be_played_whole():
    for path in sorted(Path("ioc/packs/hoabinh/drills").glob("*.yaml")):
        count = LeftOutRows()
        found = list(turns(load_scenario(path), path.parent, count))
        assert len(found) >= 10, path
        assert (count.bad, count.empty) == (0, 0), path


def test_a_feed_is_expected_as_often_as_its_record_speaks(folder):
    (folder / "river.csv").write_text("Date,cm\n2005-09-14,1400\n2005-09-15,1500\n")
    scenario = load_scenario(written(folder, HEAD + RAIN + RIVER))
    assert reading_periods(scenario, folder) == {
        "rainfall": timedelta(days=2),  # one reading: for as long as the scenario goes on
        "river_level": timedelta(days=1),
    }


def test_captions_come_in_their_order_within_the_story(folder):
    scenario = load_scenario(written(folder, HEAD + RAIN + CAPTIONS))
    assert [caption.vi for caption in scenario.captions] == ["Mưa", "Tạnh"]


def test_each_figure_of_the_flood_s_captions_is_the_record_s_at_its_moment():
    """A caption says what the file has in that row, or what one of its columns passes there ("vượt")."""
    path = Path("ioc/packs/hoabinh/drills/flood-2017.yaml")
    with (path.parent / "flood-2017.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    times = [parse_time(row["time"]) for row in rows]
    checked = 0
    for caption in load_scenario(path).captions:
        if caption.moment < times[0]:
            continue
        at = times.index(caption.moment)
        now, before = ({k: float(v) for k, v in rows[i].items() if k != "time"} for i in (at, max(at - 1, 0)))
        told = re.sub(r"[Nn]gày \d+|trong 24 giờ", "", caption.vi)
        for passes, digits in re.findall(r"(vượt )?(\d[\d.]*(?:,\d+)?)", told):
            figure = float(digits.replace(".", "").replace(",", "."))
            if passes:
                assert any(before[name] < figure <= value for name, value in now.items()), (caption.vi, figure)
            else:
                metres = {now["da_level_cm"] / 100, now["bui_level_cm"] / 100}
                assert figure in metres | set(now.values()), (caption.vi, figure)
            checked += 1
    assert checked > 15


COURSE = """\
courses:
  - feed: rainfall
    device: rain-1
    every_minutes: 10
    values: {rain_1h_mm: [[0, 2.0], [20, 6.0]], wet: [[0, false], [20, true]]}
"""
LATE = """\
courses:
  - feed: rainfall
    device: rain-1
    every_minutes: 10
    values: {rain_1h_mm: [[0, 2.0], [50, 7.0]]}
    arrives: {minute: 60, order: ORDER}
"""


def test_a_course_goes_in_lines_between_its_points_and_a_message_is_said_once(folder):
    text = HEAD.replace("records:\n", COURSE) + (
        "messages:\n"
        '  - {minute: 10, feed: citizen_report, device: app, values: {text: "Ngập", lat: 20.8, lon: 105.3}}\n'
    )
    scenario = load_scenario(written(folder, text))
    found = list(turns(scenario, folder, LeftOutRows()))
    minutes = [(turn.moment - scenario.first) // timedelta(minutes=1) for turn in found]
    assert minutes == [0, 10, 10, 20]
    assert [turn.reading.values for turn in found if turn.device == "rain-1"] == [
        {"rain_1h_mm": 2.0, "wet": False}, {"rain_1h_mm": 4.0, "wet": False}, {"rain_1h_mm": 6.0, "wet": True},
    ]  # fmt: skip
    assert found[2].body == {
        "id": "two-days:1:0", "time": "2005-09-13T17:10:00.000Z", "text": "Ngập", "lat": 20.8, "lon": 105.3,
    }  # fmt: skip
    assert scenario.devices == ("app", "rain-1")


@pytest.mark.parametrize(
    ("order", "measured"),
    [("oldest_first", [0, 10, 20, 30, 40, 50]), ("newest_first", [50, 40, 30, 20, 10, 0]), ("mixed", None)],
)
def test_what_a_station_kept_comes_in_later_with_its_own_time(folder, order, measured):
    scenario = load_scenario(written(folder, HEAD.replace("records:\n", LATE.replace("ORDER", order))))
    found = list(turns(scenario, folder, LeftOutRows()))
    assert [(turn.moment - scenario.first).total_seconds() for turn in found] == [3_600 + n for n in range(6)]
    told = [(turn.measured - scenario.first) // timedelta(minutes=1) for turn in found if turn.measured is not None]
    assert sorted(told) == [0, 10, 20, 30, 40, 50]
    assert told == measured if measured else told not in ([0, 10, 20, 30, 40, 50], [50, 40, 30, 20, 10, 0])
    assert {turn.body["time"] for turn in found} == {f"2005-09-13T17:{minute:02}:00.000Z" for minute in told}
    assert found == list(turns(scenario, folder, LeftOutRows())), "the same at every run"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (HEAD.replace("records:\n", ""), "one of records, courses and messages"),
        (HEAD.replace("records:\n", COURSE.replace("every_minutes: 10", "every_minutes: 0")), "every_minutes"),
        (HEAD.replace("records:\n", COURSE.replace("every_minutes: 10", "every_minutes: 0.0005")), "more than 20000"),
        (HEAD.replace("records:\n", LATE.replace("ORDER", "backwards")), "arrives.order"),
    ],
    ids=["nobody speaks", "no pace", "too many readings", "an unknown order"],
)
def test_a_course_that_cannot_be_played_is_told(folder, text, what):
    with pytest.raises(InvalidInputError, match=what):
        load_scenario(written(folder, text))
