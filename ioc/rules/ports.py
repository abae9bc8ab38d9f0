"""What the engine's worker needs of the world: a log to read, a store to commit to, something to wait on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ioc.domain.alert import AlertNow, OpenAlert, Transition
from ioc.domain.event import Entry, EntryKind
from ioc.domain.rules.health import RuleHealth


@dataclass(frozen=True, slots=True)
class StepResult:
    """What folding a stretch led to: the cursor moves from ``after`` to ``position`` with it, or not at all."""

    after: int
    position: int
    log_time: datetime
    transitions: Sequence[Transition] = ()
    watched: Sequence[Transition] = ()
    """Of rules in monitor mode, bounded: kept for people, raised nowhere."""
    events_per_second: float = 0.0
    """What this engine folds and commits when it is busy; 0: not measured yet. Fair intake goes by it."""
    nows: Sequence[AlertNow] = ()
    """How things are with alerts after it, where that is worth a write."""


class StoredState(Protocol):
    """Where the engine stands: the cursor, and the newest snapshot with its own position (none: an empty memory)."""

    @property
    def position(self) -> int:
        """The last entry whose transitions are committed."""
        ...

    @property
    def log_time(self) -> datetime:
        """Its log_time."""
        ...

    @property
    def snapshot(self) -> bytes | None:
        """The memory's bytes."""
        ...

    @property
    def snapshot_position(self) -> int:
        """The entry after which they were taken, at most ``position``."""
        ...

    @property
    def snapshot_log_time(self) -> datetime:
        """Its log_time."""
        ...


class LogReader(Protocol):
    """The log, read by cursor."""

    async def read(self, after: int, after_time: datetime, limit: int) -> list[Entry]:
        """Return up to ``limit`` entries after a position, in order."""
        ...


class RuleStore(Protocol):
    """Where transitions go. Every write is fenced: it fails once another worker holds the lease."""

    async def acquire_lease(self) -> bool:
        """Try to become the one worker; true also raises the fence, so that a former one can write no more."""
        ...

    async def load(self) -> StoredState:
        """Return the cursor and the newest snapshot."""
        ...

    async def open_alerts(self) -> list[OpenAlert]:
        """Return the alerts that fire by what is committed."""
        ...

    async def commit(self, result: StepResult) -> None:
        """Move the cursor and write the transitions in one transaction; FencedError when somebody else moved it."""
        ...

    async def save_now(self, nows: Sequence[AlertNow], now: datetime) -> None:
        """Keep how things are with alerts, where no commit takes it along."""
        ...

    async def save_snapshot(self, memory: bytes, *, position: int, log_time: datetime, version: int) -> None:
        """Keep the memory as it is after ``position``, which is committed."""
        ...

    async def save_health(self, reports: Sequence[RuleHealth], now: datetime) -> None:
        """Keep how rules do."""
        ...

    async def append_tick(self, kind: EntryKind, now: datetime) -> None:
        """Append a tick or a gap to the log."""
        ...

    async def append_engine(self, value: Mapping[str, Any], now: datetime) -> None:
        """Append an `engine` entry to the log: who folds from here on."""
        ...

    async def release_lease(self) -> None:
        """Let the next worker begin at once."""
        ...


class Conductor(Protocol):
    """Who steps the clock of a drill, and steps it no further before the engine has folded what came before."""

    def asked(self) -> int:
        """Return the number of its newest question."""
        ...

    def answer(self, number: int, due: datetime | None) -> None:
        """Say that all that was in the log at question ``number`` is folded, and when the next timer ends."""
        ...
