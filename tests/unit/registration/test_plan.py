"""A sheet of devices against the registry: what is new, what changes, and each wrong cell by its place."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.device import Device, DeviceState
from ioc.domain.feed import Label
from ioc.domain.places.area import Area
from ioc.domain.places.location import Box
from ioc.domain.scope import Scope
from ioc.domain.search import words_of
from ioc.ingest.pipeline.location import Gazetteer
from ioc.registration.columns import KNOWN, PASSED_OVER, WRITTEN
from ioc.registration.plan import ROWS_MAX, DeviceChange, ImportPlan, RegistryView, plan_import
from ioc.sheets.csv_sheet import read_csv
from ioc.sheets.sheet import SheetBounds, Value
from ioc.sheets.table import RowOutcome, read_table

NOW = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
DAY = date(2025, 7, 1)


def square(west: float, south: float) -> dict[str, Any]:
    east, north = west + 0.5, south + 1
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


WARD = Area("04795", DAY, Label("Phường Hòa Bình", "Hoa Binh ward"), "ward", "hoa-binh", shape=square(105, 20))
OTHER = Area("05086", DAY, Label("Xã Lương Sơn", "Luong Son commune"), "commune", "luong-son", shape=square(105.5, 20))
KNOWN_DEVICE = Device(
    "rain-1", "rainfall", Label("Trạm 1", "Station 1"), NOW, area="04795", zone="hoa-binh", lat=20.8, lon=105.3,
    owner="kttv", version=4,
)  # fmt: skip
FAR = replace(KNOWN_DEVICE, id="rain-far", area="05086", zone="luong-son", owner="Sở NN&MT", version=2)
AREAS = (WARD, OTHER)
REGISTRY = RegistryView(
    {device.id: device for device in (KNOWN_DEVICE, FAR)}, frozenset({"rainfall", "river_level"}),
    frozenset(area.code for area in AREAS), Gazetteer(AREAS), now=NOW, box=Box(104.7, 20.2, 106.0, 21.85),
)  # fmt: skip
INSIDE = replace(REGISTRY, scope=Scope(areas=frozenset({"04795"}), zones=frozenset({"hoa-binh"})))


def planned(*lines: str, registry: RegistryView = REGISTRY) -> ImportPlan:
    """Return the plan of a CSV file with these lines."""
    rows = read_csv("\n".join(lines).encode(), SheetBounds(ROWS_MAX + 20, 60))
    return plan_import(read_table(rows, KNOWN, given=PASSED_OVER), registry)


def faults(plan: ImportPlan) -> list[tuple[str, str]]:
    return [(fault.place, fault.code) for fault in plan.faults]


def test_new_devices_take_their_place_from_area_or_point_and_known_ones_only_what_is_written():
    plan = planned(
        "id,feed,name_vi,lat,lon,area,owner,place,critical,state,parent",
        "rain-2,rainfall,Trạm 2,20.5,105.25,,,,true,,gate-1",
        "gate-1,rainfall,,,,04795,,,,maintenance,",
        "rain-1,,Trạm một,,,,-,Cầu Hòa Bình,,,",
        "rain-far,rainfall,,,,,Sở NN&MT,,,,",
    )
    assert faults(plan) == []
    new, gate = plan.created
    assert (new.area, new.zone, new.critical, new.parent) == ("04795", "hoa-binh", True, "gate-1")
    assert new.name == Label("Trạm 2", "Trạm 2")
    assert (gate.name.vi, gate.lat, gate.state) == ("gate-1", None, DeviceState.MAINTENANCE)
    assert plan.changed == [DeviceChange("rain-1", 4, {"name_vi": "Trạm một", "place": "Cầu Hòa Bình", "owner": None})]
    outcomes = [(row.device, row.outcome, row.columns) for row in plan.rows]
    assert outcomes[2:] == [
        ("rain-1", RowOutcome.CHANGED, ("name_vi", "owner", "place")), ("rain-far", RowOutcome.UNCHANGED, ()),
    ]  # fmt: skip


def test_heads_and_values_may_be_vietnamese_and_a_vietnamese_excel_writes_semicolons_and_commas():
    plan = planned(
        "STT;Mã thiết bị;Mã nguồn dữ liệu;Mã xã, phường;Vĩ độ;Kinh độ;Quan trọng;Trạng thái sổ đăng ký;Ghi chú",
        "1;rain-2;rainfall;4795;20,817;105,3;có;bảo trì;trạm mới",
        "2;rain-3;rainfall;;20,5;105,75;Không;Đang dùng;",
    )
    assert faults(plan) == []
    first, second = plan.created
    assert (first.area, first.lat, first.lon, first.critical) == ("04795", 20.817, 105.3, True)
    assert (first.state, second.area, second.state, second.critical) == (
        DeviceState.MAINTENANCE, "05086", DeviceState.ACTIVE, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("Rain 2,rainfall,,,,", ("A2", "bad_id")),
        ("imports,rainfall,,,,", ("A2", "reserved_id")),
        (",rainfall,,,,", ("A2", "no_id")),
        ("rain-2,,,,,", ("B2", "no_feed")),
        ("rain-2,rain,,,,", ("B2", "unknown_feed")),
        ("rain-1,river_level,,,,", ("B2", "other_feed")),
        ("rain-2,rainfall,20.8,,,", ("D2", "half_point")),
        ("rain-2,rainfall,105.3,20.8,,", ("C2", "bad_degrees")),
        ("rain-2,rainfall,10.8,20.8,,", ("C2", "outside_site")),
        ("rain-2,rainfall,nan,20.8,,", ("C2", "bad_degrees")),
        ("rain-2,rainfall,1.234.567,20.8,,", ("C2", "bad_degrees")),
        ("rain-2,rainfall,,,99999,", ("E2", "unknown_area")),
        ("rain-2,rainfall,,,,gate-9", ("F2", "unknown_parent")),
        ("rain-2,rainfall,,,,rain-2", ("F2", "unknown_parent")),
        ("rain-1,-,,,,", ("B2", "cannot_clear")),
        ("rain-2,rainfall", ("A2", "ragged_row")),
    ],
)
def test_a_wrong_cell_is_told_by_its_place_and_the_others_are_still_looked_at(row: str, fault: tuple[str, str]):
    plan = planned("id,feed,lat,lon,area,parent", row, "rain-9,no_feed,,,,")
    assert faults(plan) == [fault, ("B3", "unknown_feed")]
    assert (plan.created, plan.changed) == ([], [])
    assert all(one.message.vi != one.message.en and one.message.vi for one in plan.faults)


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("owner", "Sở NN&MT", "bad_code"), ("device_class", "Khu", "bad_code"), ("name_vi", "x" * 201, "too_long"),
        ("expected_period_seconds", "0", "bad_period"), ("expected_period_seconds", "10m", "bad_period"),
        ("expected_period_seconds", "2678401", "bad_period"), ("critical", "maybe", "bad_yes"),
        ("gateway", "2", "bad_yes"), ("state", "broken", "bad_state"), ("place", "\u200b", "unseen"),
    ],
)  # fmt: skip
def test_each_column_says_what_it_takes(column: str, value: str, code: str):
    assert faults(planned(f"id,feed,{column}", f"rain-2,rainfall,{value}")) == [("C2", code)]


def test_every_fault_of_a_row_is_told_at_once():
    plan = planned("id,feed,lat,lon,area,parent", "Rain 2,rain,north,105.3,99999,gate-9", "Rain 3,,,,,")
    assert faults(plan) == [
        ("A2", "bad_id"), ("C2", "bad_degrees"), ("B2", "unknown_feed"), ("E2", "unknown_area"),
        ("F2", "unknown_parent"),
        ("A3", "bad_id"),
    ]  # fmt: skip


def test_a_device_twice_names_the_other_row_and_unknown_or_repeated_columns_are_named_at_their_heads():
    plan = planned("id,feed", "rain-2,rainfall", "rain-3,rainfall", "rain-2,rainfall")
    assert faults(plan) == [("A4", "twice")]
    assert "dòng 2" in plan.faults[0].message.vi
    assert faults(planned("id,feed,colour", "rain-2,rainfall,red")) == [("C1", "unknown_column")]
    assert faults(planned("id,feed,feed", "rain-2,rainfall,rainfall")) == [("C1", "repeated_column")]
    assert faults(planned("name,feed", "rain-2,rainfall")) == [("", "missing_column")]
    assert faults(planned("id,feed")) == [("", "no_rows")]


def test_nobody_is_below_themselves():
    plan = planned("id,feed,parent", "a,rainfall,b", "b,rainfall,c", "c,rainfall,a", "d,rainfall,a")
    assert faults(plan) == [("C2", "loop"), ("C3", "loop"), ("C4", "loop")]


def test_behind_a_wall_only_what_lies_inside_is_registered_changed_or_named():
    head = "id,feed,area,lat,lon,parent"
    for row, fault in (
        ("rain-far,,,,,", ("A2", "not_yours")),
        ("rain-2,rainfall,05086,,,", ("C2", "not_yours")),
        ("rain-2,rainfall,,20.5,105.75,", ("C2", "not_yours")),
        ("rain-2,rainfall,,,,", ("C2", "not_yours")),
        ("rain-1,,05086,,,", ("C2", "not_yours")),
        ("rain-2,rainfall,04795,,,rain-far", ("F2", "unknown_parent")),
    ):
        assert faults(planned(head, row, registry=INSIDE)) == [fault], row
        assert planned(head, row).fault_count == 0, row
    assert planned(head, "rain-2,rainfall,04795,,,rain-1", "rain-1,,,20.7,105.3,", registry=INSIDE).fault_count == 0


def test_as_many_rows_as_are_taken_and_no_more():
    rows = [f"d-{number},rainfall" for number in range(ROWS_MAX + 1)]
    assert faults(planned("id,feed", *rows)) == [("", "too_many_rows")]
    assert len(planned("id,feed", *rows[1:]).created) == ROWS_MAX


def test_no_two_columns_are_called_alike():
    called = [
        words_of(text) for column in KNOWN for text in {column.label.vi, column.label.en, column.id.replace("_", " ")}
    ]
    names = {column.id: {words_of(column.id), words_of(column.label.vi), words_of(column.label.en)} for column in KNOWN}
    assert all(called)
    assert sum(map(len, names.values())) == len(set().union(*names.values()))


CELLS: st.SearchStrategy[Value] = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(-200, 200).map(float), st.dates(),
    st.text(max_size=12),
    st.sampled_from(["rain-1", "rain-far", "rainfall", "-", "04795", "20.8", "105.3", "có", "active"]),
    st.text(string.ascii_lowercase + "-", min_size=1, max_size=3),
)  # fmt: skip


@given(st.lists(st.lists(CELLS, min_size=len(WRITTEN), max_size=len(WRITTEN)), max_size=6), st.booleans())
def test_whatever_stands_in_the_cells_each_row_comes_to_one_thing_and_nothing_leaves_the_wall(
    rows: list[list[Value]], inside: bool
):
    registry = INSIDE if inside else REGISTRY
    plan = plan_import(read_table([[column.id for column in WRITTEN], *rows], KNOWN, given=PASSED_OVER), registry)
    assert len(plan.rows) == len(plan.created) + len(plan.changed) + plan.count(RowOutcome.UNCHANGED) + plan.count(
        RowOutcome.FAULTY
    )
    assert (plan.count(RowOutcome.FAULTY) == 0) == all(not fault.row for fault in plan.faults)
    for fault in plan.faults:
        assert fault.place or not fault.row
    for device in plan.created:
        assert device.id not in registry.devices
        assert registry.scope.sees(area=device.area, zone=device.zone, feed=device.feed)
    for change in plan.changed:
        known = registry.devices[change.device]
        assert registry.sees(known)
        assert all(value != getattr(known, name, None) for name, value in change.values.items())
        assert registry.scope.sees(
            area=change.values.get("area", known.area), zone=change.values.get("zone", known.zone)
        )
