"""The shipped city: it passes its own check, is in both languages, and its places are where they say."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from shapely.geometry import Point, shape

from ioc.domain.feed import FieldType, Label
from ioc.packs.check import check_pack
from ioc.packs.draft import read_draft
from ioc.packs.loader import load_pack, pack_folder
from ioc.packs.problem import Findings
from ioc.packs.sketch import read_outlines, sketch_shapes
from ioc.rules.fold.headline import LENGTH_MAX
from ioc.rules.fold.summary import Filling, PlaceNames
from ioc.rules.kinds.registry import KINDS
from ioc.rules.language.placeholders import placeholders
from ioc.rules.language.rule import Mode, Rule, to_us
from ioc.rules.loading.loader import load_rule

PACK = load_pack("hoabinh")
SWITCH = date(2025, 7, 1)
TODAY_US = to_us(datetime(2026, 11, 25, tzinfo=UTC))
BOUNDARIES = Path(__file__).parents[4] / "shared/data/areas/hoabinh_luongson_wards_2025.geojson"
ACCURACY_DEGREES = 0.01
"""About a kilometre: what the places of devices are known to."""
FEEDS = {
    "air_quality": "environment",
    "rainfall": "disaster",
    "river_level": "disaster",
    "reservoir": "disaster",
    "traffic_flow": "traffic",
    "camera_detection": "traffic",
    "public_wifi": "tourism",
    "citizen_report": "citizen_reports",
}
FEED_FIELDS = {
    "air_quality": "pm2_5 pm10 no2 so2 o3 co temperature_c humidity_pct tsp wind_ms battery_pct rssi_dbm firmware",
    "rainfall": (
        "rain_mm period_s rain_1h_mm rain_24h_mm rain_since_19h_mm rain_since_7h_mm battery_pct rssi_dbm firmware"
    ),
    "river_level": "level_cm discharge_m3s battery_pct rssi_dbm firmware",
    "reservoir": "level_m inflow_m3s outflow_m3s turbine_m3s bottom_outlet_m3s spillway_m3s gates_open downstream_m",
    "traffic_flow": "vehicles speed_kmh occupancy_pct queue_m",
    "camera_detection": (
        "label confidence plate speed_kmh violation camera_zone snapshot lane plate_confidence vehicle_class "
        "speed_limit_kmh image"
    ),
    "public_wifi": "up clients rx_bytes tx_bytes auth_failures channel_busy_pct rogue_ssids",
    "citizen_report": "category text urgency contact media channel rating",
}


def labels(value: Any) -> Iterator[Label]:
    """Yield every label inside ``value``."""
    if isinstance(value, Label):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from labels(getattr(value, part.name))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from labels(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from labels(part)


def rules() -> list[Rule]:
    """Return the shipped rules, compiled."""
    return [load_rule(rule.body, feeds=PACK.feeds, hash=rule.hash, version=1) for rule in PACK.rules]


def test_the_shipped_pack_has_no_problem():
    """What we ship passes what we ask of others."""
    assert check_pack(pack_folder("hoabinh")) == []


def test_every_file_of_the_pack_is_nfc():
    """Equal names must be equal bytes."""
    for path in pack_folder("hoabinh").rglob("*"):
        if path.is_file():
            assert unicodedata.is_normalized("NFC", path.read_text(encoding="utf-8")), path


def test_every_label_is_in_both_languages():
    """No screen falls back to a code."""
    found = list(labels(PACK))
    assert len(found) > 200
    assert all(
        label.vi.strip() == label.vi and label.vi and label.en.strip() == label.en and label.en for label in found
    )


def test_the_fifteen_domains_are_the_official_thirteen_and_two_across():
    """Numbered D01 to D13, X14, X15."""
    assert [domain.number for domain in PACK.domains] == [*(f"D{n:02}" for n in range(1, 14)), "X14", "X15"]


def test_the_eight_feeds_have_the_contract_fields_and_domains():
    """Devices and clients rely on these names."""
    first = [PACK.feeds[name] for name in FEEDS]
    assert {feed.id: feed.domain for feed in first} == FEEDS
    assert {feed.id: " ".join(feed.fields) for feed in first} == FEED_FIELDS
    assert [feed.id for feed in first if not feed.device_required] == ["citizen_report"]
    assert [feed.id for feed in first if feed.restricted] == ["citizen_report"]


def test_each_of_the_fifteen_domains_has_feeds():
    """Sixty to eighty thin ones beside the eight of the contract, for seventy systems."""
    assert 55 <= len(PACK.feeds) - len(FEEDS) <= 80
    assert [domain.id for domain in PACK.domains if not domain.feeds] == []


def test_what_could_name_a_person_or_a_weak_spot_is_restricted():
    """Location, health, watch lists, guarded targets and weak hosts never reach a wall or a public page."""
    assert {feed.id for feed in PACK.feeds.values() if feed.restricted} == {
        "citizen_report", "field_incident", "complaint_case", "crime_report", "disease_cases", "emergency_call",
        "incident_ticket", "security_event", "sos_request", "system_level", "target_security", "vehicle_tracking",
        "watchlist_hit",
    }  # fmt: skip


def test_every_code_has_words_in_both_languages():
    """A person is told `loa truyền thanh`; `loudspeaker` is for machines."""
    for feed in PACK.feeds.values():
        for field in feed.fields.values():
            assert not field.values or set(field.words) == set(field.values), (feed.id, field.name)


def test_a_number_with_possible_bounds_has_plausible_ones_and_a_text_its_length():
    """An odd value is flagged before it is refused."""
    for feed in PACK.feeds.values():
        for field in feed.fields.values():
            if field.type in (FieldType.NUMBER, FieldType.INTEGER):
                assert field.plausible_min is not None, (feed.id, field.name)
                assert field.plausible_max is not None, (feed.id, field.name)
            assert field.type is not FieldType.TEXT or field.length_max <= 5_000, (feed.id, field.name)


def test_every_number_has_possible_bounds_that_hold_the_recorded_extremes():
    """A bound must not drop the record flood: extremes of 2000-2016 are even plausible."""
    for feed in PACK.feeds.values():
        for field in feed.fields.values():
            if field.type in (FieldType.NUMBER, FieldType.INTEGER):
                assert field.possible_min is not None, (feed.id, field.name)
    extremes = {
        ("rainfall", "rain_24h_mm"): (0.0, 346.5),
        ("river_level", "level_cm"): (942, 2120),
        ("reservoir", "level_m"): (77.79, 117.26),
        ("reservoir", "inflow_m3s"): (0.26, 13_505),
        ("reservoir", "bottom_outlet_m3s"): (0, 9_785),
    }
    for (feed_id, name), (low, high) in extremes.items():
        field = PACK.feeds[feed_id].fields[name]
        assert field.plausible_min is not None
        assert field.plausible_max is not None
        assert field.plausible_min <= low < high <= field.plausible_max, name


def test_eight_units_stand_today_in_two_zones():
    """The former city is five units, the former district three."""
    today = {area.code: area for area in PACK.areas_on(date(2026, 11, 23)) if area.zone}
    assert {zone.code: set(zone.areas) for zone in PACK.zones} == {
        "hoa-binh": {"04792", "04795", "04828", "04894", "04897"},
        "luong-son": {"04924", "04960", "05047"},
    }
    assert {code: area.zone for code, area in today.items()} == {
        code: zone.code for zone in PACK.zones for code in zone.areas
    }
    assert {area.parent for area in today.values()} == {"25"}
    assert {area.valid_from for area in today.values()} == {SWITCH}


def test_thirty_units_stood_before_and_each_has_a_successor_that_stood_on_the_day():
    """Nineteen of the city, eleven of the district; Cao Sơn alone was split."""
    before = [area for area in PACK.areas_on(date(2025, 6, 30)) if area.level in ("ward", "commune", "town")]
    assert sorted((area.parent for area in before), key=str) == ["148"] * 19 + ["152"] * 11
    standing = {area.code: area for area in PACK.areas_on(SWITCH)}
    for area in PACK.areas:
        if area.valid_to is not None:
            assert area.valid_to == SWITCH
            assert area.successors, area.code
            assert set(area.successors) <= set(standing), area.code
            assert area.level == "province" or {standing[code].zone for code in area.successors} == {area.zone}
    split = [area for area in before if len(area.successors) > 1]
    assert [(area.code, area.name.vi, area.successors) for area in split] == [
        ("04957", "Xã Cao Sơn", ("04924", "04960"))
    ]


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("04795", "Phường Thịnh Lang", "Phường Hòa Bình"),
        ("04960", "Xã Cư Yên", "Xã Liên Sơn"),
        ("05047", "Xã Thanh Cao", "Xã Cao Dương"),
    ],
)
def test_a_reused_code_means_another_unit_before_the_switch(code, old, new):
    """A unit is (code, day), never a code alone."""
    named = {
        day: [area.name.vi for area in PACK.areas_on(day) if area.code == code] for day in (date(2025, 6, 30), SWITCH)
    }
    assert list(named.values()) == [[old], [new]]


def test_names_are_found_in_both_tone_placements():
    """Hòa and Hoà are both written, so both are known."""
    for area in PACK.areas:
        known = {area.name.vi, *area.aliases}
        for name in sorted(known):
            assert name.replace("Hòa", "Hoà") in known, (area.code, name)
    assert "Phương Lâm" in next(area for area in PACK.areas_on(SWITCH) if area.code == "04795").aliases


def test_every_device_is_of_a_known_feed_and_inside_its_sketched_unit():
    """A marker lies in the unit that its row names, on the map that we draw."""
    shapes = {area.code: shape(area.shape) for area in PACK.areas if area.shape is not None}
    assert len(shapes) == 8
    for device in PACK.devices:
        assert device.feed in PACK.feeds
        assert shapes[device.area].covers(Point(device.lon, device.lat)), device.id


def test_devices_and_centres_lie_in_the_real_units_within_a_kilometre():
    """Checked against real boundaries, which are not ours to ship."""
    if not BOUNDARIES.exists():
        pytest.skip(f"recorded boundaries are absent: {BOUNDARIES.name}")
    features = orjson.loads(BOUNDARIES.read_bytes())["features"]
    real = {item["properties"]["code"]: shape(item["geometry"]) for item in features}
    for device in PACK.devices:
        assert real[device.area].distance(Point(device.lon, device.lat)) < ACCURACY_DEGREES, device.id
    for area in PACK.areas:
        if area.level in ("ward", "commune", "town"):
            assert area.lon is not None
            assert area.lat is not None
            centre = Point(area.lon, area.lat)
            units = area.successors or (area.code,)
            assert min(real[code].distance(centre) for code in units) < ACCURACY_DEGREES, area.name.vi


def test_about_sixty_devices_cover_every_feed_that_needs_one():
    """The gauges, the dam, the air, the roads, the cameras, and the Wi-Fi sites with the three schools."""
    count = {feed: sum(device.feed == feed for device in PACK.devices) for feed in FEEDS}
    assert 55 <= sum(count.values()) <= 65
    assert all(number > 0 for feed, number in count.items() if feed != "citizen_report")
    ids = {device.id for device in PACK.devices}
    assert {"rain-hoa-binh", "river-hoa-binh", "river-lam-son", "res-hoa-binh"} <= ids
    assert {"wifi-thpt-hoang-van-thu", "wifi-thpt-dtnt", "wifi-thpt-19-5"} <= ids
    assert sum(device.critical for device in PACK.devices) < 10


def test_shapes_are_our_own_sketch_and_say_so():
    """The shipped shapes are exactly what the sketch makes of our centres and outlines."""
    folder = pack_folder("hoabinh")
    shipped = orjson.loads((folder / "shapes.geojson").read_bytes())
    drawn = sketch_shapes(read_draft(folder, Findings()), read_outlines(folder))
    assert [item["properties"] for item in shipped["features"]] == [item["properties"] for item in drawn["features"]]
    for ours, again in zip(shipped["features"], drawn["features"], strict=True):
        assert shape(ours["geometry"]).symmetric_difference(shape(again["geometry"])).area < 1e-6
    assert {area.shape_source for area in PACK.areas} == {"sketch"}


def test_sketched_units_of_a_zone_do_not_overlap_and_fill_its_outline():
    """Every point of a zone belongs to one unit of it, and the zones only touch."""
    outlines = read_outlines(pack_folder("hoabinh"))
    assert outlines["hoa-binh"].intersection(outlines["luong-son"]).area == 0
    for zone in PACK.zones:
        parts = [shape(area.shape) for area in PACK.areas if area.shape is not None and area.zone == zone.code]
        assert sum(part.area for part in parts) == pytest.approx(outlines[zone.code].area, rel=1e-3)
        for index, part in enumerate(parts):
            assert part.is_valid
            assert all(part.intersection(other).area < 1e-6 for other in parts[index + 1 :])


def test_every_shipped_rule_compiles_and_the_contract_pair_is_among_them():
    """Two rules fire on one wet night: open gates are critical, more than 100 mm a day is high."""
    by_id = {rule.id: rule for rule in rules()}
    assert set(FEEDS) <= {feed for rule in by_id.values() for feed in rule.feeds}
    gates, rain = by_id["reservoir.gates"].levels[-1], by_id["rain.24h"].levels[0]
    assert (gates.severity, gates.when.text) == ("critical", "gates_open > 0")
    assert (rain.severity, rain.when.text) == ("high", "rain_24h_mm > 100.0")


def test_there_are_rules_of_every_domain_and_of_every_kind():
    """Fifty and more, none of them for show: each has its timelines (tests/timelines)."""
    found = rules()
    assert len(found) >= 50
    assert {rule.domain for rule in found} == {domain.id for domain in PACK.domains}
    assert {rule.kind for rule in found} == set(KINDS)
    assert any(rule.mode is Mode.MONITOR for rule in found)
    assert any(rule.schedule is not None for rule in found)


def test_a_limit_that_nobody_checked_says_so_and_a_checked_one_names_its_law():
    """No threshold of ours passes for a legal one."""
    limits = [
        limit for rule in rules() for limit in (*rule.limits, *(one for level in rule.levels for one in level.limits))
    ]
    assert limits
    for limit in limits:
        if limit.verified:
            assert limit.valid_from, limit
            assert limit.source.startswith(("QĐ ", "QCVN ")), limit
        else:
            assert "chưa kiểm chứng" in limit.source or "cần địa phương xác nhận" in limit.source, limit


def test_a_limit_is_the_number_that_its_condition_compares_with():
    """What the alert quotes is what the rule tests."""
    for rule in rules():
        for level in rule.levels:
            limit = rule.limit_of(level, TODAY_US)
            if limit is not None and "limit" not in level.when.names:
                assert limit.value == level.threshold, (rule.id, level.severity)


def example(name: str, kind: FieldType) -> object:
    """Return a long value of a field, of a length that does occur."""
    if kind is FieldType.TEXT:
        return "Sở Nông nghiệp và Môi trường"
    if kind is FieldType.BOOLEAN:
        return False
    return 12_345.6 if name.endswith("m3s") else 999


@pytest.mark.parametrize("vi", [True, False], ids=["vi", "en"])
def test_no_summary_is_cut_at_any_device_of_its_feed(vi):
    """The longest name with long figures still fits, so that the call to act is never cut off."""
    for rule in rules():
        names = [device.name for device in PACK.devices if device.feed in rule.feeds] or [Label("–", "–")]
        area = max((area.name for area in PACK.areas), key=lambda label: len(label.vi))
        values = {name: example(name, spec.type) for name, spec in rule.fields.items()}
        for level in rule.levels:
            for name in names:
                place = PlaceNames(device=name, area=area)
                fill = Filling(rule=rule, level=level, values=values, place=place, held_us=86_340_000_000, vi=vi)
                template = rule.summary.vi if vi else rule.summary.en
                text = template.format_map({name: fill.text_of(name) for name in placeholders(template)})
                assert len(text) <= LENGTH_MAX, (rule.id, len(text), text)
