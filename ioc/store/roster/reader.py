"""The roster as people read it: shifts of units that act in their places, who is on duty, and the history of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ioc.domain.roster.shift import Shift, shift_of
from ioc.roster.duty import KEPT_AFTER
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Where

Row = Mapping[str, Any]
SHIFTS_READ_MAX = 20_000
LISTED = """
SELECT s.*, u.name_vi AS unit_name_vi, u.name_en AS unit_name_en, c.title_vi, c.title_en, c.person,
    c.removed OR u.removed AS gone
FROM shift s JOIN unit u ON u.id = s.unit JOIN contact c ON c.id = s.contact
"""
HISTORY = """
SELECT * FROM shift_history WHERE shift = $1 AND ($2::integer IS NULL OR number < $2) ORDER BY number DESC LIMIT $3
"""
ROSTER = """
SELECT s.* FROM shift s
JOIN unit u ON u.id = s.unit AND NOT u.removed JOIN contact c ON c.id = s.contact AND NOT c.removed
WHERE NOT s.removed AND s.ends_at > $1 AND s.starts_at < $2
ORDER BY s.starts_at, s.id LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class ShiftFilter:
    """Which shifts: those that touch a stretch of time. ``places``: codes and zones that a unit names."""

    starts_before: datetime | None = None
    ends_after: datetime | None = None
    ids: Sequence[str] | None = None
    unit: str | None = None
    domain: str | None = None
    places: Sequence[str] | None = None
    removed: bool | None = False
    """None: both."""


async def list_shifts(
    connection: Connection,
    wanted: ShiftFilter,
    *,
    inside: Sequence[str] | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Row]:
    """Return shifts by their beginning; ``inside``: the places of the reader's wall."""
    where = Where().one_of("s.id", wanted.ids)
    if wanted.removed is not None:
        where.add("s.removed = {}", wanted.removed)
    for places in (inside, wanted.places):
        if places is not None:
            where.add("(u.areas = '{{}}' OR u.areas && {}::text[])", list(places))
    if wanted.domain is not None:
        where.add("(u.domains = '{{}}' OR {} = ANY(u.domains))", wanted.domain)
    if wanted.unit is not None:
        where.add("s.unit = {}", wanted.unit)
    if wanted.starts_before is not None:
        where.add("s.starts_at < {}", wanted.starts_before)
    if wanted.ends_after is not None:
        where.add("s.ends_at > {}", wanted.ends_after)
    if after is not None:
        where.add("(s.starts_at, s.id) > ({}, {})", *after)
    rows: list[Row] = await connection.fetch(
        f"{LISTED} WHERE {where.sql} ORDER BY s.starts_at, s.id LIMIT {where.value(limit)}", *where.arguments
    )
    return rows


async def get_shift(
    connection: Connection, identifier: str, *, inside: Sequence[str] | None, with_removed: bool
) -> Row | None:
    """Return a shift inside the wall, one that was taken out only where that is asked."""
    wanted = ShiftFilter(ids=[identifier], removed=None if with_removed else False)
    rows = await list_shifts(connection, wanted, inside=inside, after=None, limit=1)
    return rows[0] if rows else None


async def sees_pattern(connection: Connection, pattern: str, *, inside: Sequence[str] | None) -> bool:
    """Tell whether a pattern made shifts of a unit inside the wall."""
    where = Where().add("s.pattern = {}", pattern)
    if inside is not None:
        where.add("(u.areas = '{{}}' OR u.areas && {}::text[])", list(inside))
    sql = f"SELECT 1 FROM shift s JOIN unit u ON u.id = s.unit WHERE {where.sql} LIMIT 1"  # noqa: S608 - a scope clause
    return await connection.fetchval(sql, *where.arguments) is not None


async def read_history(connection: Connection, identifier: str, *, before: int | None, limit: int) -> list[Row]:
    """Return the steps of a shift, newest first, before a number."""
    rows: list[Row] = await connection.fetch(HISTORY, identifier, before, limit)
    return rows


async def read_roster(connection: Connection, start: datetime, end: datetime) -> list[Shift]:
    """Return the shifts that count between two moments, and of a week before: who keeps a roster is told by those.

    A contact or unit that was taken out is on duty no more, and stands in for nobody.
    """
    rows = await connection.fetch(ROSTER, start - KEPT_AFTER, end, SHIFTS_READ_MAX)
    shifts = [shift_of(row) for row in rows]
    stand_ins = {one.contact for shift in shifts for one in shift.overrides}
    if not stand_ins:
        return shifts
    kept = await connection.fetch("SELECT id FROM contact WHERE NOT removed AND id = ANY($1::text[])", list(stand_ins))
    known = {row["id"] for row in kept}
    return [replace(shift, overrides=tuple(one for one in shift.overrides if one.contact in known)) for shift in shifts]


async def contact_titles(connection: Connection, ids: Sequence[str]) -> dict[str, Row]:
    """Return what contacts are called and the reference of who holds each, also of those that were taken out."""
    if not ids:
        return {}
    sql = "SELECT id, title_vi, title_en, person FROM contact WHERE id = ANY($1::text[])"
    return {row["id"]: row for row in await connection.fetch(sql, sorted(set(ids)))}


async def changed_at(connection: Connection) -> datetime | None:
    """Return when the roster was changed last; None: never."""
    moment: datetime | None = await connection.fetchval("SELECT max(changed_at) FROM shift")
    return moment
