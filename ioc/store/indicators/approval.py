"""Approving, rejecting and undoing an import: figures, events, the import and the audit row together, or none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ioc.domain.event import Message, Outcome
from ioc.domain.feed import FeedSpec
from ioc.domain.indicators.indicator import Figure, ImportState, Indicator
from ioc.domain.manual_entry import ManualReading, manual_message, taken_back
from ioc.errors import ForbiddenError, NotFoundError, TransitionError, VersionConflictError
from ioc.indicators.approval import FigureChange, Key, after_changes, merged, reading_of, taken_out
from ioc.store.audit.trail import AuditEntry, append_audit
from ioc.store.indicators.figures import (
    by_period,
    delete_figures,
    figure_json,
    figure_of_json,
    read_figures,
    write_figures,
)
from ioc.store.indicators.imports import Row, get_import, import_rows, lock_indicators
from ioc.store.log.manual_entries import MessageAppender
from ioc.store.log.reader import COLUMNS as EVENT_COLUMNS
from ioc.store.postgres.engine import Connection, Database

REVISIONS = (
    f"SELECT {EVENT_COLUMNS} FROM event WHERE key = ANY($1::bytea[]) AND kind = 'event' "  # noqa: S608 - own text
    "ORDER BY key, revision DESC"
)
DECIDE = (
    "UPDATE indicator_import SET state = $2, version = version + 1, decided_by = $3, decided_at = $4, reason = $5 "
    "WHERE id = $1"
)
UNDO = (
    "UPDATE indicator_import SET state = 'undone', version = version + 1, undone_by = $2, undone_at = $3, reason = $4 "
    "WHERE id = $1"
)
KEEP_BEFORE = "UPDATE indicator_import_row SET before = $3 WHERE import = $1 AND number = $2"
Preparation = Callable[[ManualReading], Awaitable[Message]]
"""How the intake takes a reading in: checked and placed as every other one."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides on which import, having seen which version of it, why, and from where."""

    identifier: str
    version: int
    actor: str
    address: str | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What deciding needs: the tables, the log, the intake, the pack's indicators, and the times of log and wall."""

    database: Database
    log: MessageAppender
    prepare: Preparation
    indicators: Mapping[str, Indicator]
    feeds: Mapping[str, FeedSpec]
    zone: ZoneInfo
    now: datetime
    wall: datetime

    @property
    def today(self) -> date:
        """Return the local day."""
        return self.now.astimezone(self.zone).date()


async def approve(desk: Desk, decision: Decision) -> list[Message]:
    """Let an import count: its figures stand, and the log has their events. Returns what the log took.

    Raises:
        NotFoundError, VersionConflictError, TransitionError: there is none, somebody was first, it does not wait.
        ForbiddenError: who sent an import does not approve it.
    """
    async with desk.database.transaction() as connection:
        row = await _locked(connection, decision, ImportState.PENDING)
        if row["sent_by"] == decision.actor:
            raise ForbiddenError("another account than the one that sent it must approve it")
        rows = [each for each, _ in await import_rows(connection, decision.identifier)]
        _check_known(desk, {each.indicator for each in rows})
        figures = await read_figures(connection, sorted({each.indicator for each in rows}))
        changes = merged(rows, figures, by=decision.identifier, now=desk.now, zone=desk.zone)
        numbers = {(each.indicator, each.period.code): each.number for each in rows}
        kept = [(decision.identifier, numbers[one.key], figure_json(one.before)) for one in changes]
        await connection.executemany(KEEP_BEFORE, kept)
        messages = await _apply(connection, desk, decision, figures, changes)
        state, wall = ImportState.APPROVED, desk.wall
        await connection.execute(DECIDE, decision.identifier, state, decision.actor, wall, decision.reason)
        await _audit(connection, desk, decision, "approved", {"rows": len(rows), "events": len(messages)})
    return messages


async def reject(desk: Desk, decision: Decision) -> None:
    """Refuse an import, with a reason: nothing of it will count.

    Raises:
        NotFoundError, VersionConflictError, TransitionError: as :func:`approve`.
    """
    async with desk.database.transaction() as connection:
        await _locked(connection, decision, ImportState.PENDING)
        state, wall = ImportState.REJECTED, desk.wall
        await connection.execute(DECIDE, decision.identifier, state, decision.actor, wall, decision.reason)
        await _audit(connection, desk, decision, "rejected", {})


async def undo(desk: Desk, decision: Decision) -> list[Message]:
    """Bring back what stood before an import: former figures, and events withdrawn or revised to what they said.

    Raises:
        NotFoundError, VersionConflictError, TransitionError: as :func:`approve`; or a later import has changed some of
            its figures, which must be undone first.
    """
    async with desk.database.transaction() as connection:
        await _locked(connection, decision, ImportState.APPROVED)
        rows = await import_rows(connection, decision.identifier)
        keys = [(each.indicator, each.period.code) for each, _ in rows]
        _check_known(desk, {indicator for indicator, _ in keys})
        figures = await read_figures(connection, sorted({indicator for indicator, _ in keys}))
        later = {figures[key].changed_by for key in keys if key in figures} - {decision.identifier}
        if later:
            numbers = [str((found or {}).get("number", one)) for one in sorted(later)
                       for found in [await get_import(connection, one)]]  # fmt: skip
            raise TransitionError(f"later imports have changed its figures, undo them first: {', '.join(numbers)}")
        former = [(key, figure_of_json(before)) for key, (_, before) in zip(keys, rows, strict=True)]
        messages = await _apply(connection, desk, decision, figures, taken_out(former, figures))
        await connection.execute(UNDO, decision.identifier, decision.actor, desk.wall, decision.reason)
        await _audit(connection, desk, decision, "undone", {"rows": len(rows), "events": len(messages)})
    return messages


async def _locked(connection: Connection, decision: Decision, state: ImportState) -> Row:
    """Return the import, with everything of indicators locked: nobody else changes any of it meanwhile."""
    await lock_indicators(connection)
    row = await get_import(connection, decision.identifier)
    if row is None:
        raise NotFoundError("no such import")
    if row["version"] != decision.version:
        raise VersionConflictError("somebody else decided on this import first")
    if row["state"] != state:
        raise TransitionError(f"it is {row['state']}: that is possible only while it is {state}")
    return row


def _check_known(desk: Desk, codes: set[str]) -> None:
    gone = sorted(codes - set(desk.indicators))
    if gone:
        raise TransitionError(f"the pack no longer has the indicator {gone[0]}")


async def _apply(
    connection: Connection, desk: Desk, decision: Decision, figures: Mapping[Key, Figure],
    changes: Sequence[FigureChange],
) -> list[Message]:  # fmt: skip
    """Write the figures as they stand after the changes, and tell the log; the log's head is locked last."""
    made = after_changes(figures, changes)
    nonce = f"{decision.identifier} {decision.version}"
    told: list[tuple[Key, Message]] = []
    for change in changes:
        if change.after is not None and change.after.event_id is not None:
            message = await _message(desk, change.after, made)
            told.append((change.key, manual_message(message, number=decision.version, nonce=nonce)))
    withdrawn = [
        change.before.event
        for change in changes
        if change.before is not None and change.before.event is not None
        and (change.after is None or change.after.event_id is None)
    ]  # fmt: skip
    taken = await _taken_back(connection, withdrawn, now=desk.now, nonce=nonce)
    messages = [message for _, message in told] + taken
    receipts = await desk.log.append_messages(connection, messages, desk.now) if messages else []
    assert all(receipt.outcome is Outcome.STORED for receipt in receipts), "a person's revision is like no other"
    for key, message in told:
        made[key] = replace(made[key], event=message.key)
    await delete_figures(connection, [change.key for change in changes if change.after is None])
    await write_figures(connection, [made[change.key] for change in changes if change.after is not None])
    return messages


async def _message(desk: Desk, figure: Figure, figures: Mapping[Key, Figure]) -> Message:
    """Return the reading of a figure as the log takes it; it lies where its indicator does."""
    indicator = desk.indicators[figure.indicator]
    fields = desk.feeds[indicator.feed].fields
    reading = reading_of(indicator, figure, by_period(figures, indicator.code), desk.today, fields)
    message = await desk.prepare(reading)
    key = message.key if figure.event is None else figure.event
    return message._replace(key=key, area=indicator.area, zone=indicator.zone)


async def _taken_back(connection: Connection, events: Sequence[bytes], *, now: datetime, nonce: str) -> list[Message]:
    """Return the revisions that take events back. What retention has dropped since is not there to be taken back."""
    if not events:
        return []
    revisions: dict[bytes, list[Mapping[str, Any]]] = {}
    for row in await connection.fetch(REVISIONS, list(events)):
        revisions.setdefault(bytes(row["key"]), []).append(row)
    return [
        taken_back(rows[0], sorted(row["position"] for row in rows), now=now, nonce=nonce)
        for rows in revisions.values()
    ]


async def _audit(
    connection: Connection, desk: Desk, decision: Decision, action: str, detail: Mapping[str, Any]
) -> None:
    told = {**detail, **({} if decision.reason is None else {"reason": decision.reason})}
    entry = AuditEntry(decision.actor, f"indicator.{action}", decision.identifier, decision.address, told)
    await append_audit(connection, entry, desk.wall)
