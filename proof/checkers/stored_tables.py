"""After a run: wait until every worker has read the log to its end, then read the tables back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import asyncpg

from ioc.domain.event import Entry, Event
from ioc.domain.feed import FeedSpec
from ioc.packs.loader import load_pack
from ioc.store.embedded.server import attach
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from proof.checkers.alerts import Moves
from proof.checkers.events import events_of
from proof.checkers.series import SeriesKey, SeriesRow
from proof.harness.instance import Instance, InstanceError

ENGINE_MOVES = ("opened", "raised", "lowered", "cleared", "reopened")
CHUNK = 5_000
UNREACHABLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(frozen=True, slots=True)
class StoredTables:
    """The tables of an instance after a run."""

    entries: list[Entry]
    feeds: Mapping[str, FeedSpec]
    zone: tzinfo
    series: Mapping[SeriesKey, SeriesRow]
    alerts: Mapping[tuple[str, str, int], Moves]
    counts: Mapping[str, int]


async def settle(instance: Instance, timeout_seconds: float = 60.0) -> None:
    """Wait until the cursors of rules and roll-up stand at the head of a log that does not move.

    Raises:
        InstanceError: they do not come there.
    """
    deadline = time.monotonic() + timeout_seconds
    shown: dict[str, int] = {}
    calm_since: float | None = None
    while time.monotonic() < deadline:
        try:
            async with instance.database() as connection:
                head = await connection.fetchval("SELECT position FROM log_head WHERE id = 1")
                rows = await connection.fetch("SELECT name, position FROM cursor WHERE name IN ('rules', 'rollup')")
        except UNREACHABLE:
            await asyncio.sleep(0.5)
            continue
        former, shown = shown, {"head": head, **{row["name"]: row["position"] for row in rows}}
        behind = shown.get("rules") != head or shown.get("rollup") != head
        # A tick while timers are pending moves the head each second; both cursors meet it within one.
        calm_since = None if behind or former.get("head") != head else calm_since or time.monotonic()
        if calm_since is not None:
            return
        await asyncio.sleep(0.3)
    raise InstanceError(f"the workers did not reach the head of the log: {shown}")


async def read_tables(instance: Instance, devices: Collection[str]) -> StoredTables:
    """Read what the checkers compare. The log is read up to the rules' cursor, which stands at its head."""
    database = Database(instance.dsn, name="proof", connections_max=2, command_timeout_seconds=60.0)
    await database.open()
    try:
        async with database.connection() as connection, connection.transaction(isolation="repeatable_read"):
            cursor: int = await connection.fetchval("SELECT position FROM cursor WHERE name = 'rules'")
            series = await connection.fetch(
                "SELECT device, field, step, bucket, n, sum, min, max FROM series WHERE device = ANY($1)", list(devices)
            )
            moves = await connection.fetch(
                "SELECT a.rule, a.key, a.opened_position, h.kind, h.severity, h.position FROM alert_history h "
                "JOIN alert a ON a.id = h.alert WHERE h.kind = ANY($1) ORDER BY h.alert, h.number",
                list(ENGINE_MOVES),
            )
            counts = await _counts(connection, devices)
        entries = await _read_log(EventLog(database), until=cursor)
    finally:
        await database.close()
    pack = load_pack(str(instance.data / "pack"), shapes=False)
    alerts: dict[tuple[str, str, int], Moves] = {}
    for row in moves:
        alert = (row["rule"], row["key"], row["opened_position"])
        alerts.setdefault(alert, []).append((row["kind"], row["severity"], row["position"]))
    return StoredTables(
        entries=entries,
        feeds=pack.feeds,
        zone=pack.zone,
        series={
            (row["device"], row["field"], row["step"], row["bucket"]): (row["n"], row["sum"], row["min"], row["max"])
            for row in series
        },
        alerts=alerts,
        counts=counts,
    )


async def _counts(connection: asyncpg.Connection, devices: Collection[str]) -> dict[str, int]:
    """Return the same number of events as five tables tell it, and the dead letters."""
    questions = {
        "events": "SELECT count(*) FROM event WHERE kind = 'event' AND device = ANY($1)",
        "keys": "SELECT count(*) FROM event_key WHERE cardinality($1::text[]) > 0",
        "ledger": "SELECT coalesce(sum(stored), 0) FROM ledger WHERE cardinality($1::text[]) > 0",
        "devices_seen": "SELECT coalesce(sum(events), 0) FROM device_seen WHERE device = ANY($1)",
        "dead_letters": "SELECT count(*) FROM dead_letter WHERE cardinality($1::text[]) > 0",
    }
    return {name: int(await connection.fetchval(text, list(devices))) for name, text in questions.items()}


async def read_events(data: Path, devices: Collection[str]) -> list[Event]:
    """Return the events of some devices from the log of a server that runs on ``data``, with no worker beside it."""
    database = Database(attach(data), name="proof", connections_max=2, command_timeout_seconds=60.0)
    await database.open()
    try:
        return events_of(await _read_log(EventLog(database), until=None), devices)
    finally:
        await database.close()


async def _read_log(log: EventLog, *, until: int | None) -> list[Entry]:
    entries: list[Entry] = []
    position, log_time = 0, datetime(1990, 1, 1, tzinfo=UTC)
    while True:
        found = await log.read(position, log_time, CHUNK)
        if not found:
            return [entry for entry in entries if until is None or entry.position <= until]
        entries.extend(found)
        position, log_time = found[-1].position, found[-1].log_time


def conserved(counts: Mapping[str, Any]) -> bool:
    """Tell whether the tables agree on how many events there are, and none was refused."""
    return (
        counts["events"] == counts["keys"] == counts["ledger"] == counts["devices_seen"] and not counts["dead_letters"]
    )
