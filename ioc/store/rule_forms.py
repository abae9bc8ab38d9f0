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
from ioc.domain.rule_form import RuleAction, RuleOrigin
from ioc.store.engine import Connection

RULES_LOCK = 0x10C_0A02
LogEntry = tuple[EntryKind, str, Mapping[str, Any] | None]
PUT = """
INSERT INTO rule (id, origin, version, hash, body, yaml, enabled, removed, pack_hash, updated_at,
  changed_at, changed_by, changed_why, changed_action)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (id) DO UPDATE SET origin = $2, version = $3, hash = $4, body = $5, yaml = $6, enabled = $7, removed = $8,
  pack_hash = $9, updated_at = $10, changed_at = $11, changed_by = $12, changed_why = $13, changed_action = $14
"""
NOTE = """
INSERT INTO rule_history (rule, number, at, actor, action, why, version, hash, body, yaml, position)
VALUES ($1, (SELECT coalesce(max(number), 0) + 1 FROM rule_history WHERE rule = $1),
  $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


@dataclass(frozen=True, slots=True)
class Form:
    """A rule as somebody wrote it: JSON-ready body, its hash, and the text, null where none was kept."""

    hash: str
    body: Mapping[str, Any]
    yaml: str | None


@dataclass(frozen=True, slots=True)
class Step:
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
    changed: Step | None = field(default=None, compare=False)

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


async def lock_rules(connection: Connection) -> None:
    """Wait until nobody else changes rules; held until the end of the transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", RULES_LOCK)


async def read_rule(connection: Connection, rule: str) -> RuleRow | None:
    """Return one rule, also a removed one."""
    row = await connection.fetchrow("SELECT * FROM rule WHERE id = $1", rule)
    return None if row is None else row_of(row)


async def read_rules(connection: Connection) -> dict[str, RuleRow]:
    """Return every rule by id, also removed ones."""
    return {row["id"]: row_of(row) for row in await connection.fetch("SELECT * FROM rule")}


async def pack_form(connection: Connection, rule: str) -> Form | None:
    """Return the pack's present form of a rule, None where it has none."""
    row = await connection.fetchrow(
        "SELECT hash, body, yaml FROM pack_item WHERE kind = 'rule' AND id = $1 AND NOT removed", rule
    )
    return None if row is None else Form(row["hash"], row["body"], row["yaml"])


async def put_rule(connection: Connection, row: RuleRow, at: datetime) -> None:
    """Write how a rule stands since ``at``."""
    form, changed = row.form, row.changed
    columns = (None,) * 4 if changed is None else (changed.at, changed.actor, changed.why, changed.action)
    await connection.execute(
        PUT, row.id, row.origin, row.version, form.hash, dict(form.body), form.yaml, row.enabled, row.removed,
        row.pack_hash, at, *columns,
    )  # fmt: skip


async def note_step(connection: Connection, row: RuleRow, step: Step, position: int | None) -> None:
    """Add a line to a rule's history: the step, and how the rule stands after it.

    ``position`` is the log entry from which it counts, null where what is in force stayed.
    """
    form = row.form
    await connection.execute(
        NOTE, row.id, step.at, step.actor, step.action, step.why, row.version, form.hash, dict(form.body), form.yaml,
        position,
    )  # fmt: skip


def row_of(row: Mapping[str, Any]) -> RuleRow:
    """Return the rule of a row of table `rule`."""
    changed = None
    if row["changed_at"] is not None:
        changed = Step(row["changed_at"], RuleAction(row["changed_action"]), row["changed_why"], row["changed_by"])
    return RuleRow(
        id=row["id"],
        origin=RuleOrigin(row["origin"]),
        version=row["version"],
        form=Form(row["hash"], row["body"], row["yaml"]),
        removed=row["removed"],
        pack_hash=row["pack_hash"],
        changed=changed,
    )
