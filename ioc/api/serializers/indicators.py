"""Indicators and their imports as JSON."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ioc.api.serializers.nouns import JSONObject, moment
from ioc.domain.feed import Label
from ioc.domain.indicators.indicator import Figure, Indicator
from ioc.indicators.check import Checked, FigureRow
from ioc.indicators.standing import Standing, late_periods
from ioc.sheets.cells import shown
from ioc.sheets.table import CellFault, Column, SheetTable

Figures = Mapping[tuple[str, str], Figure]


def label(text: Label) -> JSONObject:
    """Return a text in both languages."""
    return {"vi": text.vi, "en": text.en}


def standing(stands: Standing) -> JSONObject:
    """Return how an indicator stands in a period."""
    names = (
        "plan", "actual", "achievement_pct", "met", "cumulative_plan", "cumulative_actual", "year_plan", "year_pct",
        "due_pct", "last_year", "yoy_change", "yoy_pct", "late",
    )  # fmt: skip
    return {
        "period": stands.period.code,
        "due_on": stands.due_day.isoformat(),
        **{name: getattr(stands, name) for name in names},
    }


def indicator(one: Indicator, figures: Mapping[str, Figure], stands: Standing, today: date) -> JSONObject:
    """Return an indicator and how it stands; ``figures`` are its own by period."""
    figure = figures.get(stands.period.code)
    return {
        "code": one.code,
        "label": label(one.label),
        "unit": one.unit,
        "digits": one.digits,
        "domain": one.domain,
        "agency": {"id": one.agency.id, "name": label(one.agency.name)},
        "feed": one.feed,
        "area": one.area,
        "zone": one.zone,
        "period_kind": one.period_kind,
        "direction": one.direction,
        "accumulates": one.accumulates,
        "standing": standing(stands),
        "late_periods": [period.code for period in late_periods(one, figures, today)],
        "changed_at": None if figure is None else moment(figure.changed_at),
        "changed_by": None if figure is None else figure.changed_by,
    }


def figure(stands: Standing, known: Figure, brought: Mapping[str, Any] | None) -> JSONObject:
    """Return one period of an indicator; ``brought`` is the import that wrote it last."""
    return {
        **standing(stands),
        "extra": dict(known.extra),
        "event": None if known.event is None else known.event.hex(),
        "changed_at": moment(known.changed_at),
        "changed_by": known.changed_by,
        "sent_by": None if brought is None else brought["sent_by"],
        "approved_by": None if brought is None else brought["decided_by"],
    }


def one_import(row: Mapping[str, Any]) -> JSONObject:
    """Return an import."""
    plain = (
        "id",
        "number",
        "state",
        "version",
        "file_name",
        "row_count",
        "sent_by",
        "decided_by",
        "undone_by",
        "reason",
    )
    moments = ("sent_at", "decided_at", "undone_at")
    return {
        **{name: row[name] for name in plain},
        **{name: None if row[name] is None else moment(row[name]) for name in moments},
    }


def import_row(row: FigureRow, before: Mapping[str, Any] | None) -> JSONObject:
    """Return a row of an import with what stands, or stood, in its place."""
    return {
        "row": row.number,
        "indicator": row.indicator,
        "period": row.period.code,
        "plan": row.plan,
        "actual": row.actual,
        "extra": dict(row.extra),
        "plan_before": None if before is None else before["plan"],
        "actual_before": None if before is None else before["actual"],
    }


def fault(one: CellFault) -> JSONObject:
    """Return a fault of a cell."""
    return {
        "cell": one.place, "row": one.row, "column": one.column, "code": one.code, "message": label(one.message),
    }  # fmt: skip


def preview(sheet: SheetTable, checked: Checked, columns: Sequence[Column], figures: Figures) -> JSONObject:
    """Return what a sheet would bring, row by row, with every fault of it."""
    passed = {row.number: row for row in checked.rows}
    used = {name for row in sheet.rows for name in row.cells}
    items = []
    for row in sheet.rows:
        made = passed.get(row.number)
        known = None if made is None else figures.get((made.indicator, made.period.code))
        items.append(
            {
                "row": row.number,
                "cells": {name: shown(cell.value) for name, cell in row.cells.items() if cell.value is not None},
                "indicator": None if made is None else made.indicator,
                "period": None if made is None else made.period.code,
                "plan_before": None if known is None else known.plan,
                "actual_before": None if known is None else known.actual,
                "ok": made is not None,
            }
        )
    return {
        "rows": len(sheet.rows),
        "valid_rows": len(checked.rows),
        "fault_count": checked.fault_count,
        "faults": [fault(each) for each in checked.faults],
        "unread_columns": [str(cell.value)[:60] for cell in sheet.unread],
        "columns": [{"id": column.id, "label": label(column.label)} for column in columns if column.id in used],
        "items": items,
    }
