"""What a sheet of dated rows would change, row by row, with every fault at its cell.

A row of the same id as one that stands takes its place as a whole: an empty cell says that there is none. Nothing else
is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Generic, TypeVar

from ioc.domain.dated.row import DatedRow, RowFault
from ioc.domain.feed import Label
from ioc.sheets.readers import CellError
from ioc.sheets.table import CellFault, Column, FaultList, RowOutcome, SheetRow, SheetTable

ROWS_MAX = 5_000
RowT = TypeVar("RowT", bound=DatedRow)
RAGGED = Label("số ô khác dòng tiêu đề: đặt chữ có dấu phẩy trong ngoặc kép",
               "the row does not have the cells of the head: quote text that holds a comma")  # fmt: skip
Reader = Callable[[object], Any]
"""What reads the cells of a column; raises :class:`CellError`."""


@dataclass(frozen=True, slots=True)
class KnownRow(Generic[RowT]):
    """A row that stands, with its version."""

    row: RowT
    version: int


@dataclass(frozen=True, slots=True)
class PlannedRow(Generic[RowT]):
    """One row of the sheet: what it says, what becomes of it, and the columns that change."""

    sheet: SheetRow
    made: RowT | None
    outcome: RowOutcome
    columns: tuple[str, ...] = ()


@dataclass(slots=True)
class RowPlan(FaultList, Generic[RowT]):
    """What an import would do, and every fault that forbids it."""

    columns: tuple[Column, ...] = ()
    """Those that an import reads."""
    flat: Callable[[RowT], Mapping[str, Any]] = lambda row: row.entry()
    """The values of a row by column, JSON-ready."""
    rows: list[PlannedRow[RowT]] = field(default_factory=list)
    written: list[KnownRow[RowT]] = field(default_factory=list)
    """What is to stand, each with the version that it takes the place of; 0: it is new."""

    @property
    def ids(self) -> list[str]:
        """Return the ids of the rows that the sheet speaks of."""
        return [row.made.id for row in self.rows if row.made is not None]

    def count(self, outcome: RowOutcome) -> int:
        """Return how many rows come to this."""
        return sum(row.outcome is outcome for row in self.rows)

    def compare(self, known: Mapping[str, KnownRow[RowT]]) -> None:
        """Say of each row what becomes of it; ``known`` are the rows that stand, by id."""
        compared = [self._compared(row, known) for row in self.rows]
        self.rows[:] = compared

    def _compared(self, planned: PlannedRow[RowT], known: Mapping[str, KnownRow[RowT]]) -> PlannedRow[RowT]:
        made = planned.made
        if made is None:
            return planned
        old = known.get(made.id)
        if old is None:
            self.written.append(KnownRow(made, 0))
            return replace(planned, outcome=RowOutcome.NEW)
        before, after = self.flat(old.row), self.flat(made)
        columns = tuple(each.id for each in self.columns if before.get(each.id) != after.get(each.id))
        if not columns:
            return planned
        self.written.append(KnownRow(made, old.version))
        return replace(planned, outcome=RowOutcome.CHANGED, columns=columns)


def fill_plan(
    plan: RowPlan[RowT], table: SheetTable, read: Callable[[SheetRow], tuple[RowT | None, Sequence[CellFault]]], *,
    no_rows: Label, twice: Label,
) -> RowPlan[RowT]:  # fmt: skip
    """Fill a plan with a sheet's rows; what stands already is compared afterwards.

    ``read`` returns what a row says, with its faults. ``twice`` says of one that it is there already, in row ``{n}``.
    """
    plan.note_head(table, no_rows)
    if len(table.rows) > ROWS_MAX:
        text = Label(f"có hơn {ROWS_MAX} dòng: chia thành nhiều tệp", f"more than {ROWS_MAX} rows: send it in parts")
        plan.note([CellFault("", 0, "", "too_many_rows", text)])
        return plan
    first: dict[str, int] = {}
    for row in table.rows:
        name = plan.columns[0].id
        if row.number in table.ragged:
            plan.note([CellFault(row.cells[name].place, row.number, "", "ragged_row", RAGGED)])
            plan.rows.append(PlannedRow(row, None, RowOutcome.FAULTY))
            continue
        made, found = read(row)
        faults = list(found)
        if made is not None and first.setdefault(made.id, row.number) != row.number:
            said = {"n": str(first[made.id])}
            label = Label(twice.vi.format_map(said), twice.en.format_map(said))
            faults.append(CellFault(row.cells[name].place, row.number, name, "twice", label))
        plan.note(faults)
        faulty = bool(faults) or made is None
        plan.rows.append(
            PlannedRow(row, None if faulty else made, RowOutcome.FAULTY if faulty else RowOutcome.UNCHANGED)
        )
    return plan


class RowCheck:
    """The check of one row of a sheet: its cells as they are meant, and what is wrong with them."""

    def __init__(self, row: SheetRow, readers: Mapping[str, Reader], *, first: str) -> None:
        """``first`` is a needed column, whose cell stands for what has none."""
        self.faults: list[CellFault] = []
        self._row = row
        self._readers = readers
        self._first = first

    def fault(self, column: str, code: str, vi: str, en: str) -> None:
        """Note what is wrong in a column."""
        # A column that the sheet does not have has no cell: the row's first one stands for it.
        cell = self._row.cells.get(column) or self._row.cells[self._first]
        self.faults.append(CellFault(cell.place, self._row.number, column, code, Label(vi, en)))

    def missing(self, columns: Sequence[str]) -> None:
        """Note which of these columns have nothing."""
        for column in columns:
            if self._row.value(column) is None:
                self.fault(column, "missing", "thiếu: mỗi dòng cần ô này", "it is missing: each row needs it")

    def days(self, since: date | None, until: date | None) -> None:
        """Note that a last day is before the first."""
        if since is not None and until is not None and until < since:
            self.fault("valid_to", "ends_before", "ngày cuối trước ngày đầu", "its last day is before its first")

    def hold(self, found: RowFault | None) -> None:
        """Note what forbids the row as a whole."""
        if found is not None:
            self.fault(found.member, found.code, found.vi, found.told)

    def cell(self, column: str) -> Any:
        """Return what a cell means, None where there is nothing or it cannot be read, which is noted."""
        value = self._row.value(column)
        if value is None:
            return None
        try:
            return self._readers[column](value)
        except CellError as error:
            self.fault(column, error.code, error.message.vi, error.message.en)
            return None
