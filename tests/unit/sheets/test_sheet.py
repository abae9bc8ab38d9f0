"""A stranger's file: what people send is read, and what would break the reader ends in a process of its own."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime

import pytest
from xlsxwriter import Workbook

from ioc.errors import BodyTooLargeError, IOCError, QueueFullError, UnreadableBodyError
from ioc.sheets.sheet import FILE_BYTES_MAX, SheetBounds, SheetReader


def workbook() -> bytes:
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet()
    sheet.write_string(0, 0, "  Mã ")
    sheet.write_number(1, 1, 1.5)
    sheet.write_string(2, 0, "=cmd()")
    sheet.write_datetime(3, 1, datetime(2026, 10, 1), book.add_format({"num_format": "mm/yyyy"}))  # noqa: DTZ001 - a cell has no zone
    book.close()
    return out.getvalue()


def with_part(name: str, change: bytes | tuple[bytes, bytes]) -> bytes:
    """Return the workbook with one part replaced, or a text in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for part in given.infolist():
            content = given.read(part)
            if part.filename == name:
                content = change if isinstance(change, bytes) else content.replace(*change)
            made.writestr(part.filename, content)
    return out.getvalue()


def far(cell: str, row: int) -> bytes:
    text = f'<row r="{row}"><c r="{cell}"><v>1</v></c></row></sheetData>'.encode()
    return with_part("xl/worksheets/sheet1.xml", (b"</sheetData>", text))


async def test_cells_come_as_plain_values_from_the_first_one_on():
    rows = await SheetReader(SheetBounds(20, 5)).read(workbook())
    assert rows == [["Mã", None], [None, 1.5], ["=cmd()", None], [None, date(2026, 10, 1)]]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"hello", UnreadableBodyError, "no .xlsx"),
        (b"", UnreadableBodyError, "no .xlsx"),
        (workbook()[:2_000], UnreadableBodyError, "no .xlsx"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"0" * 900, UnreadableBodyError, "password"),
        (with_part("xl/worksheets/sheet1.xml", b"<nothing"), UnreadableBodyError, "cannot be read"),
        (with_part("xl/sharedStrings.xml", b" " * (200 << 20)), BodyTooLargeError, "unpacked"),
        (far("A21", 21), BodyTooLargeError, "rows"),
        (far("F2", 5), BodyTooLargeError, "columns"),
        (far("XFD1048576", 1_048_576), UnreadableBodyError, "cannot be read"),
        (b"x" * (FILE_BYTES_MAX + 1), BodyTooLargeError, "2 MiB"),
    ],
    ids=["text", "empty", "cut", "password", "damaged", "bomb", "row", "column", "far end", "large"],
)
async def test_what_is_not_taken_is_told_apart_and_ends_nothing_else(body: bytes, kind: type[IOCError], words: str):
    reader = SheetReader(SheetBounds(20, 5))
    with pytest.raises(kind, match=words):
        await reader.read(body)
    assert len(await reader.read(workbook())) == 4, "the next file is read"


async def test_only_so_many_files_are_read_at_a_time():
    reader = SheetReader(SheetBounds(20, 5))
    reader._reading = 2
    with pytest.raises(QueueFullError, match="send it again"):
        await reader.read(workbook())
