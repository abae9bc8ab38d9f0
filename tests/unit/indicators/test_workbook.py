"""Workbooks that are written: what looks like a formula is text in them, and the template is what is read back."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from ioc.domain.feed import FieldSpec, Label
from ioc.domain.indicators.indicator import Period, PeriodKind
from ioc.indicators.columns import GIVEN, columns_of
from ioc.indicators.standing import standing
from ioc.indicators.workbook import standings, template
from ioc.sheets.table import read_table
from tests.unit.indicators.test_standing import EXPORTS

CORPUS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\tx", '=HYPERLINK("http://x")', "http://x.vn", "0012")


@pytest.mark.parametrize("text", CORPUS)
def test_text_that_looks_like_a_formula_a_link_or_a_number_stays_text(text: str):
    one = replace(EXPORTS, label=Label(text, text))
    stands = standing(one, {}, Period(PeriodKind.MONTH, 2026, 10), date(2026, 11, 20))
    body = standings([(one, stands)], language="vi")
    with zipfile.ZipFile(io.BytesIO(body)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        names = " ".join(parts.namelist())
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert "externalLink" not in names
    assert re.search(r'<c r="B2"[^>]* t="s"', sheet)
    rows = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0).to_python()
    assert rows[1][1] == text


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_template_has_each_column_of_the_feed_and_is_read_back(language: str):
    own = FieldSpec("sample_count", Label("Số mẫu", "Samples"))
    one = replace(EXPORTS, columns=(own,))
    body = template([one], language=language)
    rows = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0).to_python()
    assert rows[0][-1] == (own.label.vi if language == "vi" else own.label.en)
    rows[1][4:8] = ["10/2026", 5.0, 4.0, 30.0]
    cells: list[list[Any]] = [[cell or None for cell in row] for row in rows]
    table = read_table(cells, columns_of([one]), given=GIVEN)
    assert not table.missing
    assert not table.unread
    assert {name: cell.value for name, cell in table.rows[0].cells.items() if name in ("period", "sample_count")} == {
        "period": "10/2026", "sample_count": 30.0,
    }  # fmt: skip
