"""The alerts of a store held against its log by the independent evaluator: `python -m proof.verify --data DIR`.

`ioc verify alerts` folds the log anew with the engine; this asks proof/reference.py, which shares no code with it and
keeps everything in memory: for a day or so of a city, not for a year.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from ioc.domain.event import Entry, EntryKind
from ioc.domain.feed import FeedSpec
from ioc.packs.loader import load_pack
from ioc.store.embedded import attach
from ioc.store.engine import Database
from ioc.store.event_log import EventLog
from proof.checkers import refold
from proof.reference import evaluate

SHOWN_MAX = 50
HISTORY = """
SELECT a.rule, a.key, h.kind, h.severity, h.at, coalesce(h.reason, '') AS reason, h.position, a.opened_position
FROM alert_history h JOIN alert a ON a.id = h.alert WHERE h.actor IS NULL ORDER BY h.position, h.alert, h.number
"""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Move = tuple[str, str, str, str, int, str, int]
"""(rule, key, kind, severity, microseconds, reason, position)."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What the house kept, beside what its log leads to."""

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


async def compare(dsn: str, feeds: Mapping[str, FeedSpec], zone: tzinfo) -> Compared:
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
    told = await asyncio.to_thread(evaluate, entries, feeds, zone)
    moves: dict[tuple[str, str, int], list[tuple[str, str, int]]] = {}
    for row in rows:
        alert = (row["rule"], row["key"], row["opened_position"])
        moves.setdefault(alert, []).append((row["kind"], row["severity"], row["position"]))
    folded = refold(entries, feeds, zone)
    return Compared(
        kept=kept,
        reference=[(one.rule, one.key, one.kind, one.severity, one.at, one.reason, one.position) for one in told],
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


def main() -> int:
    """Compare a running instance's alerts with its log; the exit code is 1 when they differ."""
    parser = argparse.ArgumentParser(prog="python -m proof.verify", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the instance")
    parser.add_argument("--pack", default="hoabinh", help="its pack: a name or a folder")
    given = parser.parse_args()
    pack = load_pack(given.pack, shapes=False)
    dsn = os.environ.get("IOC_DATABASE_URL") or attach(given.data)
    found = asyncio.run(compare(dsn, pack.feeds, pack.zone))
    for difference in found.mismatches[:SHOWN_MAX]:
        print(difference)
    print(
        f"{found.events} events, {len(found.kept)} moves: {len(found.mismatches)} differ from the independent"
        f" evaluator, {found.fold_mismatches} alerts from a fold in one go"
    )
    return 1 if found.mismatches or found.fold_mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
