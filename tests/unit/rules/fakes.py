"""A log and a rule store in memory; the store passes the same contract as PostgreSQL's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ioc.domain.alert import AlertNow, OpenAlert, Transition, TransitionKind
from ioc.domain.event import Entry, EntryKind, Event, hash16
from ioc.domain.event_time import effective_time
from ioc.errors import FencedError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ioc.domain.rules.health import RuleHealth
    from ioc.rules.ports import StepResult

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class FakeLog:
    """A log that anybody may append to."""

    entries: list[Entry] = field(default_factory=list)
    gone: bool = False
    """The database does not answer."""
    dropped: set[int] = field(default_factory=set)
    """Positions that retention has dropped."""

    def append(self, kind: EntryKind, now: datetime, **members: Any) -> Entry:
        log_time = max(now, self.entries[-1].log_time) if self.entries else now
        entry = Entry(len(self.entries) + 1, log_time, kind, **members)
        self.entries.append(entry)
        return entry

    def event(self, now: datetime, device: str, data: dict[str, Any], *, feed: str, time: datetime | None = None):
        effective, _ = effective_time(time or now, now)
        key = hash16(str(len(self.entries)).encode())
        return self.append(
            EntryKind.EVENT,
            now,
            event=Event(feed=feed, device=device, key=key, effective=effective, received_at=now, data=data),
        )

    async def read(self, after: int, after_time: datetime, limit: int) -> list[Entry]:
        if self.gone:
            raise StoreUnavailableError("gone")
        assert after_time <= (self.entries[after - 1].log_time if after else after_time)
        return [entry for entry in self.entries[after:] if entry.position not in self.dropped][:limit]


@dataclass(frozen=True)
class FakeStored:
    position: int
    log_time: datetime
    snapshot: bytes | None
    snapshot_position: int
    snapshot_log_time: datetime


@dataclass
class FakeRows:
    """What all workers of one database share."""

    position: int = 0
    log_time: datetime = BEGINNING
    fence: int = 0
    holder: object = None
    snapshot: tuple[bytes, int, datetime] | None = None
    transitions: list[Transition] = field(default_factory=list)
    watched: list[Transition] = field(default_factory=list)
    nows: list[AlertNow] = field(default_factory=list)
    """Every write, oldest first."""
    health: list[RuleHealth] = field(default_factory=list)


class FakeRuleStore:
    """One worker's view of the rows."""

    def __init__(self, rows: FakeRows, log: FakeLog) -> None:
        self.rows = rows
        self.log = log
        self.fence = -1
        self.fail_commits = 0
        self.fail_after_commit = False

    async def acquire_lease(self) -> bool:
        if self.rows.holder not in (None, self):
            return False
        self.rows.holder = self
        self.rows.fence += 1
        self.fence = self.rows.fence
        return True

    async def release_lease(self) -> None:
        if self.rows.holder is self:
            self.rows.holder = None

    async def load(self) -> FakeStored:
        data, position, log_time = self.rows.snapshot or (None, 0, BEGINNING)
        return FakeStored(self.rows.position, self.rows.log_time, data, position, log_time)

    def _check(self, what: str) -> None:
        if self.rows.fence != self.fence:
            raise FencedError(what)

    async def open_alerts(self) -> list[OpenAlert]:
        newest = {made.alert_id: made for made in self.rows.transitions}
        opened = {made.alert_id: made.at for made in self.rows.transitions if made.kind is TransitionKind.OPENED}
        return sorted(
            (
                OpenAlert(
                    id=made.alert_id, rule=made.rule, key=made.key, severity=made.severity,
                    opened_at=opened[made.alert_id], opened_position=made.opened_position, flap_count=made.flap_count,
                    retrospective=made.retrospective, feed=made.feed, device=made.device or "", area=made.area,
                    zone=made.zone, lat=made.lat, lon=made.lon,
                )
                for made in newest.values()
                if made.kind is not TransitionKind.CLEARED
            ),
            key=lambda alert: (alert.rule, alert.key),
        )  # fmt: skip

    async def commit(self, result: StepResult) -> None:
        await asyncio.sleep(0)
        if self.fail_commits:
            self.fail_commits -= 1
            raise StoreUnavailableError("no commit")
        self._check("commit")
        if self.rows.position != result.after:
            raise FencedError("position")
        self.rows.position, self.rows.log_time = result.position, result.log_time
        self.rows.transitions.extend(result.transitions)
        self.rows.watched.extend(result.watched)
        self.rows.nows.extend(result.nows)
        if self.fail_after_commit:
            self.fail_after_commit = False
            raise StoreUnavailableError("committed, but the answer was lost")

    async def save_snapshot(self, memory: bytes, *, position: int, log_time: datetime, version: int) -> None:
        del version
        self._check("snapshot")
        if position > self.rows.position:
            raise FencedError("not committed")
        self.rows.snapshot = (memory, position, log_time)

    async def append_engine(self, value: Mapping[str, Any], now: datetime) -> None:
        self._check("engine")
        self.log.append(EntryKind.ENGINE, now, subject="", value=dict(value))

    async def save_now(self, nows: Sequence[AlertNow], now: datetime) -> None:
        del now
        self._check("now")
        self.rows.nows.extend(nows)

    async def save_health(self, reports: Sequence[RuleHealth], now: datetime) -> None:
        del now
        self._check("health")
        self.rows.health.extend(reports)

    async def append_tick(self, kind: EntryKind, now: datetime) -> None:
        self._check("tick")
        self.log.append(kind, now, subject="")
