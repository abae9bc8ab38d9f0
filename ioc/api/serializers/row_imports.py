"""Imports of dated rows as JSON: what a sheet would change, and what one has changed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ioc.api.serializers.indicators import fault, label
from ioc.api.serializers.nouns import JSONObject, moment
from ioc.domain.dated.row import DatedRow
from ioc.sheets.cells import shown
from ioc.sheets.row_plan import KnownRow, PlannedRow, RowPlan, RowT
from ioc.sheets.table import CellFault, RowOutcome

ITEMS_MAX = 500
"""Rows of a preview that are told; the counts are always of all."""
ORDER = (RowOutcome.FAULTY, RowOutcome.CHANGED, RowOutcome.NEW, RowOutcome.UNCHANGED)


def one_import(row: Mapping[str, Any]) -> JSONObject:
    """Return an import."""
    plain = (
        "id", "number", "state", "version", "file_name", "new_count", "changed_count", "unchanged_count", "why",
        "sent_by", "undone_by", "reason",
    )  # fmt: skip
    return {
        **{name: row[name] for name in plain},
        **{name: None if row[name] is None else moment(row[name]) for name in ("sent_at", "undone_at")},
    }


def whole_import(
    row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], told: Callable[[Mapping[str, Any]], JSONObject]
) -> JSONObject:
    """Return an import with its rows, each as ``told`` has what an entry keeps."""
    rows = [
        {
            "id": line["row_id"],
            "row": told(line["body"]),
            "before": None if line["before"] is None else told(line["before"]),
        }
        for line in lines
    ]
    return {**one_import(row), "rows": rows}


def faults(found: Sequence[CellFault], language: str) -> list[Mapping[str, str]]:
    """Return faults as a problem names them, in the caller's language."""
    return [
        {
            "field": one.place or one.column or "sheet",
            "code": one.code,
            "message": one.message.vi if language == "vi" else one.message.en,
        }
        for one in found
    ]


def preview(plan: RowPlan[RowT], known: Mapping[str, KnownRow[RowT]]) -> JSONObject:
    """Return what an import would do, row by row, with every fault of it; ``known`` are the rows as they stand."""
    used = {name for each in plan.rows for name in each.sheet.cells}
    rows = sorted(plan.rows, key=lambda each: (ORDER.index(each.outcome), each.sheet.number))
    return {
        "rows": len(plan.rows),
        "new_count": plan.count(RowOutcome.NEW),
        "changed_count": plan.count(RowOutcome.CHANGED),
        "unchanged_count": plan.count(RowOutcome.UNCHANGED),
        "fault_count": plan.fault_count,
        "faults": [fault(each) for each in plan.faults],
        "columns": [{"id": column.id, "label": label(column.label)} for column in plan.columns if column.id in used],
        "items": [_row(each, plan, known) for each in rows[:ITEMS_MAX]],
    }


def _row(planned: PlannedRow[RowT], plan: RowPlan[RowT], known: Mapping[str, KnownRow[RowT]]) -> JSONObject:
    made: DatedRow | None = planned.made
    old = None if made is None else known.get(made.id)
    flat = {} if old is None else plan.flat(old.row)
    before = {name: flat.get(name) for name in planned.columns}
    return {
        "row": planned.sheet.number,
        "made": None if made is None else made.id,
        "outcome": planned.outcome,
        "cells": {name: shown(cell.value) for name, cell in planned.sheet.cells.items() if cell.value is not None},
        "changed": list(planned.columns),
        "before": {
            name: str(value).lower() if isinstance(value, bool) else shown(value)
            for name, value in before.items()
            if value is not None
        },
    }
