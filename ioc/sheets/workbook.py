"""A workbook that people fill in or take away, in one language. Text is text, never a formula."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from typing import Any, Self

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from ioc.domain.feed import Label
from ioc.sheets.table import Column

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""What a formula begins with once somebody edits the cell or saves the sheet as CSV: marked as text for good."""
LIST_CHARS_MAX = 255
"""As long a list the file format takes."""
GUIDE = Label("Hướng dẫn", "Guide")


class Book:
    """A workbook in memory, in one language."""

    def __init__(self, language: str) -> None:
        self.content = b""
        self._language = language
        self._out = io.BytesIO()
        # Nothing that is written turns into a formula, a link or a number by how it looks.
        self._book = Workbook(self._out, {
            "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        })  # fmt: skip
        self._head = self._book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._text = self._book.add_format({"num_format": "@"})
        self._quoted = self._book.add_format({"num_format": "@", "quote_prefix": True})
        self._numbers: dict[int, Format] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._book.close()
        self.content = self._out.getvalue()

    def said(self, label: Label) -> str:
        """Return a label in the workbook's language."""
        return label.vi if self._language == "vi" else label.en

    def sheet(
        self, name: Label, columns: Sequence[tuple[Label, int]], *, typed_as_text: Collection[Label] = ()
    ) -> Worksheet:
        """Return a new sheet with its head; what is typed under ``typed_as_text`` stays as it is typed."""
        sheet = self._book.add_worksheet(self.said(name))
        for place, (label, width) in enumerate(columns):
            # A spreadsheet would turn `10/2026` into a date and `04795` into a number.
            sheet.set_column(place, place, width, self._text if label in typed_as_text else None)
            sheet.write_string(0, place, self.said(label), self._head)
        sheet.freeze_panes(1, 0)
        return sheet

    def numbers_only(self, sheet: Worksheet, columns: Sequence[Column], rows_max: int) -> None:
        """Let the spreadsheet program itself refuse text where a number belongs."""
        for place, column in enumerate(columns):
            if column.is_number:
                rule = {"validate": "decimal", "criteria": "between", "minimum": -1e15, "maximum": 1e15}
                sheet.data_validation(1, place, rows_max, place, rule)

    def one_of(self, sheet: Worksheet, place: int, values: Sequence[str], rows_max: int) -> None:
        """Let the spreadsheet program offer the values of a column, and refuse others."""
        if sum(map(len, values)) + len(values) <= LIST_CHARS_MAX:
            sheet.data_validation(1, place, rows_max, place, {"validate": "list", "source": list(values)})

    def guide(self, lines: Sequence[Label], **said: object) -> None:
        """Add the sheet that says how the other is filled in."""
        sheet = self.sheet(GUIDE, [(GUIDE, 110)])
        for row, line in enumerate(lines, start=1):
            self.write(sheet, row, 0, self.said(line).format(**said))

    def write(self, sheet: Worksheet, row: int, place: int, value: Any, *, digits: int | None = None) -> None:
        """Write one value: a number as a number, anything else as text that no program runs."""
        if value is None:
            return
        if isinstance(value, int | float) and not isinstance(value, bool):
            sheet.write_number(row, place, value, self._number(2 if digits is None else digits))
        else:
            text = str(value)
            sheet.write_string(row, place, text, self._quoted if text.startswith(DANGEROUS) else self._text)

    def _number(self, digits: int) -> Format:
        if digits not in self._numbers:
            zeros = f".{'0' * digits}" if digits else ""
            self._numbers[digits] = self._book.add_format({"num_format": f"#,##0{zeros}"})
        return self._numbers[digits]
