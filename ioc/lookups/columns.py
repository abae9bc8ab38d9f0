"""The columns of a sheet of a lookup table: its key, its own, and those that every one has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ioc.domain.lookups.row import LookupRow
from ioc.domain.lookups.table import KEY_CHARS_MAX, STANDARD, VALUE_CHARS_MAX, ColumnType, LookupColumn, LookupTable
from ioc.domain.search import words_of
from ioc.sheets.cells import shown
from ioc.sheets.readers import CellError, as_text, day, number, text, yes
from ioc.sheets.table import Column

KEY = "key"
WIDTHS: Mapping[str, int] = {
    "source": 40, "verified": 14, "valid_from": 14, "valid_to": 14, "name": 34, "state": 20,
}  # fmt: skip
WRITTEN, READ = ("source", "verified", "valid_from", "valid_to"), ("name", "state")
PASSED_OVER = frozenset(STANDARD) - set(WRITTEN)
"""Columns that are there to be read, or that people number their rows by."""


def written(table: LookupTable) -> tuple[Column, ...]:
    """Return the columns that an import reads."""
    return (
        Column(KEY, table.key_label, needed=True, width=24),
        *(_own(column) for column in table.columns),
        *(_standard(name) for name in WRITTEN),
    )


def exported(table: LookupTable) -> tuple[Column, ...]:
    """Return the columns of an export."""
    return (*written(table), *(_standard(name) for name in READ))


def known(table: LookupTable) -> tuple[Column, ...]:
    """Return all columns that a sheet may have."""
    return (*written(table), *(_standard(name) for name in sorted(PASSED_OVER)))


def flat(row: LookupRow) -> Mapping[str, Any]:
    """Return the values of a row by column."""
    entry = row.entry()
    return {**entry["data"], **{name: entry[name] for name in (KEY, *WRITTEN)}}


def readers(table: LookupTable) -> Mapping[str, Callable[[object], Any]]:
    """Return what reads the cells of each column; each raises :class:`CellError`."""
    return {
        KEY: partial(text, most=KEY_CHARS_MAX), "source": partial(text, most=VALUE_CHARS_MAX), "verified": yes,
        "valid_from": day, "valid_to": day, **{column.id: _reader(column) for column in table.columns},
    }  # fmt: skip


def _own(column: LookupColumn) -> Column:
    is_number = column.type is ColumnType.NUMBER
    return Column(column.id, column.label, needed=column.needed, width=14 if is_number else 28, numeric=is_number)


def _standard(name: str) -> Column:
    return Column(name, STANDARD[name], needed=name == "source", width=WIDTHS.get(name, 10))


def _reader(column: LookupColumn) -> Callable[[object], Any]:
    if column.type is ColumnType.NUMBER:
        return number
    if column.type is ColumnType.DATE:
        return lambda value: day(value).isoformat()
    if column.type is ColumnType.WORD:
        return partial(_word, column)
    return partial(text, most=VALUE_CHARS_MAX)


def _word(column: LookupColumn, value: object) -> str:
    asked = words_of(as_text(value))
    for code, said in column.words.items():
        if asked and asked in (words_of(code), words_of(said.vi), words_of(said.en)):
            return code
    vi = ", ".join(said.vi for said in column.words.values())
    en = ", ".join(said.en for said in column.words.values())
    raise CellError("unknown_word", f"'{shown(value)}': viết một trong {vi}", f"'{shown(value)}': write one of {en}")
