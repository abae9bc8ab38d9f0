"""The JSON of how a device itself is: battery, signal, firmware, each with its time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.domain.feed import DeviceHealth, FeedSpec
from ioc.domain.moment import format_time


def device_health(row: Mapping[str, Any], spec: FeedSpec | None, *, masked: bool) -> dict[str, Any] | None:
    """Return what a device told of itself last; null where nothing. A masked reader gets numbers alone."""
    told: dict[str, Any] = {}
    for kind in DeviceHealth:
        field = spec.fields.get(row[f"{kind}_field"] or "") if spec is not None else None
        told[kind.value] = None
        if field is not None and _is_told(kind, row[f"{kind}_value"], masked=masked):
            value, at = row[f"{kind}_value"], format_time(row[f"{kind}_at"])
            told[kind.value] = {"value": value, "unit": field.unit, "at": at}
    return told if any(told.values()) else None


def _is_told(kind: DeviceHealth, value: object, *, masked: bool) -> bool:
    """Tell whether a value is one of its kind: a field that was another before the pack changed has older ones."""
    if kind is DeviceHealth.FIRMWARE:
        return isinstance(value, str) and not masked
    return isinstance(value, int | float) and not isinstance(value, bool)
