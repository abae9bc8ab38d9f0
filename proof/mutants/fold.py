"""Rule engines with one thing wrong, as hand-written ones have it: the comparison with the evaluator must tell each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC
from typing import Any

from ioc.domain.alert import TransitionKind
from ioc.domain.device import DeviceState
from ioc.rules.aggregates.accumulators import Stats
from ioc.rules.aggregates.field_measures import NowCast
from ioc.rules.aggregates.windows import WindowState
from ioc.rules.fold import announce, announcement, due, edits, levels, observe, ruleset, select
from ioc.rules.kinds.absence import silences
from ioc.rules.kinds.near import clusters
from ioc.rules.kinds.near import evaluator as kind_near
from ioc.rules.kinds.sequence import evaluator as kind_sequence
from ioc.rules.kinds.window import evaluator as kind_window
from ioc.rules.kinds.zone import evaluator as kind_zone
from ioc.rules.language import members as load_parts
from ioc.rules.language import rule
from ioc.rules.loading import loader as load
from ioc.rules.state import gaps, limit_book, timers
from ioc.rules.state.memory import KeyState, LevelState, Memory
from proof.mutants.withdrawn import MUTANTS as WITHDRAWN

Patch = tuple[Any, str, Any]
"""(where, name, what stands there instead)"""


@contextmanager
def broken(name: str) -> Iterator[None]:
    """Break the engine within the block."""
    patches = MUTANTS[name]()
    honest = [(where, what, getattr(where, what)) for where, what, _ in patches]
    for where, what, wrong in patches:
        setattr(where, what, wrong)
    try:
        yield
    finally:
        for where, what, right in honest:
            setattr(where, what, right)


def for_is_strict() -> list[Patch]:
    """A level lives only after its `for`, not at its end."""
    honest = timers.level_due

    def level_due(rule_: Any, number: int, level: Any) -> int | None:
        due = honest(rule_, number, level)
        return due + 1 if due is not None and level.truth and rule_.levels[number].for_us else due

    return [(timers, "level_due", level_due)]


def late_is_current() -> list[Patch]:
    """A late reading becomes the current value."""
    honest = select.sighted

    def sighted(step: Any, rule_: Any, event: Any) -> Any:
        for state in step.memory.keys.get(rule_.id, {}).values():
            state.time_us = min(state.time_us, rule.to_us(event.effective))
        return honest(step, rule_, event)

    return [(select, "sighted", sighted)]


def pane_off_by_one() -> list[Patch]:
    """A window holds one pane more."""
    honest = kind_window._spec  # noqa: SLF001 - to break it is the purpose

    def spec(rule_: Any) -> Any:
        found = honest(rule_)
        return replace(found, panes=found.panes + 1)

    return [(kind_window, "_spec", spec)]


def gap_is_no_gap() -> list[Patch]:
    """Silences of our own outage are told."""
    return [(gaps, "gap_is_open", lambda *_: False), (due, "resume", due.end_timers)]


def refire_is_strict() -> list[Patch]:
    """What returns at the very end of `refire` is a new alert."""
    honest = timers.apply_levels

    def apply_levels(rule_: Any, *given: Any, **named: Any) -> Any:
        return honest(replace(rule_, refire_us=rule_.refire_us - 1), *given, **named)

    return [(timers, "apply_levels", apply_levels)]


def one_level_clears() -> list[Patch]:
    """The clear band looks at the lowest level only."""

    def clear_due(rule_: Any, state: Any) -> int | None:
        found = state.clear if rule_.clear.when is not None else state.levels[0]
        holds = found.truth if rule_.clear.when is not None else found.truth is False
        return found.since_us + rule_.clear.for_us if holds else None

    return [(timers, "clear_due", clear_due)]


def timers_on_the_log() -> list[Patch]:
    """A key's time is taken for the log's: an hour of backlog ends every timer at once."""
    honest = timers.reschedule

    def reschedule(memory: Any, rule_: Any, key: str, state: Any, evaluator: Any = None) -> None:
        state.log_us = min(state.log_us, state.time_us)
        honest(memory, rule_, key, state, evaluator)

    return [(timers, "reschedule", reschedule)]


def members_stay() -> list[Patch]:
    """What joined a cluster never leaves it by itself."""
    return [(kind_near.NearEvaluator, "due", lambda *_: None)]


def rules_in_reverse() -> list[Patch]:
    """Rules see an event in the wrong order."""
    honest = ruleset.RuleSet.matching

    def matching(self: Any, feed: str) -> Any:
        found = honest(self, feed)
        return None if found is None else lambda values: list(found(values))[::-1]

    return [(ruleset.RuleSet, "matching", matching)]


def hours_in_utc() -> list[Patch]:
    """The rule's hours are those of UTC."""
    honest = load_parts.schedule_at
    return [(load, "schedule_at", lambda value, _: honest(value, UTC))]


def chattering_hides_a_rise() -> list[Patch]:
    """A rise in level is chattering like any other move."""

    def is_chattering(state: Any, move: Any, _: Any) -> bool:
        since_us = move.at_us - announcement.CHATTERING_US
        flaps = sum(since_us <= flap_us <= move.at_us for flap_us in state.alert.flaps_us)
        return bool(flaps > announcement.CHATTERING_FLAPS)

    return [(announcement, "is_chattering", is_chattering)]


def monitored_is_unseen() -> list[Patch]:
    """Rules over alerts do not see what is only monitored."""
    honest = announce.say

    def say(step: Any, rule_: Any, key: str, move: Any) -> None:
        over, quiet = step.rules.over_alerts, rule_.mode is rule.Mode.MONITOR
        step.rules.over_alerts = () if quiet else over
        honest(step, rule_, key, move)
        step.rules.over_alerts = over

    return [(announce, "say", say)]


def repeats_move_the_clock() -> list[Patch]:
    """A second reading of one instant puts off the key's timers."""
    honest = observe.read

    def read(step: Any, sighting: Any, state: Any) -> None:
        current = sighting.at_us >= state.time_us
        honest(step, sighting, state)
        state.log_us = step.log_us if current else state.log_us

    return [(observe, "read", read)]


def snapshot_forgets(*names: str) -> Callable[[], list[Patch]]:
    """Return a mutant whose snapshot keeps everything of a key but some members."""

    def apply() -> list[Patch]:
        honest = Memory.snapshot

        def snapshot(memory: Memory) -> bytes:
            kept = Memory.restore(honest(memory))
            for states in kept.keys.values():
                for state in states.values():
                    fresh = KeyState(0, 0, "", "", [LevelState() for _ in state.levels])
                    for name in names:
                        setattr(state, name, getattr(fresh, name))
            return honest(kept)

        return [(Memory, "snapshot", snapshot)]

    return apply


def hold_from_the_first() -> list[Patch]:
    """A reading that says the same as before does not renew the hold."""
    honest = levels.judge

    def judge(step: Any, rule_: Any, state: Any, facts: Any, *, told_us: int | None, failed: int = 0) -> bool:
        before = state.told_us
        changed = honest(step, rule_, state, facts, told_us=told_us, failed=failed)
        state.told_us = state.told_us if changed else before
        return changed

    return [(levels, "judge", judge)]


def late_is_lost() -> list[Patch]:
    """A late event enters no window."""
    return [(kind_window.WindowEvaluator, "late", False)]


def edit_begins_anew() -> list[Patch]:
    """An edit forgets what levels have served."""

    def keep_levels(rule_: Any, before: Any, state: Any) -> list[Any]:
        del before
        state.levels = [LevelState() for _ in rule_.levels]
        return []

    return [(edits, "keep_levels", keep_levels)]


def maintenance_is_expected() -> list[Patch]:
    """A device in maintenance is expected to be heard."""
    return [(silences, "expected", lambda device: device.get("state") != DeviceState.RETIRED)]


def newest_limit_counts() -> list[Patch]:
    """The newest limit counts before its day."""
    return [(rule.Rule, "limit_of", lambda self, level, _: ([None, *(level.limits or self.limits)])[-1])]


def last_day_is_over() -> list[Patch]:
    """A limit ends where its last day begins."""
    honest = limit_book.dated

    def dated(identifier: str, row: Any) -> Any:
        found = honest(identifier, row)
        return found._replace(valid_to=found.valid_to if row.get("valid_to") is None else found.valid_to[:-1])

    return [(limit_book, "dated", dated)]


def area_before_device() -> list[Patch]:
    """The limit of a place goes before that of its device."""
    honest = limit_book.LimitBook.targets
    return [(limit_book.LimitBook, "targets", lambda self, *asked: honest(self, *asked)[::-1])]


def no_floor() -> list[Patch]:
    """A move is dated with its due time, though the key has moved on."""
    honest = timers.apply_levels

    def apply_levels(rule_: Any, key: str, state: Any, *, due_us: int, position: int) -> Any:
        state.floor_us = due_us
        return honest(rule_, key, state, due_us=due_us, position=position)

    return [(timers, "apply_levels", apply_levels)]


def within_is_strict() -> list[Patch]:
    """A chain must take less than `within`."""
    honest = kind_sequence.spec_of

    def spec(rule_: Any) -> Any:
        found = honest(rule_)
        return replace(found, within_us=found.within_us - 1)

    return [(kind_sequence, "spec_of", spec)]


def no_margin() -> list[Patch]:
    """Whoever is not inside is outside."""
    honest = kind_zone.side_of
    return [(kind_zone, "side_of", lambda zone, point: honest(zone, point) is True)]


def merging_forgets_alerts() -> list[Patch]:
    """Clusters become one, and the alerts of the others are never heard of again."""
    honest = clusters.merge

    def merge(fold: Any, *given: Any, **named: Any) -> int:
        end_key, fold.end_key = fold.end_key, lambda *_, **__: None
        head_us = honest(fold, *given, **named)
        fold.end_key = end_key
        return head_us

    return [(clusters, "merge", merge)]


def one_floor_of_alerts() -> list[Patch]:
    """Rules over alerts do not see each other."""
    return [(announce, "DEPTH_MAX", 1)]


def never_speaks_up() -> list[Patch]:
    """What was found too late stays quiet, though it still holds."""
    return [(levels, "speak_up", lambda *_: None)]


def hold_ends_when_noticed() -> list[Patch]:
    """A hold is over when somebody looks."""
    honest = due.end_one

    def end_one(step: Any, rule_: Any, key: str, state: Any, due_log_us: int) -> None:
        due_us = timers.hold_due(rule_, state)
        if due_us is not None and due_us <= state.at_log(step.log_us):
            timers.expire(rule_, state, at_us=state.at_log(step.log_us))
        honest(step, rule_, key, state, due_log_us)

    return [(due, "end_one", end_one)]


def last_by_arrival() -> list[Patch]:
    """The last value is the one that came last."""
    honest = Stats.add
    newest: dict[int, int] = {}

    def add(self: Any, pane: int, values: Any, at_us: int) -> bool:
        newest[id(self)] = max(newest.get(id(self), 0), at_us) + 1
        return honest(self, pane, values, newest[id(self)])

    return [(Stats, "add", add)]


def alerts_seen_at_the_end() -> list[Patch]:
    """Rules over alerts see the moves of an entry when it is done."""
    honest = levels.advance

    def advance(step: Any, rule_: Any, key: str, state: Any, *, limit_us: int) -> None:
        outermost, step.depth = step.depth == 0, step.depth or 1
        honest(step, rule_, key, state, limit_us=limit_us)
        if outermost:
            step.unseen = [(made, mode, log_us, 0) for made, mode, log_us, _ in step.unseen]
            step.depth = 0
            announce.drain(step)

    return [(levels, "advance", advance)]


def reasons_are_lost() -> list[Patch]:
    """A passed hold clears like any reading."""
    honest = announce.say

    def say(step: Any, rule_: Any, key: str, move: Any) -> None:
        cleared = move.kind is TransitionKind.CLEARED and move.reason == timers.HOLD_OVER
        honest(step, rule_, key, replace(move, reason="") if cleared else move)

    return [(announce, "say", say)]


def running_hour_counts() -> list[Patch]:
    """The hour that runs is c1 of a NowCast, empty at its beginning."""
    honest = NowCast.value
    return [(NowCast, "value", lambda self, head: honest(self, head + 1))]


def hours_end_unnoticed() -> list[Patch]:
    """An hour that is over is judged when the next reading comes."""

    def due_us(self: Any, window: Any, head_us: int) -> int | None:
        del head_us
        return None if self.oldest is None else (self.oldest + window.panes) * window.pane_us

    return [(WindowState, "due_us", due_us)]


def hours_come_first() -> list[Patch]:
    """An hour that is over is judged before the levels that are due at its end."""
    return [(timers, "comes_last", lambda *_: False)]


MUTANTS: dict[str, Callable[[], list[Patch]]] = {
    made.__name__: made
    for made in (
        for_is_strict, late_is_current, pane_off_by_one, gap_is_no_gap, refire_is_strict, one_level_clears,
        timers_on_the_log, members_stay, rules_in_reverse, hours_in_utc, chattering_hides_a_rise, monitored_is_unseen,
        repeats_move_the_clock, hold_from_the_first, late_is_lost, edit_begins_anew, maintenance_is_expected,
        newest_limit_counts, last_day_is_over, area_before_device, no_floor, within_is_strict, no_margin,
        merging_forgets_alerts,
        one_floor_of_alerts, never_speaks_up, hold_ends_when_noticed, last_by_arrival, alerts_seen_at_the_end,
        reasons_are_lost, running_hour_counts, hours_end_unnoticed, hours_come_first,
    )
} | WITHDRAWN | {
    "snapshot_forgets_levels": snapshot_forgets("levels"),
    "snapshot_forgets_the_alert": snapshot_forgets("alert"),
    "snapshot_forgets_the_hold": snapshot_forgets("told_us", "over"),
    "snapshot_forgets_the_floor": snapshot_forgets("floor_us"),
    "snapshot_forgets_the_head": snapshot_forgets("head_us"),
}  # fmt: skip
