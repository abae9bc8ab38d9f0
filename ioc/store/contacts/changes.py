"""What people change of the directory: the row, its history, the name of a person apart, and the audit line, as one.

The audit line of a contact says which of its members changed, never a number or a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ioc.domain.contacts.directory import Contact, DirectoryNoun, DirectoryOrigin, Unit
from ioc.domain.scope import Scope
from ioc.errors import ForbiddenError, InvalidInputError, NotFoundError, TransitionError, VersionConflictError
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.contacts.persons import keep_person, release_person
from ioc.store.contacts.rows import (
    DirectoryStep,
    Stored,
    lock_directory,
    noun_of,
    read_before,
    read_stored,
    value_of,
    write_stored,
)
from ioc.store.postgres.engine import Connection, Database

ENTRIES_MAX = {DirectoryNoun.UNIT: 2_000, DirectoryNoun.CONTACT: 10_000}


@dataclass(frozen=True, slots=True)
class DirectoryChange:
    """A unit or contact as it shall stand; ``version`` is the one that its author has seen, 0: there was none.

    ``person`` is the name of who holds a contact's function; it is kept apart.
    """

    value: Unit | Contact
    version: int
    removed: bool = False
    person: str | None = None


async def change_entry(database: Database, change: DirectoryChange, step: DirectoryStep, *, scope: Scope) -> Stored:
    """Write or take out a unit or a contact, and return how it then stands; what is so already is left alone.

    Raises:
        NotFoundError: there is none to be taken out. VersionConflictError: somebody else was first.
        ForbiddenError: it counts for more than the author's areas. InvalidInputError: what it names is not there.
        TransitionError: the bound on units or contacts.
    """
    async with database.transaction() as connection:
        await lock_directory(connection)
        noun = noun_of(change.value)
        old = (await read_stored(connection, noun, [change.value.id])).get(change.value.id)
        present = old if old is not None and not old.removed else None
        if present is None and change.version != 0 and change.removed:
            raise NotFoundError(f"no such {noun}")
        if change.version != (0 if present is None else present.version):
            raise VersionConflictError(f"somebody else changed this {noun} first")
        await _reach(connection, [change.value, *(() if old is None else (old.value,))], scope)
        value = change.value if change.removed else await _with_person(connection, change, old)
        if not change.removed:
            await _check(connection, value)
        if present is not None and not change.removed and present.value == value:
            return present
        made = Stored(value, DirectoryOrigin.SITE, 1 if old is None else old.version + 1, change.removed)
        await _commit(connection, made, old, step)
    return made


async def undo_entry(
    database: Database, noun: DirectoryNoun, identifier: str, *, version: int, step: DirectoryStep, scope: Scope
) -> Stored:
    """Take back the newest step of a unit or contact and return how it then stands: as before it, or taken out.

    Raises:
        NotFoundError: there is none. VersionConflictError: somebody else was first.
        ForbiddenError: it counts for more than the author's areas. InvalidInputError: what it names is gone.
    """
    async with database.transaction() as connection:
        await lock_directory(connection)
        old = (await read_stored(connection, noun, [identifier])).get(identifier)
        if old is None:
            raise NotFoundError(f"no such {noun}")
        if old.version != version:
            raise VersionConflictError(f"somebody else changed this {noun} first")
        body = await read_before(connection, noun, identifier)
        value = old.value if body is None else value_of(noun, body)
        await _reach(connection, [old.value, value], scope)
        if body is not None:
            await _check(connection, value)
            await _hold(connection, value)
        made = Stored(value, DirectoryOrigin.SITE, old.version + 1, removed=body is None)
        await _commit(connection, made, old, step)
    return made


async def _commit(connection: Connection, made: Stored, old: Stored | None, step: DirectoryStep) -> None:
    await write_stored(connection, [made], step)
    count = await connection.fetchval(f"SELECT count(*) FROM {made.noun} WHERE NOT removed")  # noqa: S608 - own names
    if count > ENTRIES_MAX[made.noun]:
        raise TransitionError(f"there would be more than {ENTRIES_MAX[made.noun]} of the kind {made.noun}: the bound")
    if old is not None and isinstance(old.value, Contact) and old.value.person is not None:
        held = isinstance(made.value, Contact) and not made.removed and made.value.person == old.value.person
        if not held:
            await release_person(connection, old.value.person, step.at)
    detail = {"why": step.why, "version": made.version, "changed": _changed(made, old)}
    entry = AuditEntry(step.actor or "", f"{made.noun}.{step.action}", made.value.id, step.address, detail)
    await append_audit(connection, entry, step.at)


def _changed(made: Stored, old: Stored | None) -> list[str]:
    """Return the names of the members that changed; their values may say how to reach a person."""
    if made.removed:
        return []
    now = made.value.entry()
    before = {} if old is None or old.removed else old.value.entry()
    return [name for name in now if now[name] != before.get(name)]


async def _reach(connection: Connection, values: Sequence[Unit | Contact], scope: Scope) -> None:
    """Accept a change only of what lies wholly inside the author's wall: a unit by its areas, a contact by its unit's.

    Raises:
        ForbiddenError: it counts elsewhere too.
    """
    if scope.areas is None:
        return
    ids = [value.unit for value in values if isinstance(value, Contact)]
    units = [value for value in values if isinstance(value, Unit)]
    units += [one.value for one in (await read_stored(connection, DirectoryNoun.UNIT, ids)).values()
              if isinstance(one.value, Unit)]  # fmt: skip
    own = scope.areas | scope.zones
    if any(not unit.areas or not own.issuperset(unit.areas) for unit in units):
        raise ForbiddenError("this unit acts outside your areas too: only who sees all of them changes it")


async def _check(connection: Connection, value: Unit | Contact) -> None:
    """Accept what names only what is there.

    Raises:
        InvalidInputError: the member is named.
    """
    if isinstance(value, Unit):
        named = {name: getattr(value, name) for name in ("parent", "next_level") if getattr(value, name) is not None}
        found = await read_stored(connection, DirectoryNoun.UNIT, list(named.values()))
        for member, other in named.items():
            if other == value.id or other not in found or found[other].removed:
                raise InvalidInputError(f"{other:.64} is no other unit of the directory", field=member)
        return
    unit = (await read_stored(connection, DirectoryNoun.UNIT, [value.unit])).get(value.unit)
    if unit is None or unit.removed:
        raise InvalidInputError("there is no such unit: bring it back first", field="unit")
    if value.deputy is not None:
        deputy = (await read_stored(connection, DirectoryNoun.CONTACT, [value.deputy])).get(value.deputy)
        same = deputy is not None and isinstance(deputy.value, Contact) and deputy.value.unit == value.unit
        if deputy is None or deputy.removed or not same or value.deputy == value.id:
            raise InvalidInputError("a deputy is another contact of the same unit", field="deputy")


async def _with_person(connection: Connection, change: DirectoryChange, old: Stored | None) -> Unit | Contact:
    """Return a contact with the reference of its person; the name of the one before is kept under its own."""
    if isinstance(change.value, Unit):
        return change.value
    held = old.value.person if old is not None and isinstance(old.value, Contact) and not old.removed else None
    reference = await keep_person(connection, change.person, held=held)
    return replace(change.value, person=reference)


async def _hold(connection: Connection, value: Unit | Contact) -> None:
    """Keep again the name of a person who holds a function again."""
    if isinstance(value, Contact) and value.person is not None:
        await release_person(connection, value.person, None)


def told(stored: Stored) -> dict[str, Any]:
    """Return what a lost race is told of the present state: its version."""
    return {"id": stored.value.id, "version": stored.version}
