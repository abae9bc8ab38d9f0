"""CSV files as people have them: whatever sign stands between cells, and in bounds."""

from __future__ import annotations

import pytest

from ioc.errors import BodyTooLargeError, UnreadableBodyError
from ioc.sheets.csv_sheet import read_csv
from ioc.sheets.sheet import FILE_BYTES_MAX, SheetBounds

BOUNDS = SheetBounds(4, 3)
ROWS = [["Mã", "Tên, vị trí"], [], ["a", None]]


@pytest.mark.parametrize(
    "body",
    [
        'Mã,"Tên, vị trí"\n\na,\n'.encode(), "\ufeffMã;Tên, vị trí\r\n\r\na; \r\n".encode(),
        "Mã\tTên, vị trí\n\na\t\n".encode("utf-16"),
    ],
)  # fmt: skip
def test_commas_semicolons_and_tabs_in_unicode_are_read_alike(body: bytes):
    assert read_csv(body, BOUNDS) == ROWS


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ("Mã".encode("latin-1"), UnreadableBodyError, "CSV UTF-8"), (b'a,"b\n', UnreadableBodyError, "quotes"),
        (b'a,"b"c\n', UnreadableBodyError, "line 1"), (b"a\n" * 5, BodyTooLargeError, "rows"),
        (b"a,b,c,d\n", BodyTooLargeError, "columns"), (b"a" * (FILE_BYTES_MAX + 1), BodyTooLargeError, "MiB"),
        (b"a" * 200_000, UnreadableBodyError, "line"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_or_is_too_much_says_what_to_do(body: bytes, error: type[Exception], words: str):
    with pytest.raises(error, match=words):
        read_csv(body, BOUNDS)


def test_a_file_of_nothing_has_no_rows():
    assert read_csv(b"", BOUNDS) == []
