"""Sheets of devices that are written: an import reads them again, and no text of theirs is a formula."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from ioc.domain.feed import Label
from ioc.registration.columns import KNOWN, PASSED_OVER, WRITTEN
from ioc.registration.plan import RegistryView, plan_import
from ioc.registration.workbook import csv_template, export, template
from ioc.sheets.csv_sheet import read_csv
from ioc.sheets.sheet import SheetBounds
from ioc.sheets.table import RowOutcome, read_table
from tests.unit.registration.test_plan import FAR, KNOWN_DEVICE, REGISTRY

FEEDS = {"rainfall": Label("Trạm đo mưa", "Rain gauges"), "river_level": Label("Mực nước sông", "River level")}


def rows_of(body: bytes, sheet: int = 0) -> list[list[Any]]:
    read = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(sheet).to_python(skip_empty_area=False)
    return [[cell if cell != "" else None for cell in row] for row in read]


def exported(device: Any) -> dict[str, Any]:
    names = {column.id: getattr(device, column.id, None) for column in WRITTEN}
    return {**names, "name_vi": device.name.vi, "name_en": device.name.en, "area_name": "Phường", "status": "online",
            "last_seen": None, "battery": 64, "signal": -71, "firmware": "1.4.2"}  # fmt: skip


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_template_has_every_column_the_feeds_and_how_it_is_filled_in(language: str):
    body = template(FEEDS, language=language)
    [head] = rows_of(body)
    assert [words for words in head if words is None] == []
    assert len(read_table([head, [None] * len(head)], KNOWN, given=PASSED_OVER).unread) == 0
    assert [row[0] for row in rows_of(body, 1)][1:] == ["rainfall", "river_level"]
    assert len(rows_of(body, 2)) > 5
    sheet = zipfile.ZipFile(io.BytesIO(body)).read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<dataValidation ") == 5


def test_the_csv_template_is_read_as_utf_8_and_has_every_column():
    body = csv_template()
    assert body.startswith(b"\xef\xbb\xbf")
    assert read_csv(body, SheetBounds(10, 60)) == [[column.id for column in WRITTEN]]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_an_export_changes_nothing_when_it_is_imported_again(language: str):
    odd = replace(KNOWN_DEVICE, id="rain-odd", place="=1+1", critical=True, expected_period_seconds=600, gateway=True,
                  device_class="special-area", parent="rain-1")  # fmt: skip
    devices = {device.id: device for device in (KNOWN_DEVICE, FAR, odd)}
    body = export([exported(device) for device in devices.values()], language=language)
    registry: RegistryView = replace(REGISTRY, devices=devices)
    plan = plan_import(read_table(rows_of(body), KNOWN, given=PASSED_OVER), registry)
    assert [(fault.place, fault.code) for fault in plan.faults] == []
    assert [row.outcome for row in plan.rows] == [RowOutcome.UNCHANGED] * 3


def test_what_looks_like_a_formula_is_text_for_good():
    hostile = replace(KNOWN_DEVICE, name=Label("=HYPERLINK(1)", "+1"), place="@SUM(A1)", owner="-2+3")
    body = export([exported(hostile)], language="vi")
    parts = zipfile.ZipFile(io.BytesIO(body))
    assert "<f>" not in parts.read("xl/worksheets/sheet1.xml").decode()
    assert re.search(r'quotePrefix="1"', parts.read("xl/styles.xml").decode())
    assert rows_of(body)[1][2] == "=HYPERLINK(1)"
