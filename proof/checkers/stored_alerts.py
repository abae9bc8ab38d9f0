"""The alerts that a store holds against those that its log leads to, by the independent evaluator and by one fold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from ioc.domain.event import Entry, EntryKind
from ioc.domain.feed import FeedSpec
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from proof.checkers.alerts import refold
from proof.evaluator.evaluation import evaluate

HISTORY = """
SELECT a.rule, a.key, h.kind, h.severity, h.at, coalesce(h.reason, '') AS reason, h.position, a.opened_position
FROM alert_history h JOIN alert a ON a.id = h.alert WHERE h.actor IS NULL ORDER BY h.position, h.alert, h.number
"""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Move = tuple[str, str, str, str, int, str, int]
"""(rule, key, kind, severity, microseconds, reason, position)."""


@dataclass(frozen=True, slots=True)
class AlertComparison:
    """What the store has, beside what its log leads to."""

    kept: list[Move]
    reference: list[Move]
    fold_mismatches: int
    events: int
    late: int

    @property
    def mismatches(self) -> list[str]:
        """Return each difference from the independent evaluator."""
        kept, given = set(self.kept), set(self.reference)
        return [f"kept, not given by the log: {move}" for move in sorted(kept - given)] + [
            f"given by the log, not kept: {move}" for move in sorted(given - kept)
        ]


async def compare(dsn: str, feeds: Mapping[str, FeedSpec], zone: tzinfo) -> AlertComparison:
    """Read everything back and work it out again, twice."""
    database = Database(dsn, name="proof", connections_max=2, command_timeout_seconds=60.0)
    await database.open()
    try:
        async with database.connection() as connection:
            cursor = await connection.fetchval("SELECT position FROM cursor WHERE name = 'rules'")
            rows = await connection.fetch(HISTORY)
        entries = await _log(EventLog(database), cursor)
    finally:
        await database.close()
    kept = [
        (row["rule"], row["key"], row["kind"], row["severity"], _micros(row["at"]), row["reason"], row["position"])
        for row in rows
        if row["position"] <= cursor
    ]
    expected = await asyncio.to_thread(evaluate, entries, feeds, zone)
    moves: dict[tuple[str, str, int], list[tuple[str, str, int]]] = {}
    for row in rows:
        alert = (row["rule"], row["key"], row["opened_position"])
        moves.setdefault(alert, []).append((row["kind"], row["severity"], row["position"]))
    folded = refold(entries, feeds, zone)
    return AlertComparison(
        kept=kept,
        reference=[(one.rule, one.key, one.kind, one.severity, one.at, one.reason, one.position) for one in expected],
        fold_mismatches=sum(folded.get(alert) != moves.get(alert) for alert in folded.keys() | moves.keys()),
        events=sum(entry.kind is EntryKind.EVENT for entry in entries),
        late=_late(entries),
    )


def _late(entries: Iterable[Entry]) -> int:
    newest: dict[str, datetime] = {}
    late = 0
    for entry in entries:
        if entry.event is not None:
            before = newest.get(entry.event.device, EPOCH)
            late += entry.event.effective < before
            newest[entry.event.device] = max(before, entry.event.effective)
    return late


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


async def _log(log: EventLog, until: int) -> list[Entry]:
    found: list[Entry] = []
    while not found or found[-1].position < until:
        after = (found[-1].position, found[-1].log_time) if found else (0, EPOCH)
        more = await log.read(*after, 5_000)
        if not more:
            break
        found += more
    return [entry for entry in found if entry.position <= until]
