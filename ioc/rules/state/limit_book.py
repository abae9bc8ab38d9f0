"""Limits by device, class and area as the log has them: which one holds a level of a key on a day.

Worked through: the table `wastewater.cod` has 100 mg/l for the device plant-2 from 2026-12-01 on, and 120 mg/l for the
area 04924. A reading of plant-2 on 30 November is held against 120, one of 1 December against 100; plant-3 in that area
has 120 on both days, and a plant elsewhere the rule's own limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ioc.domain.alert import Limit
from ioc.domain.feed import Label
from ioc.rules.language.rule import EVENT, Level, Rule

LIMITS_MAX = 20_000
"""Limits of all tables; one more is not taken in, and counted."""
TARGETS = ("device", "class", "area")
"""What a limit may be of, the most particular first."""
BEGINNING = ""
END = "9999-12-31"


class DatedLimit(NamedTuple):
    """One limit of a table, from one day to another, both included. Of one day they stand in the order of levels."""

    valid_from: str
    level: str
    """The severity that it is for; empty: every level."""
    valid_to: str
    id: str
    limit: Limit


class LimitBook:
    """All limits by table, and what each is of."""

    __slots__ = ("_by_place", "_devices", "rows")

    def __init__(
        self, devices: Mapping[str, Mapping[str, Any]], rows: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        """``devices`` is what the registry says of each; it is looked at, never copied. ``rows``: of a snapshot."""
        self._devices = devices
        self.rows: dict[str, dict[str, Any]] = {}
        """As the log's entries have them, by id."""
        self._by_place: dict[str, list[DatedLimit]] = {}
        """By table and what it is of, the newest first."""
        for identifier, row in (rows or {}).items():
            self.put(identifier, row)

    def put(self, identifier: str, value: Mapping[str, Any] | None) -> bool:
        """Learn a limit in its newest form, or forget it; False where there is no room for one more."""
        before = self.rows.get(identifier)
        if before is None and value is not None and len(self.rows) >= LIMITS_MAX:
            return False
        if before is not None:
            del self.rows[identifier]
            place = place_of(before)
            self._by_place[place] = [one for one in self._by_place[place] if one.id != identifier]
        if value is not None:
            self.rows[identifier] = dict(value)
            limits = self._by_place.setdefault(place_of(value), [])
            limits.append(dated(identifier, value))
            limits.sort(key=newest_first, reverse=True)
        return True

    def limit(
        self, rule: Rule, level: Level, at_us: int, *, device: str, area: str | None, zone: str | None
    ) -> Limit | None:
        """Return the limit that a level of a key is held against at ``at_us``; None: none is valid on that day.

        ``device``, ``area`` and ``zone`` are where the key's newest event was.
        """
        if level.table is not None:
            day = rule.day_of(at_us)
            for target in self.targets(rule, device, area, zone):
                found = self.find(f"{level.table} {target}", level.severity.value, day)
                if found is not None:
                    return found
        return rule.limit_of(level, at_us)

    def find(self, place: str, severity: str, day: str) -> Limit | None:
        """Return the newest limit of a table and target that is valid on a day; one of the very level goes first."""
        general: Limit | None = None
        for one in self._by_place.get(place, ()):
            if one.valid_from <= day <= one.valid_to:
                if one.level == severity:
                    return one.limit
                if general is None and not one.level:
                    general = one.limit
        return general

    def targets(self, rule: Rule, device: str, area: str | None, zone: str | None) -> list[str]:
        """Return what a key's limits may be of, the most particular first: only what all its events have in common."""
        of_device = "device" in rule.by or EVENT in rule.by
        found = []
        if of_device:
            found.append(f"device {device}")
            known = self._devices.get(device)
            if known is not None and known.get("device_class") is not None:
                found.append(f"class {known['device_class']}")
        if area is not None and (of_device or "area" in rule.by):
            found.append(f"area {area}")
        if zone is not None and (of_device or "area" in rule.by or "zone" in rule.by):
            found.append(f"area {zone}")
        return found


def place_of(row: Mapping[str, Any]) -> str:
    """Return the table of a limit and what it is of, as one text."""
    target = next((name for name in TARGETS if row.get(name) is not None), TARGETS[0])
    return f"{row['name']} {target} {row.get(target)}"


def dated(identifier: str, row: Mapping[str, Any]) -> DatedLimit:
    """Return a limit as it is looked up."""
    valid_from = row.get("valid_from")
    limit = Limit(float(row["value"]), row["unit"], row["source"], verified=row["verified"], valid_from=valid_from)
    return DatedLimit(valid_from or BEGINNING, row.get("level") or "", row.get("valid_to") or END, identifier, limit)


def newest_first(one: DatedLimit) -> tuple[str, str, str, str]:
    """Return what limits are sorted by."""
    return one.valid_from, one.level, one.valid_to, one.id


def packed_limit(limit: Limit) -> list[Any]:
    """Return a limit for a snapshot."""
    name = None if limit.name is None else [limit.name.vi, limit.name.en]
    return [limit.value, limit.unit, limit.source, limit.verified, limit.valid_from, name]


def unpacked_limit(packed: list[Any]) -> Limit:
    """Return the limit that a snapshot kept."""
    value, unit, source, verified, valid_from, name = packed
    called = None if name is None else Label(*name)
    return Limit(float(value), unit, source, verified=verified, valid_from=valid_from, name=called)
