"""The form of each rule that is in force: put in force, taken out, and every step kept in the rule's history.

A form is a rule's text with its body and hash. Call these inside a transaction that holds :func:`lock_rules`: people
and the pack change rules one after the other, so that no version is given twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ioc.domain.event import EntryKind
from ioc.domain.rules.form import RuleAction, RuleOrigin
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.locks import AdvisoryLock, take_lock
from ioc.store.postgres.statement import columns_of, insert, upsert, values_of

LogEntry = tuple[EntryKind, str, Mapping[str, Any] | None]
NEXT_NUMBER = "(SELECT coalesce(max(number), 0) + 1 FROM rule_history WHERE rule = :rule)"


@dataclass(frozen=True, slots=True)
class Form:
    """A rule as somebody wrote it: JSON-ready body, its hash, and the text, null where none was kept."""

    hash: str
    body: Mapping[str, Any]
    yaml: str | None


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """Who changed a rule, when, how and why; no actor: the pack."""

    at: datetime
    action: RuleAction
    why: str = ""
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as it stands; ``pack_hash`` is that of the pack's form it was made from."""

    id: str
    origin: RuleOrigin
    version: int
    form: Form
    removed: bool = False
    pack_hash: str | None = None
    changed: HistoryStep | None = field(default=None, compare=False)

    @property
    def enabled(self) -> bool:
        """Tell whether the form says that it counts."""
        return bool(self.form.body.get("enabled", True))

    def entry(self) -> LogEntry:
        """Return what the log says of it: the full value that the engine folds, or null."""
        if self.removed:
            return EntryKind.RULE, self.id, None
        value = {"body": dict(self.form.body), "hash": self.form.hash, "version": self.version}
        return EntryKind.RULE, self.id, value


OWN = tuple(name for name in columns_of(RuleRow) if name not in ("form", "changed"))
"""Columns of `rule` that are fields of its row; its form and its newest step bring theirs."""
CHANGED = {"at": "changed_at", "action": "changed_action", "why": "changed_why", "actor": "changed_by"}
"""The newest step's fields, each with its column of `rule`."""
PACK_FORM = f"""
SELECT {", ".join(columns_of(Form))} FROM pack_item WHERE kind = 'rule' AND id = $1 AND NOT removed
"""  # noqa: S608 - own names


async def lock_rules(connection: Connection) -> None:
    """Wait until nobody else changes rules; held until the end of the transaction."""
    await take_lock(connection, AdvisoryLock.RULES)


async def read_rule(connection: Connection, rule: str) -> RuleRow | None:
    """Return one rule, also a removed one."""
    row = await connection.fetchrow("SELECT * FROM rule WHERE id = $1", rule)
    return None if row is None else row_of(row)


async def read_rules(connection: Connection) -> dict[str, RuleRow]:
    """Return every rule by id, also removed ones."""
    return {row["id"]: row_of(row) for row in await connection.fetch("SELECT * FROM rule")}


async def pack_form(connection: Connection, rule: str) -> Form | None:
    """Return the pack's present form of a rule, None where it has none."""
    row = await connection.fetchrow(PACK_FORM, rule)
    return None if row is None else form_of(row)


async def put_rule(connection: Connection, row: RuleRow, at: datetime) -> None:
    """Write how a rule stands since ``at``."""
    values = rule_columns(row, at)
    await connection.execute(*upsert("rule", values, key="id")(**values))


def rule_columns(row: RuleRow, at: datetime) -> dict[str, Any]:
    """Return every column of `rule` for a rule as it stands since ``at``; :func:`row_of` reads them back."""
    changed = row.changed
    return {
        **{name: getattr(row, name) for name in OWN},
        **_columns_of(row.form),
        **{column: changed and getattr(changed, name) for name, column in CHANGED.items()},
        "enabled": row.enabled,
        "updated_at": at,
    }


async def note_step(connection: Connection, row: RuleRow, step: HistoryStep, position: int | None) -> None:
    """Add a line to a rule's history: the step, and how the rule stands after it.

    ``position`` is the log entry from which it counts, null where what is in force stayed.
    """
    values = {
        "rule": row.id,
        **values_of(step),
        "version": row.version,
        **_columns_of(row.form),
        "position": position,
    }
    note = insert("rule_history", (*values, "number"), computed={"number": NEXT_NUMBER})
    await connection.execute(*note(**values))


def _columns_of(form: Form) -> dict[str, Any]:
    return {**values_of(form), "body": dict(form.body)}


def row_of(row: Mapping[str, Any]) -> RuleRow:
    """Return the rule of a row of table `rule`."""
    changed = None
    if row[CHANGED["at"]] is not None:
        step = {name: row[column] for name, column in CHANGED.items()}
        changed = HistoryStep(**{**step, "action": RuleAction(step["action"])})
    own = {name: row[name] for name in OWN}
    return RuleRow(**{**own, "origin": RuleOrigin(own["origin"])}, form=form_of(row), changed=changed)


def form_of(row: Mapping[str, Any]) -> Form:
    """Return the form that a row of `rule`, `rule_history` or `pack_item` holds."""
    return Form(**{name: row[name] for name in columns_of(Form)})
