"""incidents.yaml: families by what they take and how near, each fault by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioc.domain.feed import Label
from ioc.domain.incidents.family import Nearness, grouping_mark, matches
from ioc.packs.check import check_pack
from ioc.packs.loader import load_pack

FAMILIES = """\
incidents:
  - id: storm
    title: {vi: "Mưa tại {zone}", en: "Rain in {zone}"}
    headline: {vi: "{worst}; {devices} trạm", en: "{worst}; gauges: {devices}"}
    rules: ["rain.*"]
    same: zone
    within: 6h
  - id: dam
    title: {vi: "Hồ {place}", en: "Lake {place}"}
    headline: {vi: "{worst}", en: "{worst}"}
    domains: [disaster]
    places:
      - {id: north, name: {vi: "Bắc", en: "North"}, devices: [rain-1]}
    within: 1d
"""


@pytest.fixture
def folder(small_pack: Path) -> Path:
    devices = (small_pack / "devices.csv").read_text(encoding="utf-8")
    known = devices.splitlines()[1].split(",")[0]
    (small_pack / "incidents.yaml").write_text(FAMILIES.replace("rain-1", known), encoding="utf-8")
    return small_pack


def test_families_are_read_in_their_order(folder):
    storm, dam = load_pack(folder).incidents
    assert (storm.near, storm.within_seconds, storm.takes(rule="rain.24h", domain="x")) == (Nearness.ZONE, 21_600, True)
    assert not storm.takes(rule="river.rise", domain="disaster")
    assert dam.takes(rule="river.rise", domain="disaster")
    assert dam.place_name("north") == Label("Bắc", "North")


def test_a_pack_without_the_file_groups_nothing(small_pack):
    assert load_pack(small_pack).incidents == ()


@pytest.mark.parametrize(
    ("text", "by", "line", "words"),
    [
        ('rules: ["rain.*"]', 'rules: ["rian.*"]', 5, "no rule is called `rian.*`"),
        ("domains: [disaster]", "domains: [weather]", 11, "unknown domain `weather`"),
        ("devices: [", "devices: [ghost, ", 13, "unknown device `ghost`"),
        ("id: dam", "id: storm", 8, "family storm comes twice"),
        ("same: zone", "same: zone\n    radius: 1km", 2, "say one of same, radius and places"),
        ("    same: zone\n", "", 2, "say one of same, radius and places"),
        ('    rules: ["rain.*"]\n', "", 2, "say which alerts"),
        ("within: 6h", "within: 8d", 2, "at most 7d"),
        ("within: 6h", "within: six hours", 7, "not a duration"),
        ("Rain in {zone}", "Rain in {place}", 2, "no {place} here"),
        ("{worst}; gauges", "gauges", 2, "tells the {worst}"),
        ("{worst}; {devices} trạm", "{worst}; {gauges} trạm", 2, "no {gauges} here"),
        ("    same: zone", "    radius: far", 6, "radius"),
        ("devices: [", "rules: [rain.24h], devices: [", 13, "is no rule of the family"),
    ],
)
def test_each_fault_is_told_with_its_line(folder, text, by, line, words):
    file = folder / "incidents.yaml"
    whole = file.read_text(encoding="utf-8")
    assert text in whole
    file.write_text(whole.replace(text, by, 1), encoding="utf-8")
    told = [str(problem) for problem in check_pack(folder)]
    assert any(each.startswith(f"incidents.yaml:{line}: ") and words in each for each in told), told


def test_the_mark_follows_what_groups_and_not_the_words(folder):
    first = grouping_mark(load_pack(folder).incidents)
    file = folder / "incidents.yaml"
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace("Mưa tại", "Mưa ở"), encoding="utf-8")
    assert grouping_mark(load_pack(folder).incidents) == first
    file.write_text(whole.replace("within: 6h", "within: 7h"), encoding="utf-8")
    assert grouping_mark(load_pack(folder).incidents) != first


def test_a_pattern_is_a_rule_or_the_beginning_of_some():
    assert matches("rain.*", "rain.1h")
    assert not matches("rain.1", "rain.1h")
    assert not matches("rain.*", "train.1h")
