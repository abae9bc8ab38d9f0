"""Where the rule engine stands: lease, cursor, snapshots, and its commits.

The lease (a session advisory lock on a connection of its own) keeps a second worker idle; it is a courtesy. Safety is
the fence: taking the lease raises it, and every write asks for the fence and the position it began from, so a worker
that was frozen and has lost its lease can write nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import asyncpg

from ioc.domain.alert import AlertNow, OpenAlert, Transition
from ioc.domain.event import EntryKind
from ioc.domain.incidents.grouping import Grouping
from ioc.domain.rules.health import RuleHealth
from ioc.domain.severity import Severity
from ioc.errors import FencedError, StoreUnavailableError
from ioc.store.alerts.engine import write_transitions
from ioc.store.alerts.now import write_alert_nows
from ioc.store.changes.writer import ChangeRecord, append_changes
from ioc.store.incidents.engine import fold_stretch, mark_grouping, write_incidents
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import UNREACHABLE, Connection, Database, close_gracefully
from ioc.store.postgres.statement import columns_of, select_list
from ioc.store.rules.health import save_health, write_watched

CURSOR = "rules"
SHARD = "all"
LEASE_KEY = 0x696F6372756C6573
"""The advisory lock's number: `iocrules` in ASCII."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

START_CURSOR = "INSERT INTO cursor (name, position, log_time) VALUES ($1, 0, $2) ON CONFLICT (name) DO NOTHING"
RAISE_FENCE = "UPDATE cursor SET fence = fence + 1 WHERE name = $1 RETURNING fence"
MOVE_CURSOR = """
UPDATE cursor SET position = $3, log_time = $4, events_per_second = $6
WHERE name = $1 AND position = $2 AND fence = $5
"""
TAKE_FENCE = "SELECT 1 FROM cursor WHERE name = $1 AND fence = $2 FOR NO KEY UPDATE"
HOLD_FENCE = "SELECT 1 FROM cursor WHERE name = $1 AND fence = $2 FOR SHARE"
LOAD = """
SELECT c.position, c.log_time, m.memory, m.position AS snapshot_position, m.log_time AS snapshot_log_time
FROM cursor c LEFT JOIN rule_memory m ON m.shard = $2 WHERE c.name = $1
"""
SAVE = """
INSERT INTO rule_memory (shard, position, log_time, version, memory)
SELECT $1, $2, $3, $4, $5 FROM cursor WHERE name = $6 AND fence = $7 AND position >= $2
ON CONFLICT (shard) DO UPDATE SET position = $2, log_time = $3, version = $4, memory = $5
"""


OPEN_COMPUTED = {"device": "coalesce(a.device, '')"}
OPEN_ALERTS = f"""
SELECT {select_list(columns_of(OpenAlert), of="a", computed=OPEN_COMPUTED)}
FROM alert a WHERE a.condition = 'firing' ORDER BY a.rule, a.key
"""  # noqa: S608 - fixed names


class Stretch(Protocol):
    """What the rules room hands over (its StepResult), by shape."""

    @property
    def after(self) -> int:
        """The cursor before."""
        ...

    @property
    def position(self) -> int:
        """The cursor after."""
        ...

    @property
    def log_time(self) -> datetime:
        """Its log_time."""
        ...

    @property
    def events_per_second(self) -> float:
        """What the engine folds when it is busy; 0: not measured yet."""
        ...

    @property
    def transitions(self) -> Sequence[Transition]:
        """What the stretch led to, in order."""
        ...

    @property
    def nows(self) -> Sequence[AlertNow]:
        """How things are with alerts after the stretch."""
        ...

    @property
    def watched(self) -> Sequence[Transition]:
        """What rules in monitor mode saw in it."""
        ...


@dataclass(frozen=True, slots=True)
class StoredMemory:
    """The engine's cursor, and its newest snapshot with the position it was taken at."""

    position: int
    log_time: datetime
    snapshot: bytes | None
    snapshot_position: int
    snapshot_log_time: datetime


class RuleMemoryStore:
    """The rule engine's place in one database."""

    def __init__(
        self, database: Database, log: EventLog, *, number_prefix: str = "HB", grouping: Grouping | None = None
    ) -> None:
        """``grouping``: how alerts are grouped to incidents; None: not at all."""
        self._database = database
        self._log = log
        self._number_prefix = number_prefix
        self._grouping = grouping or Grouping()
        self._marked = False
        """Whether the log says that it is grouped so since this worker has the lease."""
        self._lease: Connection | None = None
        self._fence = -1

    async def acquire_lease(self) -> bool:
        """Try to become the one worker; true also raises the fence, so that a former one can write no more.

        Raises:
            StoreUnavailableError: PostgreSQL does not answer.
        """
        await self.release_lease()
        lease = await self._database.connect()
        self._lease = lease  # from here on a stop in the middle closes it
        try:
            held = await lease.fetchval("SELECT pg_try_advisory_lock($1)", LEASE_KEY)
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            raise StoreUnavailableError(f"the lease cannot be asked for: {error}") from error
        if not held:
            await self.release_lease()
            return False
        async with self._database.transaction() as connection:
            await connection.execute(START_CURSOR, CURSOR, BEGINNING)
            self._fence = await connection.fetchval(RAISE_FENCE, CURSOR)
        self._marked = False
        return True

    async def release_lease(self) -> None:
        """Let the next worker begin at once."""
        lease, self._lease = self._lease, None
        if lease is None:
            return
        await close_gracefully(lease)

    def _check_lease(self) -> None:
        if self._lease is None or self._lease.is_closed():
            raise StoreUnavailableError("the lease's connection is gone")

    async def load(self) -> StoredMemory:
        """Return the cursor and the newest snapshot."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(LOAD, CURSOR, SHARD)
        if row is None:
            return StoredMemory(0, BEGINNING, None, 0, BEGINNING)
        return StoredMemory(
            position=row["position"],
            log_time=row["log_time"],
            snapshot=None if row["memory"] is None else bytes(row["memory"]),
            snapshot_position=row["snapshot_position"] or 0,
            snapshot_log_time=row["snapshot_log_time"] or BEGINNING,
        )

    async def open_alerts(self) -> list[OpenAlert]:
        """Return the alerts that fire by what is committed."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(OPEN_ALERTS)
        return [OpenAlert(**{**row, "severity": Severity(row["severity"])}) for row in rows]

    async def commit(self, result: Stretch) -> None:
        """Move the cursor and write the transitions in one transaction.

        Raises:
            FencedError: another worker has taken over; nothing was written.
            StoreUnavailableError: whether it was committed is unknown; load again before going on.
        """
        self._check_lease()
        async with self._database.transaction() as connection:
            status = await connection.execute(
                MOVE_CURSOR,
                CURSOR,
                result.after,
                result.position,
                result.log_time,
                self._fence,
                result.events_per_second,
            )
            if status != "UPDATE 1":
                raise FencedError(f"the rules cursor is no longer at {result.after} under fence {self._fence}")
            if result.watched:
                await write_watched(connection, result.watched)
            if result.transitions:
                await self._write(connection, result)
            await write_alert_nows(connection, result.nows, result.log_time)
        self._marked = self._marked or bool(result.transitions)

    async def _write(self, connection: Connection, result: Stretch) -> None:
        """Write transitions, the incidents that they move, and the changes of both."""
        if not self._marked:
            await mark_grouping(connection, self._grouping, result.after)
        moves = await fold_stretch(connection, self._grouping, result.transitions)
        changes = await write_transitions(connection, result.transitions, number_prefix=self._number_prefix)
        changes += await write_incidents(connection, self._grouping, moves)
        await append_changes(connection, changes)

    async def save_now(self, nows: Sequence[AlertNow], now: datetime) -> None:
        """Keep how things are with alerts, where no commit takes it along.

        Raises:
            FencedError: another worker has taken over; nothing was written.
        """
        self._check_lease()
        async with self._database.transaction() as connection:
            # Lock the rows as a commit does, so that writers take turns.
            if await connection.fetchval(TAKE_FENCE, CURSOR, self._fence) is None:
                raise FencedError(f"nothing of now under fence {self._fence}")
            await write_alert_nows(connection, nows, now)

    async def save_snapshot(self, memory: bytes, *, position: int, log_time: datetime, version: int) -> None:
        """Keep the memory as it is after ``position``.

        Raises:
            FencedError: another worker has taken over, or ``position`` is not committed; nothing was written.
        """
        self._check_lease()
        async with self._database.transaction() as connection:
            status = await connection.execute(SAVE, SHARD, position, log_time, version, memory, CURSOR, self._fence)
            if status != "INSERT 0 1":
                raise FencedError(f"no snapshot at {position} under fence {self._fence}")

    async def save_health(self, reports: Sequence[RuleHealth], now: datetime) -> None:
        """Keep how rules do; people are told of those that came to be refused or degraded, or ceased to.

        Raises:
            FencedError: another worker has taken over; nothing was written.
        """
        self._check_lease()
        async with self._database.transaction() as connection:
            if await connection.fetchval(HOLD_FENCE, CURSOR, self._fence) is None:
                raise FencedError(f"no health under fence {self._fence}")
            await save_health(connection, reports, now)
            turned = [report for report in reports if report.turned]
            if turned:
                changes = [ChangeRecord("rule", report.rule, now, version=report.version) for report in turned]
                await append_changes(connection, changes)

    async def append_tick(self, kind: EntryKind, now: datetime) -> None:
        """Append a tick or a gap to the log.

        Raises:
            FencedError: another worker has taken over; nothing was written.
        """
        await self._append(kind, None, now)

    async def append_engine(self, value: Mapping[str, Any], now: datetime) -> None:
        """Append an `engine` entry to the log: who folds from here on.

        Raises:
            FencedError: another worker has taken over; nothing was written.
        """
        await self._append(EntryKind.ENGINE, value, now)

    async def _append(self, kind: EntryKind, value: Mapping[str, Any] | None, now: datetime) -> None:
        self._check_lease()
        async with self._database.transaction() as connection:
            if await connection.fetchval(HOLD_FENCE, CURSOR, self._fence) is None:
                raise FencedError(f"no {kind} under fence {self._fence}")
            await self._log.append_entries(connection, [(kind, "", value)], now)
