"""Sheets of lookup tables: what their columns read, and templates that offer the words of the pack."""

from __future__ import annotations

import io

import pytest
from python_calamine import CalamineWorkbook

from ioc.lookups.columns import exported, readers, written
from ioc.lookups.workbook import export, template
from ioc.packs.loader import load_pack
from ioc.sheets.readers import CellError

TABLES = {table.id: table for table in load_pack("hoabinh", shapes=False).lookups}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_template_has_the_columns_that_an_import_reads_and_a_guide(name: str, language: str):
    book = CalamineWorkbook.from_filelike(io.BytesIO(template(TABLES[name], language=language)))
    sheet, guide = book.sheet_names
    (head,) = book.get_sheet_by_name(sheet).to_python()
    labels = [column.label for column in written(TABLES[name])]
    assert head == [label.vi if language == "vi" else label.en for label in labels]
    assert len(set(head)) == len(head)
    assert any("5000" in str(line) for line in book.get_sheet_by_name(guide).to_python())


def test_words_and_days_are_read_as_people_write_them():
    cells = readers(TABLES["watch-code"])
    assert cells["kind"]("Phương tiện bị trộm cắp") == cells["kind"]("stolen_vehicle") == "stolen_vehicle"
    assert readers(TABLES["wastewater-permit"])["issued_on"]("1/10/2021") == "2021-10-01"
    with pytest.raises(CellError, match="write one of stolen vehicle"):
        cells["kind"]("xe lạ")
    with pytest.raises(CellError):
        cells["kind"]("…")


def test_an_export_tells_words_and_states_and_runs_no_formula():
    table = TABLES["number-plate"]
    row = {"key": "28A-123.45", "kind": "stolen", "agency": "=1+1", "source": "TB", "verified": True, "state": "ended"}
    book = CalamineWorkbook.from_filelike(io.BytesIO(export(table, [row], language="vi")))
    head, line = book.get_sheet_by_index(0).to_python()
    told = dict(zip([column.id for column in exported(table)], line, strict=True))
    assert (told["kind"], told["agency"], told["verified"], told["state"]) == (
        "xe bị trộm cắp", "=1+1", "có", "đã hết hạn"
    )  # fmt: skip
    assert head[0] == "Biển số xe"
