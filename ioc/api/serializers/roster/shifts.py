"""Shifts, their history, who is on duty, and where nobody is, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from ioc.api.serializers.nouns import JSONObject, Row, both, moment
from ioc.domain.contacts.directory import Unit
from ioc.domain.moment import format_time
from ioc.domain.roster.shift import Duty, OnDuty, shift_of
from ioc.roster.duty import Gap
from ioc.roster.pattern import PlannedShift

Titles = Mapping[str, Row]
Taken = Sequence[tuple[str, datetime, datetime]]
"""Contact, from and to of the shifts that are there already."""


class CoverageRead(Protocol):
    """Who is on duty, and where nobody is, of units that keep a roster."""

    @property
    def duty(self) -> Duty:
        """Who is on duty now."""
        ...

    @property
    def gaps(self) -> Sequence[Gap]:
        """Where nobody is."""
        ...

    @property
    def units(self) -> Sequence[str]:
        """Units that keep a roster."""
        ...


def shift(row: Row, *, titles: Titles, persons: Mapping[str, Any]) -> JSONObject:
    """Return a shift; ``titles``: of who stands in, ``persons``: the names under their references."""
    return {
        "id": row["id"],
        "unit": {"id": row["unit"], "name": both(row, "unit_name")},
        "contact": row["contact"],
        "title": both(row, "title"),
        "person": persons.get(row["person"]),
        "gone": row["gone"],
        "role": row["role"],
        "starts_at": moment(row["starts_at"]),
        "ends_at": moment(row["ends_at"]),
        "overrides": _overrides(row, titles),
        "pattern": row["pattern"],
        "removed": row["removed"],
        "version": row["version"],
        "changed_at": moment(row["changed_at"]),
        "changed_by": row["changed_by"],
        "changed_why": row["changed_why"],
    }


def _overrides(row: Mapping[str, Any], titles: Titles) -> list[JSONObject]:
    return [
        {
            "contact": one.contact,
            "title": _title(one.contact, titles),
            "starts_at": format_time(one.starts_at),
            "ends_at": format_time(one.ends_at),
        }
        for one in shift_of(row).overrides
    ]


def _title(contact: str, titles: Titles) -> JSONObject | None:
    row = titles.get(contact)
    return None if row is None else both(row, "title")


def step(row: Row, titles: Titles) -> JSONObject:
    """Return a step of the history: how the shift stood after it."""
    body = row["body"]
    return {
        "number": row["number"],
        "at": moment(row["at"]),
        "actor": row["actor"],
        "action": row["action"],
        "why": row["why"],
        "version": row["version"],
        "other": row["other"],
        "shift": None if body is None else _body(body, titles),
    }


def _body(body: Mapping[str, Any], titles: Titles) -> JSONObject:
    value = shift_of(body)
    return {
        "unit": value.unit,
        "contact": value.contact,
        "title": _title(value.contact, titles),
        "role": str(value.role),
        "starts_at": format_time(value.starts_at),
        "ends_at": format_time(value.ends_at),
        "overrides": _overrides(body, titles),
    }


def coverage(
    found: CoverageRead, *, units: Mapping[str, Unit], titles: Titles, persons: Mapping[str, Any], at: datetime,
    start: datetime, end: datetime,
) -> JSONObject:  # fmt: skip
    """Return who of each unit is on duty now, and its gaps."""
    return {
        "at": format_time(at),
        "from": format_time(start),
        "to": format_time(end),
        "items": [
            {
                "unit": {"id": unit, "name": {"vi": units[unit].name_vi, "en": units[unit].name_en}},
                "on_duty": [_on_duty(one, titles, persons) for one in found.duty.on_duty.get(unit, ())],
                "unstaffed": unit in found.duty.unstaffed,
                "gaps": [
                    {"from": format_time(gap.starts_at), "to": format_time(gap.ends_at)}
                    for gap in found.gaps
                    if gap.unit == unit
                ],
            }
            for unit in found.units
        ],
    }


def _on_duty(one: OnDuty, titles: Titles, persons: Mapping[str, Any]) -> JSONObject:
    held = titles.get(one.contact)
    return {
        "contact": one.contact,
        "title": _title(one.contact, titles),
        "person": None if held is None else persons.get(held["person"]),
        "role": str(one.shift.role),
        "until": format_time(one.until),
        "shift": one.shift.id,
        "stands_for": None if one.stands_for is None else _title(one.stands_for, titles),
    }


def preview(planned: Sequence[PlannedShift], *, taken: Taken, titles: Titles) -> JSONObject:
    """Return what a pattern would make; ``clashes`` counts those whose contact is on another shift already."""
    items = [
        {
            "contact": one.contact,
            "title": _title(one.contact, titles),
            "starts_at": format_time(one.starts_at),
            "ends_at": format_time(one.ends_at),
            "clash": any(
                contact == one.contact and start < one.ends_at and end > one.starts_at for contact, start, end in taken
            )
            or any(
                other is not one and other.contact == one.contact
                and other.starts_at < one.ends_at and other.ends_at > one.starts_at
                for other in planned
            ),
        }
        for one in planned
    ]  # fmt: skip
    return {"items": items, "clashes": sum(bool(item["clash"]) for item in items)}
