"""Imports of devices as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from ioc.api.serializers.indicators import fault, label
from ioc.api.serializers.nouns import JSONObject, moment
from ioc.domain.device import Device
from ioc.registration.columns import PASSED_OVER, WRITTEN
from ioc.registration.plan import ImportPlan, PlannedDevice
from ioc.sheets.cells import shown
from ioc.sheets.table import RowOutcome

ITEMS_MAX = 500
"""Rows of a preview that are told; the counts are always of all."""
ORDER = (RowOutcome.FAULTY, RowOutcome.CHANGED, RowOutcome.NEW, RowOutcome.UNCHANGED)


def one_import(row: Mapping[str, Any]) -> JSONObject:
    """Return an import."""
    plain = (
        "id", "number", "state", "version", "file_name", "new_count", "changed_count", "unchanged_count", "sent_by",
        "undone_by", "reason",
    )  # fmt: skip
    return {
        **{name: row[name] for name in plain},
        **{name: None if row[name] is None else moment(row[name]) for name in ("sent_at", "undone_at")},
    }


def whole_import(row: Mapping[str, Any], devices: Sequence[Mapping[str, Any]]) -> JSONObject:
    """Return an import with its devices."""
    told = [{"id": each["device"], "new": each["new"], "columns": list(each["columns"])} for each in devices]
    return {**one_import(row), "devices": told}


def preview(plan: ImportPlan, devices: Mapping[str, Device]) -> JSONObject:
    """Return what an import would do, row by row, with every fault of it; ``devices`` are as they stand."""
    used = {name for each in plan.rows for name in each.row.cells} - PASSED_OVER
    rows = sorted(plan.rows, key=lambda each: (ORDER.index(each.outcome), each.row.number))
    return {
        "rows": len(plan.rows),
        "new_count": plan.count(RowOutcome.NEW),
        "changed_count": plan.count(RowOutcome.CHANGED),
        "unchanged_count": plan.count(RowOutcome.UNCHANGED),
        "fault_count": plan.fault_count,
        "faults": [fault(each) for each in plan.faults],
        "columns": [{"id": column.id, "label": label(column.label)} for column in WRITTEN if column.id in used],
        "items": [_row(each, devices) for each in rows[:ITEMS_MAX]],
    }


def _row(planned: PlannedDevice, devices: Mapping[str, Device]) -> JSONObject:
    cells = planned.row.cells.items()
    known = devices.get(planned.device) if planned.device is not None else None
    changed = list(planned.columns) if planned.outcome is RowOutcome.CHANGED else []
    before = {} if known is None else {name: _value(known, name) for name in changed}
    return {
        "row": planned.row.number,
        "device": planned.device,
        "outcome": planned.outcome,
        "cells": {name: shown(cell.value) for name, cell in cells if cell.value is not None},
        "changed": changed,
        "before": {name: shown(value) for name, value in before.items() if value is not None},
    }


def _value(device: Device, column: str) -> object:
    if column in ("name_vi", "name_en"):
        return device.name.vi if column == "name_vi" else device.name.en
    value = getattr(device, column)
    return str(value).lower() if isinstance(value, bool) else value
