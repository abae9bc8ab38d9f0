"""What people change of rules: the form, its history, the log's entry, the audit line and the change, or none of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ioc.domain.rules.form import RuleAction, RuleOrigin
from ioc.errors import AlreadyExistsError, NotFoundError, TransitionError, VersionConflictError
from ioc.packs.rule_text import says_the_same
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.changes.writer import ChangeRecord, append_changes
from ioc.store.postgres.engine import Connection, Database
from ioc.store.registry.device_changes import EntryAppender
from ioc.store.rules.forms import Form, HistoryStep, RuleRow, lock_rules, note_step, pack_form, put_rule, read_rule

RULES_MAX = 2_000
"""Rules in force or switched off, the pack's and the site's together."""
SETTLING = RuleAction.EDIT
"""The action whose author has seen the pack's present form beside the site's: from then on the pack has not moved."""


@dataclass(frozen=True, slots=True)
class RuleEdit:
    """One change that a person makes. ``version`` is the one they have seen; null: the rule is new.

    ``form`` null takes the rule away; for `reset` it is the pack's present one. ``address`` is where they sit.
    """

    rule: str
    action: RuleAction
    why: str
    actor: str
    form: Form | None
    version: int | None = None
    address: str | None = None


async def edit_rule(
    database: Database, log: EntryAppender, edit: RuleEdit, *, now: datetime, wall: datetime | None = None
) -> RuleRow:
    """Change a rule and return how it then stands. ``wall`` dates the audit line where the log's ``now`` is a drill's.

    Raises:
        NotFoundError: there is no such rule.
        VersionConflictError: somebody else was first.
        InvalidInputError: a new rule of an id that is taken.
        TransitionError: the bound on rules; or a rule of the pack cannot be deleted.
    """
    step = HistoryStep(now, edit.action, edit.why, edit.actor)
    async with database.transaction() as connection:
        await lock_rules(connection)
        old = await read_rule(connection, edit.rule)
        check_seen(edit, old)
        if edit.version is None:
            await _check_room(connection)
        row = replace(await _after(connection, edit, old), changed=step)
        await put_rule(connection, row, now)
        # The order of locks is everywhere the same: rules, log head, audit, change head.
        (position,) = await log.append_entries(connection, [row.entry()], now)
        await note_step(connection, row, step, position)
        detail = {"why": edit.why, "version": row.version, "hash": row.form.hash, "origin": row.origin}
        audit = AuditEntry(edit.actor, f"rule.{edit.action}", edit.rule, edit.address, detail)
        await append_audit(connection, audit, wall or now)
        await append_changes(connection, [ChangeRecord(kind="rule", id=edit.rule, log_time=now, version=row.version)])
    return row


def check_seen(edit: RuleEdit, old: RuleRow | None) -> None:
    """Refuse an edit of a rule that is not as its author saw it."""
    present = old is not None and not old.removed
    if edit.version is None:
        if present:
            raise AlreadyExistsError(f"there is a rule {edit.rule} already", field="rule")
    elif not present:
        raise NotFoundError("no such rule")
    elif old is not None and old.version != edit.version:
        raise VersionConflictError("somebody else changed this rule first")


async def _check_room(connection: Connection) -> None:
    count: int = await connection.fetchval("SELECT count(*) FROM rule WHERE NOT removed")
    if count >= RULES_MAX:
        raise TransitionError(f"there are {RULES_MAX} rules, which is the bound: delete one of the site's own first")


async def _after(connection: Connection, edit: RuleEdit, old: RuleRow | None) -> RuleRow:
    """Return how the rule stands after the edit."""
    version = 1 if old is None else old.version + 1
    pack = await pack_form(connection, edit.rule)
    if edit.action is RuleAction.RESET:
        if pack is None:
            raise TransitionError("a rule of the site's own has no form of the pack to go back to")
        return RuleRow(edit.rule, RuleOrigin.PACK, version, pack, pack_hash=pack.hash)
    if edit.form is None:
        assert old is not None, "checked"
        if pack is not None or old.origin is not RuleOrigin.SITE:
            raise TransitionError("a rule of the pack cannot be deleted: disable it instead")
        return replace(old, version=version, removed=True)
    if pack is None:
        return RuleRow(edit.rule, RuleOrigin.SITE, version, edit.form)
    if says_the_same(edit.form.body, pack.body):
        return RuleRow(edit.rule, RuleOrigin.PACK, version, pack, pack_hash=pack.hash)
    seen = pack.hash if old is None or old.origin is RuleOrigin.PACK or edit.action is SETTLING else old.pack_hash
    return RuleRow(edit.rule, RuleOrigin.OVERLAY, version, edit.form, pack_hash=seen)
