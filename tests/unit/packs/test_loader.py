"""A pack is loaded whole or not at all; what is loaded says exactly what its files say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import yaml

from ioc.domain.device import Device
from ioc.domain.feed import FieldType
from ioc.errors import PackError
from ioc.packs import source
from ioc.packs.loader import load_pack


def test_a_folder_is_loaded_as_frozen_values(small_pack):
    """Feeds, areas, devices and domains come out as the domain's own types."""
    pack = load_pack(small_pack)
    field = pack.feeds["rainfall"].fields["rain_24h_mm"]
    assert (field.unit, field.possible_max, field.plausible_max, field.type) == ("mm", 2000, 600, FieldType.NUMBER)
    assert pack.feeds["rainfall"].expected_period == timedelta(minutes=10)
    assert pack.feeds["rainfall"].fields["note"].values == ("a", "b")
    assert pack.devices[0].zone == "hoa-binh"
    assert (pack.devices[0].critical, pack.devices[1].critical) == (True, False)
    assert pack.devices[1].expected_period_seconds is None
    assert pack.domains[0].feeds == ("rainfall",)
    assert pack.domains[0].spark_field is not None
    assert pack.zone.key == "Asia/Ho_Chi_Minh"


def test_validity_decides_which_units_stand(small_pack):
    """The old ward stands until the day before, the new one from the day on."""
    pack = load_pack(small_pack)
    assert [area.code for area in pack.areas_on(date(2025, 6, 30))] == ["04807"]
    assert [area.code for area in pack.areas_on(date(2025, 7, 1))] == ["04795"]
    assert pack.areas[1].aliases == ("Hoà Bình", "HB")


def test_a_rule_keeps_its_text_line_and_json_ready_body(small_pack):
    """Days stay text, so that the body travels as JSON."""
    rule = load_pack(small_pack).rules[0]
    assert (rule.id, rule.file, rule.line) == ("rain.24h", "rules/rain.24h.yaml", 2)
    assert rule.body["limit"] == {"value": 100, "valid_from": "2021-07-01"}
    assert rule.yaml.startswith("# comment\nrule: rain.24h\n")


def test_a_comment_makes_no_new_version_of_a_rule_and_a_threshold_does(small_pack):
    """The hash is of what the rule says, not of how it is laid out."""
    before = load_pack(small_pack).rules[0].hash
    path = small_pack / "rules/rain.24h.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("# comment", "# another"), encoding="utf-8")
    assert load_pack(small_pack).rules[0].hash == before
    path.write_text(path.read_text(encoding="utf-8").replace("> 100.0", "> 101.0"), encoding="utf-8")
    assert load_pack(small_pack).rules[0].hash != before


def test_items_differ_only_where_the_pack_differs(small_pack):
    """Applying a pack compares hashes item by item."""
    before = {(item.kind, item.id): item.hash for item in load_pack(small_pack).items()}
    path = small_pack / "devices.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("20.8370", "20.8371"), encoding="utf-8")
    after = {(item.kind, item.id): item.hash for item in load_pack(small_pack).items()}
    assert {name for name in after if after[name] != before[name]} == {("device", "rain-2")}
    kinds = {"area", "zone", "domain", "feed", "unit", "device", "layer", "rule", "calendar"}
    assert {kind for kind, _ in after} == kinds


def test_holidays_are_loaded_and_a_source_alone_makes_no_new_calendar(small_pack):
    """The log's entry holds days and names; who wrote them down stays in the pack. A pack may have no calendar."""
    before = load_pack(small_pack)
    assert [(day.date, day.verified) for day in before.holidays] == [
        (date(2026, 1, 1), True),
        (date(2026, 2, 17), False),
    ]
    assert before.calendar() == {
        "holidays": [
            {"date": "2026-01-01", "vi": "Tết Dương lịch", "en": "New Year's Day"},
            {"date": "2026-02-17", "vi": "Mùng 1 Tết", "en": "Lunar New Year"},
        ]
    }
    path = small_pack / "calendar.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("âm lịch", "thông báo"), encoding="utf-8")
    assert [item.hash for item in load_pack(small_pack).items()] == [item.hash for item in before.items()]
    path.unlink()
    assert load_pack(small_pack).calendar() is None


def test_a_device_of_the_pack_is_registered_at_a_given_time(small_pack):
    """The pack has no clock; who applies it says when."""
    now = datetime(2026, 11, 23, 13, tzinfo=UTC)
    device = load_pack(small_pack).devices[0].register(now)
    assert isinstance(device, Device)
    assert (device.id, device.registered_at, device.area, device.zone) == ("rain-1", now, "04795", "hoa-binh")


def test_a_pack_with_a_problem_is_not_loaded(small_pack):
    """Half a pack would leave a hazard unwatched; the error says where to look."""
    path = small_pack / "devices.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("rain-2,", "rain-1,"), encoding="utf-8")
    with pytest.raises(PackError, match=r"devices\.csv:3: device rain-1 comes twice"):
        load_pack(small_pack)


def test_an_unknown_pack_is_named():
    """A misspelt name is no empty city."""
    with pytest.raises(PackError, match="no pack 'hoabin'"):
        load_pack("hoabin")


def test_yaml_is_the_core_schema(small_pack):
    """Words such as `no`, octals and days stay what the author wrote."""
    path = small_pack / "rules/rain.24h.yaml"
    extra = "a: no\nb: 0123\nc: 12:30\nd: 1_000\ne: 1e3\nf: ~\ng: true\nh: '5'\ni: .inf\n"
    path.write_text(path.read_text(encoding="utf-8") + extra, encoding="utf-8")
    body = load_pack(small_pack).rules[0].body
    assert [body[key] for key in "abcdefghi"] == ["no", "0123", "12:30", "1_000", 1000.0, None, True, "5", ".inf"]


def test_both_parsers_of_yaml_read_the_same(small_pack, monkeypatch):
    """A PyYAML without libyaml is slower and reads no other pack."""
    fast = load_pack(small_pack)

    class SlowLoader(yaml.composer.Composer, source.PlainParser, yaml.resolver.Resolver):
        def __init__(self, stream):
            source.PlainParser.__init__(self, stream)
            yaml.composer.Composer.__init__(self)
            yaml.resolver.Resolver.__init__(self)

    SlowLoader.yaml_implicit_resolvers = {}
    monkeypatch.setattr(source, "CoreLoader", SlowLoader)
    assert [item.hash for item in load_pack(small_pack).items()] == [item.hash for item in fast.items()]
    assert [rule.yaml for rule in load_pack(small_pack).rules] == [rule.yaml for rule in fast.rules]
