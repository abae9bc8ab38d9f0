"""The fold is a function of the log: whatever repeats, cuts, crashes and tick spacings come, the alerts are the same.

Each property must be able to fail: mutants of the fold, at least one per promise, are caught by them.
Past 400 lines: the mutants stand beside the properties that must catch them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from ioc.domain.alert import Transition
from ioc.domain.event import Entry, EntryKind, Event, hash16
from ioc.rules.fold import due, levels, observe, select
from ioc.rules.fold import step as evaluate
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.language.rule import to_us
from ioc.rules.state import timers
from ioc.rules.state.memory import KeyState, Memory
from tests.unit.rules.builders import FEEDS, START, after, rule_entry

FOR, CLEAR, REFIRE, HOLD = 60, 30, 300, 60
GAPS = (0, 1, 5, CLEAR - 1, CLEAR, CLEAR + 1, FOR - 1, FOR, FOR + 1, REFIRE, REFIRE + 1, 600)
SKEWS = (0, 0, 0, 1, 7, -5, -90, -119, -1_000)
VALUES = (None, 5.0, 9.0, 15.0, 25.0)
RULES: tuple[dict[str, Any], ...] = (
    {"rule": "a.plain", "levels": [{"severity": "low", "when": "value > 10"}]},
    {
        "rule": "b.slow",
        "levels": [
            {"severity": "medium", "when": "value > 10", "for": f"{FOR}s"},
            {"severity": "high", "when": "value > 20", "for": "20s"},
        ],
        "clear": {"when": "value < 8", "for": f"{CLEAR}s"},
    },
    {
        "rule": "c.zone",
        "by": ["zone"],
        "levels": [{"severity": "low", "when": "value > 10 || value / 0.0 > other", "for": "5s"}],
        "clear": {"for": f"{CLEAR}s"},
    },
    {
        "rule": "d.held",
        "hold": f"{HOLD}s",
        "levels": [{"severity": "low", "when": "value > 10"}, {"severity": "high", "when": "value > 20", "for": "20s"}],
        "clear": {"when": "value < 8", "for": f"{CLEAR}s"},
    },
)
Arrival = tuple[int, int, int, float | None]
"""(seconds since the one before, device, how far its clock is ahead, value)"""
Item = tuple[datetime, EntryKind, Event | None]
"""One entry of a log before it has its position."""
arrivals = st.lists(
    st.tuples(st.sampled_from(GAPS), st.integers(0, 2), st.sampled_from(SKEWS), st.sampled_from(VALUES)),
    min_size=1,
    max_size=14,
)
CHECK = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def event(number: int, now: datetime, arrival: Arrival, *, prefix: str = "m") -> Event:
    _, device, skew, value = arrival
    return Event(
        feed="meter",
        device=f"{prefix}-{device}",
        key=hash16(prefix.encode(), str(number).encode()),
        effective=min(now + timedelta(seconds=skew), now + timedelta(minutes=2)),
        received_at=now,
        data={"value": value},
        zone=f"{prefix}-zone-{device % 2}",
    )


def readings(found: list[Arrival], *, prefix: str = "m") -> list[Item]:
    now, listed = START, list[Item]()
    for number, arrival in enumerate(found):
        now += timedelta(seconds=arrival[0])
        listed.append((now, EntryKind.EVENT, event(number, now, arrival, prefix=prefix)))
    return listed


def ticks(until: datetime, spacing: float) -> list[Item]:
    count = int((until - START).total_seconds() / spacing)
    return [(after(number * spacing), EntryKind.TICK, None) for number in range(1, count + 1)]


def merged(*parts: list[Item]) -> list[Entry]:
    """One log of several writers: by time, ticks before events of the same instant or after them, as listed."""
    entries = [rule_entry(number, START, **body) for number, body in enumerate(RULES, start=1)]
    listed = sorted((item for part in parts for item in part), key=lambda item: item[0])
    return entries + [
        Entry(number, now, kind, event=found)
        for number, (now, kind, found) in enumerate(listed, start=len(entries) + 1)
    ]


def close(found: list[Arrival]) -> datetime:
    """When everything that can become due has become due."""
    return START + timedelta(seconds=sum(arrival[0] for arrival in found) + 300)


@cache
def compiled() -> RuleSet:
    """The rules, compiled once: they never change here, and compiling them costs more than a whole history."""
    rules, memory = RuleSet(FEEDS), Memory()
    for entry in merged():
        evaluate.step(rules, memory, entry)
    return rules


def fold(entries: list[Entry], *, crashes: frozenset[int] = frozenset()) -> list[Transition]:
    """What the engine says of a log; ``crashes`` are the positions after which it starts again from a snapshot."""
    rules, memory = compiled(), Memory()
    said: list[Transition] = []
    snapshot, folded = memory.snapshot(), 0
    for number, entry in enumerate(entries):
        if entry.kind is EntryKind.RULE:
            continue
        said.extend(evaluate.step(rules, memory, entry))
        if crashes and number % 7 == 3:
            snapshot, folded = memory.snapshot(), number + 1
        if entry.position in crashes:
            memory = Memory.restore(snapshot)
            for again in entries[folded : number + 1]:
                if again.kind is not EntryKind.RULE:
                    evaluate.step(rules, memory, again)
    return said


def story(said: list[Transition]) -> list[tuple[Any, ...]]:
    """The transitions without the position at which they were noticed, key by key.

    Left out too is the word that an alert noticed too late still holds: it speaks of when it was noticed.
    """
    return sorted(
        (
            (made.rule, made.key, made.at, made.kind, made.severity, made.flap_count, made.reason, made.summary.vi)
            for made in said
            if made.reason != "still_holds"
        ),
        key=lambda line: line[:2],
    )


def same_whatever_the_ticks(found: list[Arrival], spacings: tuple[float, ...] = (2.0, 7.0, 53.0)) -> bool:
    """A tick before the first due time or long after it gives the same story; the last tick closes all."""
    until = close(found)
    last: list[Item] = [(until, EntryKind.TICK, None)]
    stories = [story(fold(merged(readings(found), ticks(until, spacing), last))) for spacing in spacings]
    stories.append(story(fold(merged(readings(found), last))))
    return all(one == stories[0] for one in stories)


def same_with_repeats(found: list[Arrival]) -> bool:
    """Every reading twice, at once or much later, is every reading once."""
    until, listed = close(found), readings(found)
    once = merged(listed, ticks(until, 5.0))
    repeated = merged(
        listed, [(now + timedelta(seconds=delay), kind, again) for now, kind, again in listed for delay in (0, 20)],
        ticks(until, 5.0),
    )  # fmt: skip
    return story(fold(once)) == story(fold(repeated))


def same_after_crashes(found: list[Arrival], crashes: frozenset[int]) -> bool:
    """A crash after any entry, with a snapshot from some time before, changes nothing, positions and ids included."""
    entries = merged(readings(found), ticks(close(found), 11.0))
    positions = frozenset(len(RULES) + 1 + crash % (len(entries) - len(RULES)) for crash in crashes)
    return fold(entries) == fold(entries, crashes=positions)


def isolated(found: list[Arrival], mad: list[Arrival]) -> bool:
    """Another source, its clock as mad as it likes, changes no alert of the others."""
    until = close(found)
    alone = fold(merged(readings(found), ticks(until, 5.0)))
    together = fold(merged(readings(found), readings(mad, prefix="mad"), ticks(until, 5.0)))
    return story(alone) == story([made for made in together if not made.key.startswith("mad")])


@CHECK
@given(arrivals)
def test_tick_spacing_changes_nothing(found):
    assert same_whatever_the_ticks(found)


@CHECK
@given(arrivals)
def test_repeats_change_nothing(found):
    assert same_with_repeats(found)


@CHECK
@given(arrivals, st.frozensets(st.integers(0, 500), max_size=6))
def test_crashes_change_nothing(found, crashes):
    assert same_after_crashes(found, crashes)


@CHECK
@given(arrivals, arrivals)
def test_another_source_changes_nothing(found, mad):
    assert isolated(found, mad)


@CHECK
@given(arrivals)
def test_each_alert_is_one_path_of_opened_moves_cleared_and_never_goes_back_in_time(found):
    """No illegal transition, no two open alerts of one key, no date before the one before."""
    said = fold(merged(readings(found), ticks(close(found), 3.0)))
    open_alerts: dict[tuple[str, str], Any] = {}
    newest: dict[tuple[str, str], Any] = {}
    for made in said:
        name = (made.rule, made.key)
        before = newest.get(name)
        if made.kind == "opened":
            assert name not in open_alerts
        elif made.kind == "reopened":
            assert name not in open_alerts
            assert before is not None
            assert before.alert_id == made.alert_id
            assert made.at - before.at <= timedelta(seconds=REFIRE)
        else:
            assert open_alerts[name] == made.alert_id
        if made.kind == "cleared":
            del open_alerts[name]
        else:
            open_alerts[name] = made.alert_id
        assert before is None or before.at <= made.at
        newest[name] = made


@CHECK
@given(arrivals)
def test_a_prefix_of_the_log_gives_a_prefix_of_the_alerts(found):
    """Nothing that was said is ever taken back."""
    entries = merged(readings(found), ticks(close(found), 5.0))
    whole, part = fold(entries), fold(entries[: len(entries) // 2])
    assert whole[: len(part)] == part


def test_the_histories_are_not_empty():
    """A property over histories in which nothing happens would prove nothing."""
    busy = find(arrivals, lambda found: len({made.kind for made in fold(merged(readings(found)))}) >= 4, settings=QUIET)
    assert busy


QUIET = settings(
    max_examples=400, deadline=None, database=None, phases=(Phase.generate,), verbosity=Verbosity.quiet,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


focused = st.lists(
    st.tuples(
        st.sampled_from((5, FOR - 1, FOR, FOR + 1)), st.just(0), st.sampled_from((0, -5)), st.sampled_from((5.0, 15.0))
    ),
    min_size=2,
    max_size=6,
)
"""One device whose readings take longer or shorter to arrive, around the length of a wait."""

# ---------------------------------------------------------------- mutants


def dates_when_noticed(monkeypatch):
    """Transitions are dated by the tick that noticed them."""
    honest = timers.advance

    def advance(rule, key, state, *, limit_us, position, **others):
        limit_us = max(limit_us, noticed[0] if noticed else limit_us)
        for move in honest(rule, key, state, limit_us=limit_us, position=position, **others):
            yield replace(move, at_us=max(move.at_us, limit_us))

    noticed: list[int] = []
    end_one = due.end_one

    def end_when_noticed(step, rule, key, state, due_log_us):
        noticed[:] = [state.at_log(step.log_us)]
        end_one(step, rule, key, state, due_log_us)
        noticed.clear()

    monkeypatch.setattr(due, "end_one", end_when_noticed)

    monkeypatch.setattr(timers, "advance", advance)


def forgets_to_tick_before_a_reading(monkeypatch):
    """Timers end at ticks only, so it matters whether a tick came before the reading that ends them."""
    honest = due.end_timers

    def end_timers(fold):
        if fold.entry.kind is not EntryKind.EVENT:
            honest(fold)

    monkeypatch.setattr(due, "end_timers", end_timers)
    monkeypatch.setattr(KeyState, "at_log", lambda state, _: state.time_us)
    late = levels.advance

    def advance(step, rule, key, state, *, limit_us):
        if step.entry.kind is not EntryKind.EVENT:
            late(step, rule, key, state, limit_us=limit_us)

    monkeypatch.setattr(levels, "advance", advance)


def repeats_move_the_clock(monkeypatch):
    """A repeat of the newest reading moves the key's log time on, and so puts off its timers."""
    honest = observe.read

    def read(step, sighting, state):
        current = sighting.at_us >= state.time_us
        honest(step, sighting, state)
        state.log_us = step.log_us if current else state.log_us

    monkeypatch.setattr(observe, "read", read)


def forgets_half_served_waits(monkeypatch):
    """A snapshot does not keep since when a condition holds."""
    honest = Memory.snapshot

    def snapshot(memory):
        kept = Memory.restore(honest(memory))
        for states in kept.keys.values():
            for state in states.values():
                for level in state.levels:
                    level.since_us = state.time_us
        return honest(kept)

    monkeypatch.setattr(Memory, "snapshot", snapshot)


def forgets_that_it_cleared(monkeypatch):
    """A snapshot does not keep alerts that are over, so nothing reopens after a crash."""
    honest = Memory.snapshot

    def snapshot(memory):
        kept = Memory.restore(honest(memory))
        for states in kept.keys.values():
            for state in states.values():
                if state.alert is not None and not state.alert.firing:
                    state.alert = None
        return honest(kept)

    monkeypatch.setattr(Memory, "snapshot", snapshot)


def one_clock_for_all(monkeypatch):
    """A global watermark: what is older than the newest of any source is no current value."""
    honest = select.sighted

    def sighted(step, rule, event):
        newest = max((state.time_us for states in step.memory.keys.values() for state in states.values()), default=0)
        return honest(step, rule, event) if newest - to_us(event.effective) <= 60_000_000 else None

    monkeypatch.setattr(select, "sighted", sighted)


def older_readings_count(monkeypatch):
    """An older reading becomes the current value."""
    honest = select.sighted

    def sighted(step, rule, event):
        for state in step.memory.keys.get(rule.id, {}).values():
            state.time_us = min(state.time_us, to_us(event.effective))
        return honest(step, rule, event)

    monkeypatch.setattr(select, "sighted", sighted)


def repeats_renew_the_hold(monkeypatch):
    """A repeat makes the reading that it repeats stand for longer."""
    honest = levels.follow_one

    def follow_one(step, sighting):
        honest(step, sighting)
        for state in step.memory.keys.get(sighting.rule.id, {}).values():
            state.told_us = max(state.told_us, state.at_log(step.log_us))

    monkeypatch.setattr(levels, "follow_one", follow_one)


def the_hold_ends_when_noticed(monkeypatch):
    """A hold is over when a tick finds it so, and `clear.for` counts from there."""
    honest = due.end_one

    def end_one(step, rule, key, state, due_log_us):
        due_us = timers.hold_due(rule, state)
        if due_us is not None and due_us <= state.at_log(step.log_us):
            timers.expire(rule, state, at_us=state.at_log(step.log_us))
        honest(step, rule, key, state, due_log_us)

    monkeypatch.setattr(due, "end_one", end_one)


def forgets_what_stood(monkeypatch):
    """A snapshot does not keep when the newest answer was given."""
    honest = Memory.snapshot

    def snapshot(memory):
        kept = Memory.restore(honest(memory))
        for states in kept.keys.values():
            for state in states.values():
                state.told_us = 0
        return honest(kept)

    monkeypatch.setattr(Memory, "snapshot", snapshot)


MUTANTS: list[tuple[Any, Any, Any]] = [
    (dates_when_noticed, arrivals, same_whatever_the_ticks),
    (forgets_to_tick_before_a_reading, focused, same_whatever_the_ticks),
    (repeats_move_the_clock, focused, same_with_repeats),
    (forgets_half_served_waits, arrivals, lambda found: same_after_crashes(found, frozenset(range(0, 200, 6)))),
    (forgets_that_it_cleared, arrivals, lambda found: same_after_crashes(found, frozenset(range(0, 200, 6)))),
    (repeats_renew_the_hold, arrivals, same_with_repeats),
    (the_hold_ends_when_noticed, arrivals, same_whatever_the_ticks),
    (forgets_what_stood, arrivals, lambda found: same_after_crashes(found, frozenset(range(0, 200, 6)))),
    (one_clock_for_all, st.tuples(arrivals, arrivals), lambda both: isolated(both[0], both[1])),
    (older_readings_count, arrivals, same_with_repeats),
]


@pytest.mark.breaks_rules
@pytest.mark.parametrize(("mutate", "histories", "holds"), MUTANTS, ids=[mutant[0].__name__ for mutant in MUTANTS])
def test_a_mutant_is_caught(mutate, histories, holds, monkeypatch):
    """The properties fail for a fold that breaks its promise."""
    mutate(monkeypatch)
    try:
        find(histories, lambda found: not holds(found), settings=QUIET)
    except NoSuchExample:
        pytest.fail(f"{mutate.__name__} lives: {mutate.__doc__}")
