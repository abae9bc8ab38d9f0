"""What people change of the roster: the shift, its history and the audit line, as one.

A contact is on one shift at a time; what would break that is refused by its name and hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ioc.domain.roster.shift import OVERRIDES_MAX, Override, Shift, ShiftAction
from ioc.domain.scope import Scope
from ioc.errors import ForbiddenError, InvalidInputError, NotFoundError, TransitionError, VersionConflictError
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.postgres.engine import Connection, Database
from ioc.store.roster.rows import (
    ShiftStep,
    StoredShift,
    lock_roster,
    read_newest,
    read_shifts,
    stored_of,
    write_shifts,
)

SHIFTS_AHEAD_MAX = 10_000
"""Shifts that are not over: what a page of a quarter still shows."""
AHEAD = "SELECT count(*) FROM shift WHERE NOT removed AND ends_at > $1"
CLASH = """
SELECT s.starts_at, c.title_vi FROM shift s JOIN contact c ON c.id = s.contact
WHERE NOT s.removed AND s.contact = $1 AND s.starts_at < $3 AND s.ends_at > $2 AND NOT s.id = ANY($4::text[])
ORDER BY s.starts_at LIMIT 1
"""
OF_PATTERN = "SELECT * FROM shift WHERE pattern = $1 ORDER BY starts_at, id"


@dataclass(frozen=True, slots=True)
class SeenShift:
    """A shift, and the version of it that somebody has seen."""

    id: str
    version: int


async def put_shift(database: Database, value: Shift, step: ShiftStep, *, version: int, scope: Scope) -> StoredShift:
    """Write a shift, new (version 0) or anew; what is so already is left alone.

    Raises:
        NotFoundError: there is none. VersionConflictError: somebody else was first. ForbiddenError: it lies beyond.
        InvalidInputError: what it names is not there, or its contact is on another shift. TransitionError: the bound.
    """
    async with database.transaction() as connection:
        await lock_roster(connection)
        if version == 0:
            made = StoredShift(value, 1)
            await _reach(connection, [value], scope)
        else:
            old = await _present(connection, SeenShift(value.id, version))
            await _reach(connection, [old.value, value], scope)
            if old.value == value:
                return old
            made = StoredShift(value, old.version + 1)
        await _check(connection, [value])
        await _commit(connection, [made], step)
    return made


async def remove_shift(database: Database, seen: SeenShift, step: ShiftStep, *, scope: Scope) -> StoredShift:
    """Take a shift out.

    Raises:
        NotFoundError: there is none. VersionConflictError: somebody else was first. ForbiddenError: it lies beyond.
    """
    async with database.transaction() as connection:
        await lock_roster(connection)
        old = await _present(connection, seen)
        await _reach(connection, [old.value], scope)
        made = StoredShift(old.value, old.version + 1, removed=True)
        await _commit(connection, [made], step)
    return made


async def override_shift(
    database: Database, seen: SeenShift, override: Override, step: ShiftStep, *, scope: Scope
) -> StoredShift:
    """Have somebody stand in for a part of a shift.

    Raises:
        NotFoundError: there is none. VersionConflictError: somebody else was first. ForbiddenError: it lies beyond.
        InvalidInputError: the part lies outside the shift, or its contact is none of the unit.
        TransitionError: the bound on overrides of a shift.
    """
    async with database.transaction() as connection:
        await lock_roster(connection)
        old = await _present(connection, seen)
        await _reach(connection, [old.value], scope)
        shift = old.value
        if not shift.starts_at <= override.starts_at < override.ends_at <= shift.ends_at:
            raise InvalidInputError("the part lies inside the shift, and ends after it begins", field="starts_at")
        if len(shift.overrides) >= OVERRIDES_MAX:
            raise TransitionError(f"a shift has at most {OVERRIDES_MAX} overrides: correct the shift itself")
        made = StoredShift(replace(shift, overrides=(*shift.overrides, override)), old.version + 1)
        await _check(connection, [made.value])
        await _commit(connection, [made], step)
    return made


async def swap_shifts(
    database: Database, one: SeenShift, other: SeenShift, step: ShiftStep, *, scope: Scope
) -> StoredShift:
    """Exchange the contacts of two shifts of a unit, and return the first as it then stands.

    Raises:
        NotFoundError: there is none. VersionConflictError: somebody else was first. ForbiddenError: it lies beyond.
        InvalidInputError: they are of two units, or one contact would be on two shifts.
    """
    async with database.transaction() as connection:
        await lock_roster(connection)
        first, second = await _present(connection, one), await _present(connection, other)
        await _reach(connection, [first.value, second.value], scope)
        if first.value.unit != second.value.unit or first.value.contact == second.value.contact:
            raise InvalidInputError("two shifts of one unit with two contacts are swapped", field="other")
        made = [
            StoredShift(replace(first.value, contact=second.value.contact), first.version + 1),
            StoredShift(replace(second.value, contact=first.value.contact), second.version + 1),
        ]
        await _check(connection, [each.value for each in made])
        await _commit(connection, made, step)
    return made[0]


async def undo_shift(database: Database, seen: SeenShift, step: ShiftStep, *, scope: Scope) -> StoredShift:
    """Take back the newest step of a shift, a swap on both its shifts, and return how it then stands.

    Raises:
        NotFoundError: there is none. VersionConflictError: somebody else was first. ForbiddenError: it lies beyond.
        InvalidInputError: it cannot stand so again. TransitionError: the other shift of a swap has changed since.
    """
    async with database.transaction() as connection:
        await lock_roster(connection)
        old = (await read_shifts(connection, [seen.id])).get(seen.id)
        newest = await read_newest(connection, seen.id)
        if old is None or newest is None:
            raise NotFoundError("no such shift")
        if old.version != seen.version:
            raise VersionConflictError("somebody else changed this shift first")
        made = [StoredShift(newest.before or old.value, old.version + 1, removed=newest.before is None)]
        touched = [old.value]
        if newest.action is ShiftAction.SWAP and newest.other is not None:
            other = (await read_shifts(connection, [newest.other]))[newest.other]
            its = await read_newest(connection, newest.other)
            if its is None or its.other != seen.id or its.before is None or other.removed:
                raise TransitionError("the other shift of this swap has changed since: correct both by hand")
            made.append(StoredShift(its.before, other.version + 1))
            touched.append(other.value)
        await _reach(connection, [*touched, *(each.value for each in made)], scope)
        await _check(connection, [each.value for each in made if not each.removed])
        await _commit(connection, made, step)
    return made[0]


async def add_pattern(database: Database, shifts: Sequence[Shift], step: ShiftStep, *, scope: Scope) -> None:
    """Write every shift that a pattern makes, or none.

    Raises:
        ForbiddenError: its unit lies beyond. InvalidInputError: a contact is none, or is on another shift.
        TransitionError: the bound on shifts.
    """
    async with database.transaction() as connection:
        await lock_roster(connection)
        await _reach(connection, shifts[:1], scope)
        await _check(connection, shifts)
        await _commit(connection, [StoredShift(shift, 1) for shift in shifts], step)


async def undo_pattern(database: Database, pattern: str, step: ShiftStep, *, scope: Scope) -> tuple[int, int]:
    """Take out the shifts of a pattern that stand as it made them; return how many, and how many have changed since.

    Raises:
        NotFoundError: it made none. ForbiddenError: its unit lies beyond.
    """
    async with database.transaction() as connection:
        await lock_roster(connection)
        rows = await connection.fetch(OF_PATTERN, pattern)
        if not rows:
            raise NotFoundError("no such pattern")
        found = [stored_of(row) for row in rows]
        await _reach(connection, [one.value for one in found], scope)
        same = [one for one in found if one.version == 1]
        changed = sum(not one.removed for one in found) - len(same)
        await _commit(connection, [StoredShift(one.value, 2, removed=True) for one in same], step)
    return len(same), changed


async def _present(connection: Connection, seen: SeenShift) -> StoredShift:
    old = (await read_shifts(connection, [seen.id])).get(seen.id)
    if old is None or old.removed:
        raise NotFoundError("no such shift")
    if old.version != seen.version:
        raise VersionConflictError("somebody else changed this shift first")
    return old


async def _reach(connection: Connection, shifts: Sequence[Shift], scope: Scope) -> None:
    """Accept a change only of units that act wholly inside the author's wall.

    Raises:
        ForbiddenError: one acts elsewhere too.
    """
    if scope.areas is None:
        return
    units = sorted({shift.unit for shift in shifts})
    rows = await connection.fetch("SELECT areas FROM unit WHERE id = ANY($1::text[])", units)
    own = scope.areas | scope.zones
    if any(not row["areas"] or not own.issuperset(row["areas"]) for row in rows):
        raise ForbiddenError("this unit acts outside your areas too: only who sees all of them changes its roster")


async def _check(connection: Connection, shifts: Sequence[Shift]) -> None:
    """Accept shifts whose contacts are of their unit and on no other shift meanwhile.

    Raises:
        InvalidInputError: the member is named.
    """
    named = {
        (one, shift.unit) for shift in shifts for one in (shift.contact, *(each.contact for each in shift.overrides))
    }
    rows = await connection.fetch(
        "SELECT c.id, c.unit FROM contact c JOIN unit u ON u.id = c.unit WHERE NOT c.removed AND NOT u.removed "
        "AND c.id = ANY($1::text[])", [contact for contact, _ in named],
    )  # fmt: skip
    missing = named - {(row["id"], row["unit"]) for row in rows}
    if missing:
        raise InvalidInputError(f"{min(missing)[0]:.64} is no contact of this unit in the directory", field="contact")
    ids = [shift.id for shift in shifts]
    for shift in shifts:
        clash = await connection.fetchrow(CLASH, shift.contact, shift.starts_at, shift.ends_at, ids)
        among = any(
            other is not shift and other.contact == shift.contact
            and other.starts_at < shift.ends_at and other.ends_at > shift.starts_at
            for other in shifts
        )  # fmt: skip
        if clash is not None or among:
            who = (
                f"{clash['title_vi']} is on a shift from {clash['starts_at'].isoformat()}"
                if clash
                else "a contact is on two shifts"
            )
            raise InvalidInputError(f"{who}: one contact is on one shift at a time", field="contact")


async def _commit(connection: Connection, made: Sequence[StoredShift], step: ShiftStep) -> None:
    await write_shifts(connection, made, step)
    if await connection.fetchval(AHEAD, step.at) > SHIFTS_AHEAD_MAX:
        raise TransitionError(f"there would be more than {SHIFTS_AHEAD_MAX} shifts that are not over: the bound")
    for one in made[:1] if one_line(made) else made:
        value = one.value
        detail = {
            "why": step.why, "version": one.version, "unit": value.unit, "contact": value.contact,
            "starts_at": value.starts_at.isoformat(), "ends_at": value.ends_at.isoformat(), "shifts": len(made),
        }  # fmt: skip
        entry = AuditEntry(step.actor, f"shift.{step.action}", value.id, step.address, detail)
        await append_audit(connection, entry, step.at)


def one_line(made: Sequence[StoredShift]) -> bool:
    """Tell whether a pattern made them: it is one line of the audit trail, its history has each shift."""
    return len(made) > 2  # noqa: PLR2004 - a swap changes two
