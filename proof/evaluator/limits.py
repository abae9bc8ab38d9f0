"""Which limit of a table a key is held against on a day, for the independent evaluator.

Written from docs/rules.md alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proof.evaluator.keys import Key
from proof.evaluator.log_state import LogState
from proof.evaluator.rules import Level, local


def limit_of(state: LogState, key: Key, level: Level, at: int) -> float | None:
    """Return what the name `limit` stands for: a limit of the table, else the rule's own."""
    day = local(at, state.zone).date().isoformat()
    named = [(name, row) for name, row in state.limits.items() if row["name"] == level.table and holds(row, day)]
    for what, target in targets(state, key):
        own = [(name, row) for name, row in named if target is not None and row.get(what) == target]
        for severity in (level.severity, None):
            found = [(first_day(row), last_day(row), name) for name, row in own if row.get("level") == severity]
            if found:
                return float(state.limits[max(found)[2]]["value"])
    return key.rule.limit(level, at, state.zone)


def holds(row: Mapping[str, Any], day: str) -> bool:
    """Tell whether a limit is valid on a day; its last day is one of them."""
    return first_day(row) <= day <= last_day(row)


def first_day(row: Mapping[str, Any]) -> str:
    """Return the day from which a limit is valid; before all days without one."""
    return row.get("valid_from") or ""


def last_day(row: Mapping[str, Any]) -> str:
    """Return the last day of a limit; after all days without one."""
    return row.get("valid_to") or "9999-12-31"


def targets(state: LogState, key: Key) -> list[tuple[str, Any]]:
    """Return what the limit of a key may be of, the most particular first: what all its events have in common."""
    by, place = set(key.rule.by), key.place
    found: list[tuple[str, Any]] = []
    if by & {"device", "event"}:
        device = place.get("device")
        known = state.registry.devices.get(str(device)) or {}
        found += [("device", device), ("class", known.get("device_class"))]
    if by & {"device", "event", "area"}:
        found.append(("area", place.get("area")))
    if by & {"device", "event", "area", "zone"}:
        found.append(("area", place.get("zone")))
    return found
