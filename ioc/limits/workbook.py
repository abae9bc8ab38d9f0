"""Sheets of limits that people fill in or take away: the template and the tables as they are, as workbook or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ioc.domain.dated.row import RowState
from ioc.domain.feed import Label
from ioc.domain.severity import Severity
from ioc.limits.columns import AS_TEXT, EXPORTED, LEVEL, NAME, STATE, VALUE, VERIFIED, WRITTEN
from ioc.sheets.row_plan import ROWS_MAX
from ioc.sheets.workbook import Book

SHEET = Label("Giới hạn", "Limits")
TABLES = Label("Các bảng", "Tables")
TABLE_COLUMNS = (
    (NAME.label, 24), (Label("Quy tắc", "Rules"), 60), (Label("Đơn vị", "Unit"), 14),
    (Label("Dòng có thể của", "A row may be of"), 44),
)  # fmt: skip
GUIDE_LINES = (
    Label("Mỗi dòng là một giới hạn. Một tệp có tối đa {rows} dòng.",
          "Each row is one limit. A file has at most {rows} rows."),
    Label("Mã bảng và đơn vị: xem trang Các bảng. Mức để trống là mọi mức.",
          "Table and unit: see the sheet of tables. An empty level is every level."),
    Label("Ghi đúng một trong ba: mã thiết bị, loại thiết bị, hoặc mã địa bàn (xã, phường, vùng).",
          "Give exactly one: a device, a class of devices, or an area (a unit or a zone)."),
    Label("Cùng bảng, mức, đối tượng và ngày đầu với dòng đang có thì thay cả dòng đó; ngày đầu khác là dòng mới.",
          "With the table, level, target and first day of one that stands it takes its place; else it is a new row."),
    Label("Ngày viết như 31/12/2027; để trống là không giới hạn. Đã đối chiếu: có khi đã đọc trong văn bản.",
          "Days as 31/12/2027; empty is always. Verified: true once somebody has read it in the text."),
    Label("Tệp được kiểm tra từng ô; chỉ cần một ô lỗi thì chưa ghi gì. Sau khi nhập vẫn hoàn tác được cả tệp.",
          "The file is checked cell by cell; with a single fault nothing is written. An import can be undone."),
)  # fmt: skip
YES_NO = Label("có|không", "true|false")
LEVELS: Mapping[str, Label] = {
    Severity.INFO: Label("thông tin", "info"), Severity.LOW: Label("lưu ý", "low"),
    Severity.MEDIUM: Label("trung bình", "medium"), Severity.HIGH: Label("cao", "high"),
    Severity.CRITICAL: Label("khẩn cấp", "critical"),
}  # fmt: skip
STATES: Mapping[str, Label] = {
    RowState.HOLDS: Label("đang áp dụng", "in force"), RowState.REPLACED: Label("đã có dòng mới hơn", "replaced"),
    RowState.COMING: Label("chưa đến ngày", "not yet in force"), RowState.ENDED: Label("đã hết hạn", "ended"),
}  # fmt: skip
TARGETS: Mapping[str, Label] = {
    "device": Label("thiết bị", "device"), "class": Label("loại thiết bị", "class"),
    "area": Label("xã, phường", "unit"), "zone": Label("vùng", "zone"),
}  # fmt: skip


def template(tables: Iterable[Mapping[str, Any]], *, language: str) -> bytes:
    """Return the workbook to fill in; ``tables`` say their name, titles of rules, units and targets."""
    with Book(language) as book:
        sheet = book.sheet(SHEET, [(column.label, column.width) for column in WRITTEN], typed_as_text=AS_TEXT)
        book.numbers_only(sheet, WRITTEN, ROWS_MAX)
        book.one_of(sheet, WRITTEN.index(VERIFIED), book.said(YES_NO).split("|"), ROWS_MAX)
        book.one_of(sheet, WRITTEN.index(LEVEL), [book.said(each) for each in LEVELS.values()], ROWS_MAX)
        names = book.sheet(TABLES, TABLE_COLUMNS)
        for row, table in enumerate(tables, start=1):
            targets = ", ".join(book.said(TARGETS[each]) for each in TARGETS if each in table["targets"])
            titles = ", ".join(book.said(each) for each in table["titles"])
            for place, text in enumerate((table["name"], titles, ", ".join(table["units"]), targets)):
                book.write(names, row, place, text)
        book.guide(GUIDE_LINES, rows=ROWS_MAX)
    return book.content


def csv_template() -> bytes:
    """Return the head of a CSV file to fill in, with the mark by which Excel knows UTF-8."""
    out = io.StringIO()
    csv.writer(out).writerow([column.id for column in WRITTEN])
    return out.getvalue().encode("utf-8-sig")


def export(rows: Sequence[Mapping[str, Any]], *, language: str) -> bytes:
    """Return the workbook of limits, which an import reads again; ``rows`` have the values by column."""
    with Book(language) as book:
        yes, no = book.said(YES_NO).split("|")
        sheet = book.sheet(SHEET, [(column.label, column.width) for column in EXPORTED], typed_as_text=AS_TEXT)
        for number, row in enumerate(rows, start=1):
            for place, column in enumerate(EXPORTED):
                value = row[column.id]
                if isinstance(value, bool):
                    value = yes if value else no
                elif column is LEVEL and value is not None:
                    value = book.said(LEVELS[value])
                elif column is STATE:
                    value = book.said(STATES[value])
                book.write(sheet, number, place, value, digits=_digits(value) if column is VALUE else None)
    return book.content


def _digits(value: float) -> int:
    """Return as many decimals as a value has, so that what is read again is what stood there."""
    text = f"{value:.6f}".rstrip("0")
    return len(text.partition(".")[2])
