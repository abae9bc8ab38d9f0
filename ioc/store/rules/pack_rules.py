"""What a pack means for the rules in force. What the site has written is never overwritten by a pack.

A rule of the pack that nobody touched takes the pack's new form. One that the site has a form of its own of keeps it;
only where the site did no more than switch the rule off or to monitor does the pack's new text come, still switched so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ioc.domain.event import EntryKind
from ioc.domain.rules.form import RuleAction, RuleOrigin
from ioc.packs.pack import PackItem, content_hash
from ioc.packs.rule_text import is_quieted, says_the_same, switches, with_switches
from ioc.store.postgres.engine import Connection
from ioc.store.rules.forms import Form, HistoryStep, LogEntry, RuleRow, note_step, put_rule, read_rules

SYNC_TEXT = """
UPDATE rule r SET yaml = n.yaml FROM unnest($1::text[], $2::text[], $3::text[]) AS n(id, hash, yaml)
WHERE r.id = n.id AND r.hash = n.hash AND r.origin = 'pack' AND r.yaml IS DISTINCT FROM n.yaml
"""
SYNC_ITEM = """
UPDATE pack_item p SET yaml = n.yaml FROM unnest($1::text[], $2::text[], $3::text[]) AS n(id, hash, yaml)
WHERE p.kind = 'rule' AND p.id = n.id AND p.hash = n.hash AND p.yaml IS DISTINCT FROM n.yaml
"""


@dataclass(frozen=True, slots=True)
class PackOutcome:
    """What becomes of one rule. ``note`` says why, by a fixed word; ``counts`` whether what is in force changes."""

    row: RuleRow
    note: str
    counts: bool = True


def taken_in(row: RuleRow | None, item: PackItem, old: Form | None) -> PackOutcome:
    """Return what becomes of a rule that the pack brings anew or in a new form.

    Args:
        row: the rule as it stands here, if it does.
        item: the pack's form.
        old: the pack's form before.
    """
    form = Form(item.hash, item.body, item.yaml)
    version = 1 if row is None else row.version + 1
    fresh = RuleRow(item.id, RuleOrigin.PACK, version, form, pack_hash=item.hash)
    if row is None or row.removed or row.origin is RuleOrigin.PACK:
        return PackOutcome(fresh, "new_form")
    if says_the_same(row.form.body, item.body):
        return PackOutcome(fresh, "same_now")
    if row.origin is RuleOrigin.OVERLAY and old is not None and is_quieted(row.form.body, old.body):
        mine, theirs = switches(row.form.body), switches(old.body)
        turned = {name: value for name, value in mine.items() if value != theirs[name]}
        text, body = with_switches(item.yaml, item.body, {**switches(item.body), **turned})
        kept = replace(row, version=version, form=Form(content_hash(body), body, text), pack_hash=item.hash)
        return PackOutcome(kept, "still_switched")
    return PackOutcome(replace(row, origin=RuleOrigin.OVERLAY), "site_form_kept", counts=False)


def outcome_without_form(row: RuleRow) -> PackOutcome | None:
    """Return what becomes of a rule that the pack no longer has; None: it is gone already, or the site's own."""
    if row.removed or row.origin is RuleOrigin.SITE:
        return None
    if row.origin is RuleOrigin.OVERLAY:
        return PackOutcome(replace(row, origin=RuleOrigin.SITE, pack_hash=None), "left_to_the_site", counts=False)
    return PackOutcome(replace(row, version=row.version + 1, removed=True), "left_the_pack")


@dataclass(frozen=True, slots=True)
class PackRules:
    """Rules that a pack has changed, in the order in which the log shall have them."""

    outcomes: Sequence[PackOutcome]

    def entries(self) -> list[LogEntry]:
        """Return what the log says of them."""
        return [outcome.row.entry() for outcome in self.outcomes if outcome.counts]

    async def note(self, connection: Connection, positions: Mapping[str, int], now: datetime) -> None:
        """Write the history, once the log has given each rule its position."""
        for outcome in self.outcomes:
            position = positions[outcome.row.id] if outcome.counts else None
            await note_step(connection, outcome.row, HistoryStep(now, RuleAction.PACK, outcome.note), position)


async def take_rules(
    connection: Connection,
    items: Sequence[PackItem],
    gone: Sequence[str],
    old: Mapping[str, Form],
    now: datetime,
) -> PackRules:
    """Bring the rules in force to a pack. Call it with the rules locked.

    Args:
        connection: in a transaction that holds the lock on rules.
        items: rules that the pack brings anew or in a new form.
        gone: ids of rules that it no longer has.
        old: the pack's forms before, by id.
        now: the log's time.
    """
    rows = await read_rules(connection)
    outcomes = [taken_in(rows.get(item.id), item, old.get(item.id)) for item in items]
    left = (outcome_without_form(rows[name]) for name in gone if name in rows)
    outcomes.extend(outcome for outcome in left if outcome is not None)
    for outcome in outcomes:
        await put_rule(connection, outcome.row, now)
    return PackRules(outcomes)


async def sync_texts(connection: Connection, items: Sequence[PackItem]) -> None:
    """Keep the pack's newest text where its meaning stayed: comments and layout make no new version."""
    columns = [[item.id for item in items], [item.hash for item in items], [item.yaml for item in items]]
    await connection.execute(SYNC_ITEM, *columns)
    await connection.execute(SYNC_TEXT, *columns)


def positions_of(
    entries: Sequence[LogEntry], positions: Sequence[int], of: EntryKind = EntryKind.RULE
) -> dict[str, int]:
    """Return the log position of each rule, or of another noun, among entries that were appended."""
    pairs = zip(entries, positions, strict=True)
    return {identifier: position for (kind, identifier, _), position in pairs if kind is of}
