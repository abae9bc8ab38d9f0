"""What a sheet of a lookup table would change, row by row, with every fault at its cell.

A row of the same key and first day as one that stands takes its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ioc.domain.feed import Label
from ioc.domain.lookups.row import LookupRow
from ioc.domain.lookups.table import LookupTable
from ioc.lookups.check import fault_of, make_row
from ioc.lookups.columns import KEY, WRITTEN, flat, readers, written
from ioc.sheets.row_plan import RowCheck, RowPlan, fill_plan
from ioc.sheets.table import CellFault, SheetRow, SheetTable

NO_ROWS = Label("không có dòng nào", "there is no row")
TWICE = Label("dòng này đã có ở dòng {n}: cùng mã và ngày đầu", "it stands in row {n}: the same key and first day")


def plan_rows(sheet: SheetTable, table: LookupTable, devices: Mapping[str, str]) -> RowPlan[LookupRow]:
    """Return the rows of a sheet, with every fault; ``devices`` are those registered, with their feeds."""
    columns, cells = written(table), readers(table)
    needed = [column.id for column in columns if column.needed]

    def read(row: SheetRow) -> tuple[LookupRow | None, Sequence[CellFault]]:
        check = RowCheck(row, cells, first=KEY)
        values = {column.id: check.cell(column.id) for column in columns}
        check.missing(needed)
        check.days(values["valid_from"], values["valid_to"])
        if check.faults:
            return None, check.faults
        made = make_row(
            table, key=values[KEY], data={name: values[name] for name in values if name not in (KEY, *WRITTEN)},
            source=values["source"], verified=bool(values["verified"]), valid_from=values["valid_from"],
            valid_to=values["valid_to"],
        )  # fmt: skip
        check.hold(fault_of(made, table, devices=devices))
        return made, check.faults

    return fill_plan(RowPlan(columns=columns, flat=flat), sheet, read, no_rows=NO_ROWS, twice=TWICE)
