"""The engine's worker: reads the log by cursor, folds, commits; writes the ticks; snapshots its memory.

Only the holder of the lease works, and every commit is fenced, so two can never write. After a crash it takes the
last snapshot and folds the entries up to the cursor again without emitting: what they led to is committed already.

In a drill the conductor steps the clock from timer to timer: the engine ticks at each due time and at no other, and
answers when all is folded. So the log holds the same entries at any speed, and no jump of the clock is a gap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, tzinfo

import structlog

from ioc import NOT_COMPILED
from ioc.domain.alert import Transition
from ioc.domain.event import Entry, EntryKind
from ioc.domain.feed import FeedSpec, Label
from ioc.errors import FencedError, StoreUnavailableError
from ioc.rules.fold.health import HealthBook
from ioc.rules.fold.now_updates import NewsDesk
from ioc.rules.fold.reconcile import reconcile
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.semantics import mark_of, this_engine
from ioc.rules.fold.step import step
from ioc.rules.language.rule import EPOCH, from_us, to_us
from ioc.rules.ports import Conductor, LogReader, RuleStore, StepResult, StoredState
from ioc.rules.state.memory import VERSION, Memory, MemoryVersionError
from ioc.rules.state.tally import Tally
from ioc.runtime.clock import IOClock, LogClock
from ioc.runtime.liveness import TURN_SECONDS_MAX, Beat, no_beat
from ioc.runtime.metrics import Metrics
from ioc.runtime.waiter import Waiter

BATCH = 1_000
"""Entries folded into one transaction; a fuller batch would hold back the first alert in it."""
TICK_SECONDS = 1.0
GAP_SECONDS = 10.0
MEASURED_MIN = 100
PACE_WEIGHT = 0.2
HEALTH_SECONDS = 5.0
RETRY_SECONDS = 1.0
STOP_SECONDS = 5.0
WARNED_SECONDS = 60.0
"""How often the log says that a bound is reached."""


class RuleEngine:
    """Folds the log into alerts until cancelled. One object, one worker; any number of them may stand by."""

    def __init__(
        self,
        *,
        reader: LogReader,
        store: RuleStore,
        waiter: Waiter,
        feeds: Mapping[str, FeedSpec],
        zones: Mapping[str, Label],
        timezone: tzinfo = UTC,
        log_clock: LogClock,
        io_clock: IOClock,
        metrics: Metrics,
        poll_seconds: float,
        snapshot_seconds: float,
        conductor: Conductor | None = None,
        beat: Beat = no_beat,
    ) -> None:
        """``conductor`` is there in a drill only; ``beat`` is called at each turn, whatever the turn is spent on."""
        self._reader = reader
        self._store = store
        self._waiter = waiter
        self._feeds = feeds
        self._zones = zones
        self._timezone = timezone
        self._log_clock = log_clock
        self._io_clock = io_clock
        self._metrics = metrics
        self._poll_seconds = poll_seconds
        self._snapshot_seconds = snapshot_seconds
        self._conductor = conductor
        self._beat = beat
        self._memory = Memory()
        self._rules = RuleSet(feeds, zones, timezone=timezone)
        self._snapshot_position = 0
        self._snapshot_at = 0.0
        self._ticked_at: datetime | None = None
        self._book = HealthBook()
        self._news = NewsDesk()
        self._told_at = -HEALTH_SECONDS
        self._ready = False
        self._pace = 0.0  # events per second when busy
        self._warns_from = 0.0

    @property
    def position(self) -> int:
        """Return the last entry that is folded and committed."""
        return self._memory.position

    async def run(self) -> None:
        """Work until cancelled; an unreachable database is waited for.

        Raises:
            FencedError: another worker has taken over; this process must end.
        """
        try:
            while True:
                try:
                    await self._take_over()
                    while True:
                        await self._turn()
                except StoreUnavailableError as error:
                    # Whether the last commit stands is unknown: begin again from what the store says.
                    self._ready = False
                    structlog.get_logger().warning("rules_wait", error=str(error))
                    self._beat()
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            await self._stop()

    async def _take_over(self) -> None:
        """Wait for the lease, then bring the memory to the cursor."""
        self._ready = False
        while not await self._store.acquire_lease():  # the holder is another process
            self._beat(working=False)
            await asyncio.sleep(RETRY_SECONDS)
        self._beat()
        stored = await self._store.load()
        self._memory, position, log_time = self._restored(stored)
        anew = position == 0 and stored.position > 0
        self._rules = RuleSet(self._feeds, self._zones, timezone=self._timezone)
        self._rules.load(self._memory.rules, self._memory.failed)
        while position < stored.position:
            entries = await self._reader.read(position, log_time, BATCH)
            entries = [entry for entry in entries if entry.position <= stored.position]
            if not entries:
                break  # the cursor is past what is kept of the log: what was dropped had been folded
            for entry in entries:
                step(self._rules, self._memory, entry)
            position, log_time = entries[-1].position, entries[-1].log_time
            self._beat()
            await asyncio.sleep(0)
        if anew:
            await self._reconcile()
        await self._mark(stored.position, anew=anew)
        self._memory.position, self._memory.log_us = stored.position, to_us(stored.log_time)
        self._memory.tally = Tally()
        self._news.begin(self._memory, self._io_clock.seconds())
        self._snapshot_position, self._snapshot_at = stored.snapshot_position, self._io_clock.seconds()
        self._ticked_at = from_us(self._memory.tick_us) if self._memory.tick_us else None
        self._ready = True
        structlog.get_logger().info(
            "rules_ready",
            position=stored.position,
            rules=len(self._rules.rules),
            refused=self._rules.refused,
            not_compiled=NOT_COMPILED,
        )

    def _restored(self, stored: StoredState) -> tuple[Memory, int, datetime]:
        """Return (memory, position, log_time) of the snapshot; an unreadable one means folding from the beginning."""
        if stored.snapshot is None:
            return Memory(), 0, EPOCH
        try:
            memory = Memory.restore(stored.snapshot)
        except MemoryVersionError as error:
            structlog.get_logger().warning("rules_snapshot_unreadable", error=str(error))
            return Memory(), 0, EPOCH
        return memory, stored.snapshot_position, stored.snapshot_log_time

    async def _reconcile(self) -> None:
        """After a fold from the beginning of the kept log, take over the alerts that the store has open."""
        found = reconcile(self._rules, self._memory, await self._store.open_alerts())
        if not found.agreed:
            structlog.get_logger().warning("rules_reconciled", **asdict(found))

    async def _mark(self, position: int, *, anew: bool) -> None:
        """Say in the log who folds from here on, where that is another engine, other texts or a memory made anew."""
        ours = this_engine(self._feeds, self._zones, self._timezone)
        last = None if self._memory.engine is None else mark_of(self._memory.engine)
        if anew or not ours.same(last):
            await self._store.append_engine(replace(ours, position=position).value(), self._log_clock.now())

    async def _turn(self) -> None:
        """Fold what there is, tick if a second has passed, snapshot if it is time, else wait."""
        self._beat()
        started = self._io_clock.seconds()
        # Asked before the log is read, so that the read covers what was sent until then.
        asked = self._conductor.asked() if self._conductor is not None else 0
        entries = await self._reader.read(self._memory.position, from_us(self._memory.log_us), BATCH)
        if entries:
            await self._fold(entries)
            self._measure(len(entries), self._io_clock.seconds() - started)
        ticked = await self._tick()
        if self._conductor is not None and not (entries or ticked):
            due_us = self._memory.next_due_log_us()
            self._conductor.answer(asked, None if due_us is None else from_us(due_us))
        if self._news.is_due(self._io_clock.seconds()):
            await self._tell_news()
        if self._io_clock.seconds() - self._snapshot_at >= self._snapshot_seconds:
            await self._snapshot()
        if self._io_clock.seconds() - self._told_at >= HEALTH_SECONDS:
            await self._tell_health()
        if len(entries) < BATCH:
            await self._waiter.wait(self._wait_seconds())

    async def _fold(self, entries: Sequence[Entry]) -> None:
        """Fold a stretch and commit what it led to."""
        after = self._memory.position
        transitions: list[Transition] = []
        self._ready = False  # the memory runs ahead of the cursor until the commit: never snapshot it here
        for entry in entries:
            transitions.extend(step(self._rules, self._memory, entry))
        last = entries[-1]
        nows = self._news.take(self._rules, self._memory, transitions, seconds=self._io_clock.seconds())
        result = StepResult(
            after, last.position, last.log_time, transitions, self._memory.tally.watched,
            events_per_second=self._pace, nows=nows,
        )  # fmt: skip
        await self._store.commit(result)
        self._ready = True
        self._metrics.alert_news_written.inc(len(nows))
        self._metrics.alert_news_waiting.set(self._news.waiting)
        self._book.take(self._memory.tally, transitions, last.log_time)
        self._report(entries, transitions)

    async def _tell_news(self) -> None:
        """Write what waits and what no commit took along."""
        nows = self._news.take(self._rules, self._memory, seconds=self._io_clock.seconds())
        if nows:
            await self._store.save_now(nows, self._log_clock.now())
            self._metrics.alert_news_written.inc(len(nows))
            self._metrics.alert_news_waiting.set(self._news.waiting)

    def _measure(self, count: int, seconds: float) -> None:
        """Learn the pace from a stretch that was long enough for its commit not to be most of it."""
        if count < MEASURED_MIN or seconds <= 0.0:
            return
        pace = count / seconds
        self._pace = pace if not self._pace else self._pace + PACE_WEIGHT * (pace - self._pace)
        self._metrics.rules_events_per_second.set(self._pace)

    def _report(self, entries: Sequence[Entry], transitions: Sequence[Transition]) -> None:
        """Count what was committed."""
        now = self._log_clock.now()
        received = (
            {entry.position: entry.event.received_at for entry in entries if entry.event is not None}
            if transitions
            else {}
        )
        for transition in transitions:
            self._metrics.alert_transitions.labels(transition.kind, transition.severity).inc()
            if transition.position in received:
                seconds = (now - received[transition.position]).total_seconds()
                self._metrics.alert_latency_seconds.observe(max(seconds, 0.0))
        tally, self._memory.tally = self._memory.tally, Tally()
        for counter, by_rule in (
            (self._metrics.rules_evaluated, tally.evaluated),
            (self._metrics.rules_errors, tally.errors),
            (self._metrics.rules_no_data, tally.no_data),
            (self._metrics.rules_late, tally.late),
            (self._metrics.rules_monitored, tally.monitored),
        ):
            for rule, count in by_rule.items():
                if count:
                    counter.labels(rule).inc(count)
        self._metrics.rules_full.inc(tally.full.total())
        if tally.refused:
            structlog.get_logger().warning("rules_refused", counts=dict(tally.refused), why=self._rules.refused)
        if tally.full and (seconds := self._io_clock.seconds()) >= self._warns_from:
            # At a bound every commit counts some more: the metric has them all, the log says it now and then.
            self._warns_from = seconds + WARNED_SECONDS
            structlog.get_logger().warning("rules_full", counts=dict(tally.full))

    async def _tick(self) -> bool:
        """Append a tick once a second while a timer is pending; the first after more than ten seconds is a gap.

        In a drill a tick comes when a timer is due, and at no other time. Returns whether one was appended.
        """
        due_us = self._memory.next_due_log_us()
        if due_us is None:
            return False
        now = self._log_clock.now()
        if self._conductor is not None:
            if due_us <= to_us(now):
                await self._store.append_tick(EntryKind.TICK, now)
            return due_us <= to_us(now)
        since = None if self._ticked_at is None else now - self._ticked_at
        if since is not None and since < timedelta(seconds=TICK_SECONDS):
            return False
        gap = since is None or since > timedelta(seconds=GAP_SECONDS)
        await self._store.append_tick(EntryKind.GAP if gap else EntryKind.TICK, now)
        self._ticked_at = now
        return True

    def _wait_seconds(self) -> float:
        """Return how long to wait for a wake-up: at most until the next tick."""
        if self._memory.next_due_log_us() is None or self._ticked_at is None:
            return min(self._poll_seconds, TURN_SECONDS_MAX)
        until_tick = TICK_SECONDS - (self._log_clock.now() - self._ticked_at).total_seconds()
        return min(max(until_tick, 0.0), self._poll_seconds, TURN_SECONDS_MAX)

    async def _tell_health(self) -> None:
        """Tell people how the rules do, where there is something new."""
        self._told_at = self._io_clock.seconds()
        reports = self._book.reports(self._rules, self._memory, from_us(self._memory.log_us))
        if reports:
            await self._store.save_health(reports, self._log_clock.now())
            self._book.told(reports, self._rules.rules)

    async def _snapshot(self) -> None:
        """Keep the memory, if it has moved since it was kept last."""
        self._snapshot_at = self._io_clock.seconds()
        if self._memory.position == self._snapshot_position:
            return
        position, log_time = self._memory.position, from_us(self._memory.log_us)
        await self._store.save_snapshot(self._memory.snapshot(), position=position, log_time=log_time, version=VERSION)
        self._snapshot_position = position

    async def _stop(self) -> None:
        """Keep the memory and give the lease back, within a deadline; neither is needed for a correct start."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                if self._ready:
                    await self._snapshot()
                    await self._tell_health()
                await self._store.release_lease()
        except (StoreUnavailableError, FencedError, TimeoutError) as error:
            structlog.get_logger().warning("rules_stop", error=repr(error))
