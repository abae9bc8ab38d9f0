"""Scenarios and the devices file: data that is checked when it is read."""

import json
import unicodedata

import pytest

from simulators.roster import RosterError, read_roster
from simulators.scenario import FOLDER, ScenarioError, read_scenario, scenario_names

DEVICE = {"id": "rain-hb-01", "feed": "rainfall", "key": "k", "lat": 20.8, "lon": 105.3}


def test_every_shipped_scenario_can_be_read():
    assert scenario_names() == ["calm", "city", "flood"]
    for name in scenario_names():
        assert read_scenario(name).name == name


def test_an_unknown_scenario_is_refused_with_the_names_there_are():
    with pytest.raises(ScenarioError, match="calm, city, flood"):
        read_scenario("../../etc/passwd")


def test_the_flood_cites_its_source():
    text = (FOLDER / "flood.yaml").read_text(encoding="utf-8")
    assert "AI4RedRiver in-situ data, CC BY 4.0 (VNMHA, EVN; provided by Thuyloi University)" in text


def test_citizens_write_vietnamese_in_composed_form():
    for report in (*read_scenario("flood").reports, *read_scenario("city").reports):
        assert unicodedata.is_normalized("NFC", report.text)
        assert len(report.text) > 20


def test_flood_reports_speak_of_national_road_6_and_some_are_urgent():
    reports = read_scenario("flood").reports
    assert sum("Quốc lộ 6" in report.text for report in reports) >= 3
    assert {report.urgency for report in reports} == {"normal", "urgent"}
    assert reports[0].at_seconds < 30


def test_the_ordinary_day_begins_with_something_to_do_and_its_power_cut_is_mended_while_a_visitor_looks():
    """power.outage opens after two minutes of the cut and clears two minutes after it: both within ten minutes."""
    day = read_scenario("city")
    assert min(report.at_seconds for report in day.reports if report.urgency == "urgent") < 30
    cut = day.signals["power_cut"]
    on = [second for second in range(600) if cut.at(second) > 0.5]
    assert len(on) > 150
    assert max(on) + 120 < 600
    assert day.signals["rain_24h_mm"].at(600) < 50, "no disaster: that is the tour's"


def _write(tmp_path, document):
    path = tmp_path / "devices.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_reads_devices_and_feed_keys_and_leaves_unknown_members_alone(tmp_path):
    path = _write(tmp_path, {"devices": [DEVICE | {"name": "x"}], "feed_keys": {"citizen_report": "f"}, "more": 1})
    roster = read_roster(path)
    assert [(device.id, device.lat) for device in roster.devices] == [("rain-hb-01", 20.8)]
    assert roster.feed_keys == {"citizen_report": "f"}


def test_keys_do_not_show_in_the_roster_s_text(tmp_path):
    roster = read_roster(_write(tmp_path, {"devices": [DEVICE | {"key": "secret-1"}], "feed_keys": {"a": "secret-2"}}))
    assert "secret" not in repr(roster)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "list 'devices'"),
        ({"devices": [{"id": "a"}]}, r"devices\[0\]: 'feed'"),
        ({"devices": [DEVICE | {"lat": "20.8"}]}, "'lat'"),
        ({"devices": [DEVICE | {"lat": True}]}, "'lat'"),
        ({"devices": [DEVICE, DEVICE]}, "twice"),
        ({"devices": [DEVICE], "feed_keys": {"a": 1}}, "feed_keys"),
    ],
)
def test_a_wrong_devices_file_is_refused_with_its_place(tmp_path, document, words):
    with pytest.raises(RosterError, match=words):
        read_roster(_write(tmp_path, document))


def test_a_missing_devices_file_is_refused(tmp_path):
    with pytest.raises(RosterError):
        read_roster(tmp_path / "none.json")
