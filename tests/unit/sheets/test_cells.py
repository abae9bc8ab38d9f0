"""Cells as people type them: numbers of Vietnam, and nothing guessed."""

from __future__ import annotations

import pytest

from ioc.sheets.cells import column_letters, read_number


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        (5, 5.0), (1.25, 1.25), ("12,5", 12.5), ("12.5", 12.5), ("1 234", 1234.0), ("1.234.567", 1234567.0),
        ("1.234,5", 1234.5), ("-3", -3.0), ("0,125", 0.125), ("1.234", None), ("1,234", None), ("mười", None),
        ("1e5", None), ("=1+1", None), ("", None), (True, None), (float("nan"), None), (None, None),
    ],
)  # fmt: skip
def test_a_number_is_read_as_it_is_meant_or_not_at_all(typed: object, number: float | None):
    assert read_number(typed) == number


def test_columns_have_the_letters_of_spreadsheets():
    assert [column_letters(number) for number in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
