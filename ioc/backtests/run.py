"""One backtest, from the question to what came of it: reads the log, folds it, tells how far it is."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ioc.domain.event import Entry, EntryKind
from ioc.domain.moment import format_time
from ioc.errors import IOCError
from ioc.packs.pack import Pack
from ioc.rules.language.rule import to_us
from ioc.rules.recompute.backtest import Backtest, BacktestForm, City, Outage, Plan, plan
from ioc.store.rules.backtest_log import BacktestLog

TOLD_SECONDS = 1.0
"""How often at most the progress is told; a cancel is seen then."""
PACE_WEIGHT = 0.3
REGISTRY = (EntryKind.DEVICE, EntryKind.AREA, EntryKind.CALENDAR)


class BacktestCancelledError(IOCError):
    """Somebody stopped the backtest."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to try, beside what, over which span of the log: [``start``, ``end``)."""

    candidate: BacktestForm
    present: BacktestForm | None
    start: datetime
    end: datetime
    include_history: bool = False


@dataclass(frozen=True, slots=True)
class BacktestProgress:
    """How far it is: lines of the log passed, of how many, and events a second lately."""

    done: int
    total: int
    events_per_second: float

    @property
    def fraction(self) -> float:
        """Return it between 0 and 1."""
        return min(self.done / self.total, 1.0) if self.total else 1.0


Tell = Callable[[BacktestProgress], Awaitable[None]]
"""Called about once a second; what it raises ends the backtest."""


def city_of(pack: Pack) -> City:
    """Return what rules of a pack are read against."""
    return City(pack.feeds, {zone.code: zone.name for zone in pack.zones}, pack.zone)


def form_of(value: Mapping[str, Any]) -> BacktestForm:
    """Return the form that a rule entry of the log holds."""
    return BacktestForm(value["body"], value["hash"], value["version"])


async def conduct(log: BacktestLog, city: City, question: Question, tell: Tell) -> dict[str, Any]:
    """Run a backtest to its end and return what it found, JSON-ready.

    Raises:
        PackError: a form cannot be loaded.
        StoreUnavailableError: the log could not be read for longer than a restart takes.
    """
    started = time.monotonic()
    forms = [form for form in (question.candidate, question.present) if form is not None]
    needed = plan(city, forms, [form_of(value) for value in (await log.rules_in_force()).values()])
    look_back = timedelta(microseconds=needed.look_back_us)
    looks_from = max(question.start, datetime(1970, 1, 2, tzinfo=UTC) + look_back) - look_back
    after, until = await log.position_before(looks_from), await log.position_before(question.end)
    first = await log.log_time_after(0)
    run = Backtest(
        city, candidate=question.candidate, present=question.present, base=needed.base, from_us=to_us(question.start),
        to_us=to_us(question.end), outages=await outages_of(log, after, until, first, question),
    )  # fmt: skip
    # With imported history the city is what it is known to be now: its devices were registered after their readings.
    async for entry in log.registry(until if question.include_history else after):
        run.register(entry)
    for entry in await log.limits():
        run.register(entry)
    begins = looks_from
    if after == 0 and first is not None and not question.include_history:
        begins = max(looks_from, first)
    tick = None if question.include_history else await log.last_tick(after)
    run.begin(after, to_us(begins), tick_us=None if tick is None else to_us(tick))
    total = until - after
    if question.include_history:
        total += await log.count_history(sorted(needed.feeds), looks_from, question.end)
    await _fold(log, run, question, needed, _Span(after, until, looks_from), _Teller(tell, total))
    run.end()
    return {
        **run.result(),
        "from": format_time(question.start),
        "to": format_time(question.end),
        "read_from": format_time(begins),
        "seconds": round(time.monotonic() - started, 3),
    }


async def outages_of(
    log: BacktestLog, after: int, until: int, first: datetime | None, question: Question
) -> list[Outage]:
    """Return our own outages of a stretch. Before the log there was none, so imported history has its ticks there."""
    found = []
    for last, _ in await log.outages(after, until):
        seen = first if last is None and question.include_history else last
        found.append(Outage(None if seen is None else to_us(seen)))
    return found


@dataclass(frozen=True, slots=True)
class _Span:
    after: int
    until: int
    looks_from: datetime


class _Teller:
    """Tells the progress about once a second, with a pace that does not jump."""

    def __init__(self, tell: Tell, total: int) -> None:
        self._tell = tell
        self._total = total
        self._told_at = time.monotonic()
        self._told_events = 0
        self._pace = 0.0

    async def say(self, done: int, events: int) -> None:
        """Tell how far it is, if it is time."""
        now = time.monotonic()
        seconds = now - self._told_at
        if seconds < TOLD_SECONDS:
            return
        pace = (events - self._told_events) / seconds
        self._pace = pace if not self._pace else self._pace + PACE_WEIGHT * (pace - self._pace)
        self._told_at, self._told_events = now, events
        await self._tell(BacktestProgress(done, self._total, self._pace))


async def _fold(
    log: BacktestLog, run: Backtest, question: Question, needed: Plan, span: _Span, teller: _Teller
) -> None:
    """Take the log's entries, and imported history among them by its own time where it is asked in."""
    devices = None if needed.devices is None else sorted(needed.devices)
    history = None
    if question.include_history:
        history = _merged(
            [log.history(feed, span.looks_from, question.end, devices=devices) for feed in sorted(needed.feeds)]
        )
    imported, coming = 0, None if history is None else await anext(history, None)
    async for position, entries in log.read(span.after, span.until, feeds=sorted(needed.feeds), devices=devices):
        for entry in entries:
            while coming is not None and history is not None and coming.log_time <= entry.log_time:
                run.take(coming)
                imported, coming = imported + 1, await anext(history, None)
                await teller.say(position - span.after + imported, run.entries)
            if not (question.include_history and entry.kind in REGISTRY):
                run.take(entry)
        await teller.say(position - span.after + imported, run.entries)
    while coming is not None and history is not None:
        run.take(coming)
        imported, coming = imported + 1, await anext(history, None)
        await teller.say(span.until - span.after + imported, run.entries)


async def _merged(sources: Sequence[AsyncIterator[Entry]]) -> AsyncIterator[Entry]:
    """Yield the entries of all sources by log_time; of one instant by position."""
    waiting = [(await anext(source, None), source) for source in sources]
    waiting = [(entry, source) for entry, source in waiting if entry is not None]
    while waiting:
        number = min(range(len(waiting)), key=lambda at: _place(waiting[at][0]))
        entry, source = waiting[number]
        assert entry is not None, "a source that has ended is not waited for"
        yield entry
        following = await anext(source, None)
        if following is None:
            del waiting[number]
        else:
            waiting[number] = (following, source)


def _place(entry: Entry | None) -> tuple[datetime, int]:
    assert entry is not None, "a source that has ended is not waited for"
    return entry.log_time, entry.position
