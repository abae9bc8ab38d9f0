"""A table in a sheet: which cell is of which column, by what its head is called in either language; and its faults."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ioc.domain.feed import FieldSpec, FieldType, Label
from ioc.domain.search import words_of
from ioc.sheets.cells import column_letters, shown
from ioc.sheets.sheet import Value

HEAD_ROWS_MAX = 12
"""A title or two may stand above the head of the table."""
FAULTS_MAX = 1_000
"""As many faults are listed; their count is always the whole one."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``spec`` is the field of a feed that it fills, ``numeric`` of those without one: it holds numbers."""

    id: str
    label: Label
    needed: bool = False
    spec: FieldSpec | None = None
    width: int = 16
    numeric: bool = False

    @property
    def is_number(self) -> bool:
        """Whether its cells hold numbers."""
        if self.spec is not None:
            return self.spec.type in (FieldType.NUMBER, FieldType.INTEGER)
        return self.numeric


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: where it stands, as people say it (`C17`), and what is in it."""

    place: str
    value: Value


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row of the table by column; ``number`` is that of the row in its sheet."""

    number: int
    cells: dict[str, Cell]

    def value(self, column: str) -> Value:
        """Return what is in a column, None where the sheet has no such column or nothing is there."""
        cell = self.cells.get(column)
        return None if cell is None else cell.value


@dataclass(frozen=True, slots=True)
class SheetTable:
    """A table as it stands in its sheet.

    ``missing``: needed columns that it lacks; ``unread``: heads nobody knows; ``repeated``: heads of a column that has
    one already; ``ragged``: rows with more or fewer cells than the head, which only text files have.
    """

    rows: tuple[SheetRow, ...]
    missing: tuple[Column, ...] = ()
    unread: tuple[Cell, ...] = ()
    repeated: tuple[Cell, ...] = ()
    ragged: frozenset[int] = frozenset()


def read_table(
    rows: Sequence[Sequence[Value]], columns: Sequence[Column], *, given: Collection[str] = ()
) -> SheetTable:
    """Return the table of a sheet: below the first row that names its needed columns; empty rows are passed over.

    ``given``: columns that a template fills in itself: a row with nothing else says nothing.
    """
    by_words = {words_of(text): column for column in columns for text in (column.label.vi, column.label.en, column.id)}
    needed = [column for column in columns if column.needed]
    best: tuple[Column, ...] = tuple(needed)
    for index, row in enumerate(rows[:HEAD_ROWS_MAX]):
        heads = [by_words.get(words_of(cell)) if isinstance(cell, str) else None for cell in row]
        missing = tuple(column for column in needed if column not in heads)
        if missing:
            best = min(best, missing, key=len)
            continue
        named = [(place, Cell(f"{column_letters(place)}{index + 1}", cell)) for place, cell in enumerate(row)
                 if isinstance(cell, str)]  # fmt: skip
        body = list(enumerate(rows[index + 1 :], start=index + 2))
        return SheetTable(
            tuple(_table_rows(body, heads, given)),
            unread=tuple(cell for place, cell in named if heads[place] is None),
            repeated=tuple(cell for place, cell in named if heads[place] in heads[:place] and heads[place] is not None),
            ragged=frozenset(number for number, cells in body if cells and len(cells) != len(row)),
        )
    return SheetTable((), best)


def _table_rows(
    rows: Iterable[tuple[int, Sequence[Value]]], heads: Sequence[Column | None], given: Collection[str]
) -> Iterable[SheetRow]:
    for number, row in rows:
        cells: dict[str, Cell] = {}
        for place, (value, column) in enumerate(zip(row, heads, strict=False)):
            if column is not None and column.id not in cells:
                cells[column.id] = Cell(f"{column_letters(place)}{number}", value)
        if any(cell.value is not None for name, cell in cells.items() if name not in given):
            yield SheetRow(number, cells)


@dataclass(frozen=True, slots=True)
class CellFault:
    """What is wrong at one place; ``row`` and ``column`` say it for screens."""

    place: str
    row: int
    column: str
    code: str
    message: Label


class RowOutcome(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAULTY = "faulty"


@dataclass(slots=True)
class FaultList:
    """The faults of a sheet: as many as are listed, and the count of all."""

    faults: list[CellFault] = field(default_factory=list)
    fault_count: int = 0

    def note(self, found: Sequence[CellFault]) -> None:
        """Add faults, up to the bound on those that are listed."""
        self.fault_count += len(found)
        self.faults += found[: FAULTS_MAX - len(self.faults)]

    def note_missing(self, table: SheetTable) -> None:
        """Add a fault for each needed column that a table lacks."""
        for column in table.missing:
            vi, en = column.label.vi, column.label.en
            text = Label(f"thiếu cột “{vi}”: dùng tệp mẫu", f"no column “{en}”: use the template")
            self.note([CellFault("", 0, column.id, "missing_column", text)])

    def note_head(self, table: SheetTable, no_rows: Label) -> None:
        """Add what is wrong with the head of a table whose every column must be known, or that there is no row."""
        self.note_missing(table)
        self.note([_head_fault(cell, "unknown_column", "không có cột này: sửa tên theo tệp mẫu hoặc bỏ cột",
                               "there is no such column: name it as in the template, or take it out")
                   for cell in table.unread])  # fmt: skip
        self.note([_head_fault(cell, "repeated_column", "cột này có hai lần: bỏ một cột", "this column is there twice")
                   for cell in table.repeated])  # fmt: skip
        if not table.missing and not table.rows:
            self.note([CellFault("", 0, "", "no_rows", no_rows)])


def _head_fault(cell: Cell, code: str, vi: str, en: str) -> CellFault:
    said = shown(cell.value)
    return CellFault(cell.place, 0, "", code, Label(f"'{said}': {vi}", f"'{said}': {en}"))
