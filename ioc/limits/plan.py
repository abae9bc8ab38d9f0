"""What a sheet of limits would change, row by row, with every fault at its cell.

A row of the same table, level, device (or class, or area) and first day as one that stands takes its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ioc.domain.feed import Label
from ioc.domain.rules.limit_row import LimitRow
from ioc.limits.cells import READERS
from ioc.limits.columns import WRITTEN
from ioc.limits.tables import LimitTable, fault_of
from ioc.sheets.row_plan import RowCheck, RowPlan, fill_plan
from ioc.sheets.table import CellFault, SheetRow, SheetTable

NEEDED = ("name", "value", "source")
TARGETS = ("device", "class", "area")
NO_ROWS = Label("không có dòng giới hạn nào", "there is no row of a limit")
TWICE = Label("giới hạn này đã có ở dòng {n}: cùng bảng, mức, đối tượng và ngày đầu",
              "this limit stands in row {n}: the same table, level, target and first day")  # fmt: skip


@dataclass(frozen=True, slots=True)
class LimitReferences:
    """What rows are held against: the tables that rules ask for, devices with their feeds, classes and places."""

    tables: Mapping[str, LimitTable]
    devices: Mapping[str, str]
    classes: frozenset[str]
    areas: Sequence[str]
    zones: Sequence[str]


def plan_limits(table: SheetTable, around: LimitReferences) -> RowPlan[LimitRow]:
    """Return the limits of a sheet's rows, with every fault; what stands already is compared afterwards."""
    return fill_plan(RowPlan(columns=WRITTEN), table, lambda row: _read(row, around), no_rows=NO_ROWS, twice=TWICE)


def _read(row: SheetRow, around: LimitReferences) -> tuple[LimitRow | None, Sequence[CellFault]]:
    """Return the limit that a row says, None where it has faults of its own."""
    check = RowCheck(row, READERS, first="name")
    values = {column.id: check.cell(column.id) for column in WRITTEN}
    check.missing(NEEDED)
    given = [column for column in TARGETS if row.value(column) is not None]
    if len(given) != 1:
        check.fault(given[-1] if given else "device", "one_target",
                    "ghi đúng một trong ba: mã thiết bị, loại thiết bị hoặc mã địa bàn",
                    "it is of one device, of one class or of one area: give exactly one")  # fmt: skip
    check.days(values["valid_from"], values["valid_to"])
    if check.faults:
        return None, check.faults
    limit = _limit(values)
    check.hold(
        fault_of(
            limit, around.tables, devices=around.devices, classes=around.classes, areas=around.areas,
            zones=around.zones,
        )
    )  # fmt: skip
    return limit, check.faults


def _limit(values: Mapping[str, Any]) -> LimitRow:
    return LimitRow(
        name=values["name"], level=values["level"], device=values["device"], device_class=values["class"],
        area=values["area"], value=values["value"], unit=values["unit"] or "", source=values["source"],
        verified=bool(values["verified"]), valid_from=values["valid_from"], valid_to=values["valid_to"],
    )  # fmt: skip
