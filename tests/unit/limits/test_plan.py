"""A sheet of limits against the tables that rules ask for: what comes in, and each wrong cell by its place."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from python_calamine import CalamineWorkbook

from ioc.domain.dated.row import RowState
from ioc.domain.feed import Label
from ioc.domain.rules.limit_row import LimitRow
from ioc.limits.columns import EXPORTED, KNOWN, PASSED_OVER, WRITTEN
from ioc.limits.plan import LimitReferences, plan_limits
from ioc.limits.workbook import csv_template, export, template
from ioc.rules.loading.limit_tables import tables_of
from ioc.sheets.csv_sheet import read_csv
from ioc.sheets.row_plan import ROWS_MAX, KnownRow, RowPlan
from ioc.sheets.sheet import SheetBounds, Value
from ioc.sheets.table import RowOutcome, read_table
from tests.unit.rules.builders import FEEDS, rule_body

BODIES = (
    rule_body(levels=[{"severity": "medium", "when": "value > limit"}], limit={"table": "cod"}),
    rule_body(rule="plain"),
)
AROUND = LimitReferences(
    tables_of(BODIES, FEEDS, ZoneInfo("Asia/Ho_Chi_Minh")), {"m-1": "meter", "g-1": "gauge"}, frozenset({"old"}),
    ["04795"], ["hoa-binh"],
)  # fmt: skip
HEAD = "name,level,device,class,area,value,unit,source,verified,valid_from,valid_to"
BOUNDS = SheetBounds(rows_max=ROWS_MAX + 20, columns_max=60)
STANDS = LimitRow(name="cod", device="m-1", value=100.0, unit="cm", source="GP", verified=True)


def plan_of(*rows: str, head: str = HEAD) -> RowPlan[LimitRow]:
    return plan_rows(read_csv("\n".join((head, *rows)).encode(), BOUNDS))


def plan_rows(rows: Sequence[Sequence[Value]]) -> RowPlan[LimitRow]:
    return plan_limits(read_table(rows, KNOWN, given=PASSED_OVER), AROUND)


def limits_of(plan: RowPlan[LimitRow]) -> list[LimitRow]:
    assert plan.faults == []
    return [row.made for row in plan.rows if row.made is not None]


def test_a_row_is_of_a_device_a_class_or_an_area_from_day_to_day():
    of_device, of_class, of_area, of_unit = limits_of(
        plan_of(
            "cod,,m-1,,,100.5,cm,Giấy phép 12,true,2026-12-01,31/12/2027",
            "cod,Trung bình,,old,,80,cm,QCVN,,,",
            'cod,,,,hoa-binh,"90,5",cm,QCVN,không,,',
            "cod,,,,4795,70,cm,QCVN,có,,",
        )
    )
    assert (of_device.value, of_device.verified, of_device.valid_from) == (100.5, True, date(2026, 12, 1))
    assert of_device.valid_to == date(2027, 12, 31)
    assert (of_class.device_class, of_class.level, of_class.verified) == ("old", "medium", False)
    assert (of_area.area, of_area.value, of_area.valid_to) == ("hoa-binh", 90.5, None)
    assert (of_unit.area, of_unit.verified) == ("04795", True), "a spreadsheet drops the leading zero"


FAULTS = (
    ("cod,,m-1,,,100,cm,GP,true,,", "A3", "twice"),
    ("cad,,m-1,,,100,cm,GP,true,2026-01-02,", "A3", "unknown_table"),
    ("cod,,m-9,,,100,cm,GP,true,,", "C3", "unknown_device"),
    ("cod,,g-1,,,100,cm,GP,true,,", "C3", "wrong_feed"),
    ("cod,,,new,,100,cm,GP,true,,", "D3", "unknown_class"),
    ("cod,,,,99999,100,cm,GP,true,,", "E3", "unknown_area"),
    ("cod,,m-1,old,,100,cm,GP,true,2026-01-02,", "D3", "one_target"),
    ("cod,,,,,100,cm,GP,true,,", "C3", "one_target"),
    ("cod,,m-1,,,much,cm,GP,true,2026-01-02,", "F3", "bad_number"),
    ("cod,,m-1,,,1.234,cm,GP,true,2026-01-02,", "F3", "bad_number"),
    ("cod,,m-1,,,,cm,GP,true,2026-01-02,", "F3", "missing"),
    ("cod,,m-1,,,100,cm,,true,2026-01-02,", "H3", "missing"),
    ("cod,,m-1,,,100,mg/l,GP,true,2026-01-02,", "G3", "wrong_unit"),
    ("cod,high,m-1,,,100,cm,GP,true,,", "B3", "unknown_level"),
    ("cod,rất cao,m-1,,,100,cm,GP,true,,", "B3", "bad_level"),
    ("cod,,m-1,,,100,cm,GP,maybe,2026-01-02,", "I3", "bad_yes"),
    ("cod,,m-1,,,100,cm,GP,true,31/02/2026,", "J3", "bad_day"),
    ("cod,,m-1,,,100,cm,GP,true,2026-01-02,2026-01-01", "K3", "ends_before"),
    ("cod,,m-1,,,100,cm,GP,true,2026-01-02", "A3", "ragged_row"),
)


@pytest.mark.parametrize(("row", "place", "code"), FAULTS)
def test_each_wrong_cell_is_named_in_both_languages_and_its_row_is_not_taken(row: str, place: str, code: str):
    plan = plan_of("cod,,m-1,,,100,cm,GP,true,,", row)
    (fault,) = plan.faults
    assert (fault.place, fault.code, fault.row) == (place, code, 3)
    assert fault.message.vi
    assert fault.message.vi != fault.message.en
    assert [each.outcome for each in plan.rows] == [RowOutcome.UNCHANGED, RowOutcome.FAULTY]


def test_the_head_must_be_known_and_there_must_be_a_row():
    (fault,) = plan_of("cod,1", head="name,value").faults
    assert (fault.code, fault.column) == ("missing_column", "source")
    assert [fault.code for fault in plan_of("cod,1,GP,m-1,x", head="name,value,source,device,limit").faults] == [
        "unknown_column", "wrong_unit"
    ]  # fmt: skip
    assert [fault.code for fault in plan_of().faults] == ["no_rows"]
    many = plan_of(*["cod,,m-1,,,100,cm,GP,true,,"] * (ROWS_MAX + 1))
    assert [fault.code for fault in many.faults] == ["too_many_rows"]


def test_what_stands_is_left_changed_or_joined():
    plan = plan_of(
        "cod,,m-1,,,100,cm,GP,true,,", "cod,,m-1,,,90,cm,GP 2,true,2026-12-01,", "cod,,,old,,80,cm,QCVN,,,2027-01-01"
    )
    old = LimitRow(name="cod", device_class="old", value=85.0, unit="cm", source="QCVN", verified=False)
    plan.compare({STANDS.id: KnownRow(STANDS, 3), old.id: KnownRow(old, 4)})
    assert [(row.outcome, row.columns) for row in plan.rows] == [
        (RowOutcome.UNCHANGED, ()), (RowOutcome.NEW, ()), (RowOutcome.CHANGED, ("value", "valid_to"))
    ]  # fmt: skip
    assert [(one.row.value, one.version) for one in plan.written] == [(90.0, 0), (80.0, 4)]


def sheet_of(body: bytes, index: int = 0) -> list[list[Any]]:
    read = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(index).to_python(skip_empty_area=False)
    return [[cell if cell != "" else None for cell in row] for row in read]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_an_export_is_read_again_as_it_stands_and_its_text_is_never_a_formula(language: str):
    told: dict[str, Any] = {
        **STANDS.entry(), "value": 0.125, "level": "medium", "valid_from": "01/12/2026", "source": "=1+1",
        "rules": "COD", "target": "Nhà máy", "state": RowState.COMING,
    }  # fmt: skip
    rows = sheet_of(export([told], language=language))
    assert len(rows[0]) == len(EXPORTED)
    (read,) = limits_of(plan_rows(rows))
    assert (read.value, read.level, read.valid_from, read.source, read.verified) == (
        0.125, "medium", date(2026, 12, 1), "=1+1", True
    )  # fmt: skip


def test_a_template_has_the_columns_and_names_the_tables():
    table = {"name": "cod", "titles": [Label("COD cao", "COD high")], "units": ["mg/l"], "targets": {"device", "zone"}}
    body = template([table], language="vi")
    assert sheet_of(body)[0] == [column.label.vi for column in WRITTEN]
    assert sheet_of(body, 1)[1] == ["cod", "COD cao", "mg/l", "thiết bị, vùng"]
    assert read_csv(csv_template(), BOUNDS) == [[column.id for column in WRITTEN]]
