"""Sheets of a lookup table that people fill in or take away: the template and its rows, as workbook or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ioc.domain.dated.row import RowState
from ioc.domain.feed import Label
from ioc.domain.lookups.table import ColumnType, LookupTable
from ioc.lookups.columns import exported, written
from ioc.sheets.row_plan import ROWS_MAX
from ioc.sheets.table import Column
from ioc.sheets.workbook import Book

GUIDE_LINES = (
    Label("Mỗi dòng là những gì biết về một mã, từ ngày đầu đến ngày cuối. Một tệp có tối đa {rows} dòng.",
          "Each row is what is known of one key, from a first day to a last. A file has at most {rows} rows."),
    Label("Cùng mã và ngày đầu với dòng đang có thì thay cả dòng đó; ngày đầu khác là dòng mới.",
          "With the key and first day of a row that stands it takes its place; else it is a new row."),
    Label("Không ghi tên, số điện thoại, số định danh, địa chỉ hay bất cứ điều gì của một cá nhân.",
          "Never a name, a telephone, an identity number, an address or anything else of a natural person."),
    Label("Ngày viết như 31/12/2027; để trống là không giới hạn. Đã đối chiếu: có khi đã đọc trong văn bản.",
          "Days as 31/12/2027; empty is always. Verified: true once somebody has read it in the text."),
    Label("Tệp được kiểm tra từng ô; chỉ cần một ô lỗi thì chưa ghi gì. Sau khi nhập vẫn hoàn tác được cả tệp.",
          "The file is checked cell by cell; with a single fault nothing is written. An import can be undone."),
)  # fmt: skip
SHEET = Label("Tra cứu", "Rows")
YES_NO = Label("có|không", "true|false")
STATES: Mapping[str, Label] = {
    RowState.HOLDS: Label("đang hiệu lực", "holds"), RowState.REPLACED: Label("đã có dòng mới hơn", "replaced"),
    RowState.COMING: Label("chưa đến ngày", "not yet"), RowState.ENDED: Label("đã hết hạn", "ended"),
}  # fmt: skip
DIGITS_MAX = 6


def template(table: LookupTable, *, language: str) -> bytes:
    """Return the workbook to fill in."""
    columns = written(table)
    with Book(language) as book:
        sheet = _sheet(book, columns)
        book.numbers_only(sheet, columns, ROWS_MAX)
        names = [column.id for column in columns]
        book.one_of(sheet, names.index("verified"), book.said(YES_NO).split("|"), ROWS_MAX)
        for column in table.columns:
            if column.type is ColumnType.WORD:
                words = [book.said(word) for word in column.words.values()]
                if not any("," in word for word in words):  # the file format's own mark between two of a list
                    book.one_of(sheet, names.index(column.id), words, ROWS_MAX)
        book.guide(GUIDE_LINES, rows=ROWS_MAX)
    return book.content


def csv_template(table: LookupTable) -> bytes:
    """Return the head of a CSV file to fill in, with the mark by which Excel knows UTF-8."""
    out = io.StringIO()
    csv.writer(out).writerow([column.id for column in written(table)])
    return out.getvalue().encode("utf-8-sig")


def export(table: LookupTable, rows: Sequence[Mapping[str, Any]], *, language: str) -> bytes:
    """Return the workbook of rows, which an import reads again; ``rows`` have the values by column."""
    columns = exported(table)
    with Book(language) as book:
        yes, no = book.said(YES_NO).split("|")
        sheet = _sheet(book, columns)
        for number, row in enumerate(rows, start=1):
            for place, column in enumerate(columns):
                value, own = row.get(column.id), table.column(column.id)
                if isinstance(value, bool):
                    value = yes if value else no
                elif column.id == "state":
                    value = book.said(STATES[str(value)])
                elif own is not None and own.type is ColumnType.WORD and value in own.words:
                    value = book.said(own.words[str(value)])
                book.write(sheet, number, place, value, digits=_digits(value) if column.numeric else None)
    return book.content


def _sheet(book: Book, columns: Sequence[Column]) -> Any:
    typed = [column.label for column in columns if not column.numeric]
    return book.sheet(SHEET, [(column.label, column.width) for column in columns], typed_as_text=typed)


def _digits(value: Any) -> int:
    """Return as many decimals as a value has, so that what is read again is what stood there."""
    if not isinstance(value, int | float):
        return 0
    return len(f"{value:.{DIGITS_MAX}f}".rstrip("0").partition(".")[2])
