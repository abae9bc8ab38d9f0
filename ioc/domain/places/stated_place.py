"""Where a body says that its sender is, before anything else of it is known. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from ioc.domain.places.location import LAT_MAX, LON_MAX


def stated_place(body: bytes) -> tuple[float, float] | None:
    """Return the latitude and longitude that a body, or the last event of an array, names; None: it names none."""
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if isinstance(found, list) and found:
        found = found[-1]
    if not isinstance(found, dict):
        return None
    lat, lon = _degrees(found.get("lat"), LAT_MAX), _degrees(found.get("lon"), LON_MAX)
    return None if lat is None or lon is None else (lat, lon)


def _degrees(value: Any, limit: float) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and -limit <= value <= limit else None
