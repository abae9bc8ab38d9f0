"""What people do with silences: make one, change it, end it, take the last of these back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import uuid4

from ioc.domain.scope import Scope
from ioc.domain.severity import Severity
from ioc.domain.silences.silence import Calendar, Silence, SilencePlan, SilenceState
from ioc.errors import ForbiddenError, InvalidInputError, NotFoundError, TransitionError, VersionConflictError
from ioc.store.audit.trail import AuditEntry, Author, append_audit
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.locks import AdvisoryLock, take_lock
from ioc.store.registry.devices import sees_device
from ioc.store.silences.rows import plan_of, silence_of, stand_of, tell_silence, write_silence
from ioc.store.silences.schedule import at_time

SILENCES_MAX = 200
"""Silences that are not over: what one shift can still look through."""


@dataclass(frozen=True, slots=True)
class SilenceAuthor(Author):
    """Who silences, and what they may.

    ``may_all``: more than one device for a shift, and critical alerts too.
    """

    scope: Scope
    may_all: bool


async def add_silence(database: Database, plan: SilencePlan, author: SilenceAuthor, calendar: Calendar) -> str:
    """Keep a new silence and return its id; it holds at once if its time has come.

    Raises:
        InvalidInputError: it cannot be. ForbiddenError: it is more than its author may. TransitionError: the bound.
    """
    async with database.transaction() as connection:
        await _accept(connection, plan, author, calendar)
        now = author.now
        new = Silence(uuid4().hex, plan, 1, author.name, now, now, author.name, due_at=now)
        made = at_time(new, now, calendar)
        await _commit(connection, "silence.add", made, None, author)
    return made.id


async def change_silence(
    database: Database, identifier: str, plan: SilencePlan, author: SilenceAuthor, calendar: Calendar, *, version: int
) -> None:
    """Change a silence that is not over; what it no longer hides appears at once.

    Raises:
        NotFoundError: there is none. VersionConflictError: somebody else was first. InvalidInputError: it cannot be.
        ForbiddenError: it is more than the author may. TransitionError: it is over.
    """
    async with database.transaction() as connection:
        old = await _locked(connection, identifier, version)
        if old.state is SilenceState.OVER:
            raise TransitionError("this silence is over: make another, or take its end back")
        await _reach(connection, old.plan, author.scope)
        _within_limits(old.plan, author)
        await _accept(connection, plan, author, calendar)
        made = replace(at_time(replace(old, plan=plan), author.now, calendar), before=stand_of(old))
        await _commit(connection, "silence.change", made, old, author)


async def end_silence(database: Database, identifier: str, author: SilenceAuthor, *, version: int) -> None:
    """End a silence: what its alerts have become meanwhile appears at once. Whoever handles alerts may.

    Raises:
        NotFoundError: there is none. VersionConflictError: somebody else was first. TransitionError: it is over.
        ForbiddenError: it reaches beyond the author's areas.
    """
    async with database.transaction() as connection:
        old = await _locked(connection, identifier, version)
        if old.state is SilenceState.OVER:
            raise TransitionError("this silence is over already")
        await _reach(connection, old.plan, author.scope)
        made = replace(old, due_at=None, running_until=None, before=stand_of(old))
        await _commit(connection, "silence.end", made, old, author)


async def undo_silence(
    database: Database, identifier: str, author: SilenceAuthor, calendar: Calendar, *, version: int
) -> None:
    """Take back the newest step of a person: the silence stands as before it; one that was only just made ends.

    Raises:
        NotFoundError: there is none. VersionConflictError: somebody else was first. InvalidInputError: it cannot be
        any more. ForbiddenError: it is somebody else's step, and more than the author may.
        TransitionError: there is nothing to take back.
    """
    async with database.transaction() as connection:
        old = await _locked(connection, identifier, version)
        await _reach(connection, old.plan, author.scope)
        plan, over = (old.plan, True) if old.before is None else (plan_of(old.before), bool(old.before["over"]))
        if over and old.state is SilenceState.OVER:
            raise TransitionError("this silence is over: there is nothing to take back")
        made = replace(old, plan=plan, before=stand_of(old), due_at=None, running_until=None)
        if not over:
            # Whoever has ended a leader's silence by mistake brings it back, though they could not have made it.
            may_all = author.may_all or old.changed_by == author.name
            await _accept(connection, plan, replace(author, may_all=may_all), calendar)
            made = at_time(made, author.now, calendar)
        await _commit(connection, "silence.undo", made, old, author)


async def _commit(
    connection: Connection, action: str, made: Silence, old: Silence | None, author: SilenceAuthor
) -> None:
    made = replace(
        made, version=1 if old is None else old.version + 1, changed_at=author.now, changed_by=author.name
    )  # fmt: skip
    if made.due_at is not None and (old is None or old.due_at is None):
        await take_lock(connection, AdvisoryLock.SILENCES)
        count = await connection.fetchval("SELECT count(*) FROM silence WHERE due_at IS NOT NULL")
        if count >= SILENCES_MAX:
            raise TransitionError(f"there are {SILENCES_MAX} silences that are not over, which is the bound: end some")
    await write_silence(connection, made)
    detail = {name: value for name, value in stand_of(made).items() if value not in (None, [])}
    await append_audit(connection, AuditEntry(author.name, action, made.id, author.address, detail), author.wall)
    await tell_silence(connection, made, old, author.now)


async def _locked(connection: Connection, identifier: str, version: int) -> Silence:
    row = await connection.fetchrow("SELECT * FROM silence WHERE id = $1 FOR UPDATE", identifier)
    if row is None:
        raise NotFoundError("no such silence")
    silence = silence_of(row)
    if silence.version != version:
        raise VersionConflictError("somebody else changed this silence first, or it has begun or ended meanwhile")
    return silence


async def _accept(connection: Connection, plan: SilencePlan, author: SilenceAuthor, calendar: Calendar) -> None:
    """Accept a plan that can be, inside its author's wall and limits.

    Raises:
        InvalidInputError: the member is named. ForbiddenError: it is more than the author may.
    """
    fault = plan.fault(author.now, calendar)
    if fault is not None:
        raise InvalidInputError(fault[1], field=fault[0])
    known = {row["id"] for row in await connection.fetch(
        "SELECT id FROM rule WHERE NOT removed AND id = ANY($1::text[])", list(plan.rules)
    )}  # fmt: skip
    unknown = next((name for name in plan.rules if name not in known), None)
    if unknown is not None:
        raise InvalidInputError(f"there is no rule {unknown:.64}", field="match.rule")
    for device in plan.devices:
        if not await sees_device(connection, device, author.scope):
            raise InvalidInputError(f"there is no device {device:.64}", field="match.device")
    await _reach(connection, plan, author.scope)
    _within_limits(plan, author)


async def _reach(connection: Connection, plan: SilencePlan, scope: Scope) -> None:
    """Accept only what hides nothing outside the author's wall.

    Raises:
        ForbiddenError: it does.
    """
    if scope.areas is None:
        return
    inside = bool(plan.areas) and (scope.areas | scope.zones).issuperset(plan.areas)
    if not inside and plan.devices:
        inside = all([await sees_device(connection, device, scope) for device in plan.devices])
    if not inside:
        raise ForbiddenError("this would hide alerts outside your areas too: name areas or devices of yours")


def _within_limits(plan: SilencePlan, author: SilenceAuthor) -> None:
    beyond = plan.beyond_brief(author.now)
    if beyond is None or author.may_all:
        return
    if plan.severity_max is Severity.CRITICAL:
        raise ForbiddenError("critical alerts are silenced by a shift leader: ask yours")
    raise ForbiddenError(f"more than {beyond[1]} is silenced by a shift leader: ask yours")
