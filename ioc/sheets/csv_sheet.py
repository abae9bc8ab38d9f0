"""A CSV file as rows of plain values: UTF-8 or what Excel calls Unicode text, whichever sign stands between cells."""

from __future__ import annotations

import csv
import io
from collections import Counter

from ioc.errors import BodyTooLargeError, UnreadableBodyError
from ioc.sheets.sheet import FILE_BYTES_MAX, WORDS, SheetBounds, Value

SEPARATORS = "\t;,"
"""A spreadsheet whose decimal sign is the comma, as in Vietnam, writes semicolons. Of as many the first counts: a comma
stands in names, too."""
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
HEAD_CHARS_MAX = 4_000
TEXT_CHARS_MAX = 1_000


def read_csv(body: bytes, bounds: SheetBounds) -> list[list[Value]]:
    """Return the rows of a CSV file, each with the cells that it has; an empty line is a row without cells.

    Raises:
        BodyTooLargeError: it has more bytes, rows or columns than are taken.
        UnreadableBodyError: it is not Unicode, or its quotes do not close.
    """
    if len(body) > FILE_BYTES_MAX:
        raise BodyTooLargeError(f"a file has at most {FILE_BYTES_MAX >> 20} MiB")
    try:
        text = body.decode("utf-16" if body.startswith(UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableBodyError(
            "the file is not UTF-8: save it as “CSV UTF-8” and send it again", code="not_utf8"
        ) from error
    rows: list[list[Value]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    try:
        for row in reader:
            if len(rows) >= bounds.rows_max:
                raise BodyTooLargeError(WORDS["too_many_rows"])
            if len(row) > bounds.columns_max:
                raise BodyTooLargeError(WORDS["too_many_columns"])
            rows.append([_plain(cell) for cell in row])
    except csv.Error as error:
        message = f"line {reader.line_num} cannot be read as CSV: check its quotes"
        raise UnreadableBodyError(message, code="damaged") from error
    return rows


def _separator(text: str) -> str:
    """Return what stands between cells: of the signs that may, the one that is most often in the first lines."""
    head = Counter(text[:HEAD_CHARS_MAX].split("\n", 1)[0])
    return max(SEPARATORS, key=lambda sign: head[sign])


def _plain(cell: str) -> Value:
    return cell.replace("\x00", "")[:TEXT_CHARS_MAX].strip() or None
