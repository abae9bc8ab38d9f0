"""The fold: (rules, memory, entry) -> transitions. Pure but for the memory it is handed; it reads no clock.

Every entry first ends the timers of all keys that are due by its log time, in the order of their due times, as a tick
would. So it makes no difference whether the tick that could have come before a reading was written, how far ticks are
apart, or where a batch was cut: what a timer does depends on the readings and their log times alone.

Then an event goes through three stages, each with the step alone: bind and select, observe by kind, levels and clears;
each move is announced as it is made. Any other entry changes what the fold knows (:mod:`ioc.rules.fold.edits`).
"""

from __future__ import annotations

from ioc.domain.alert import Transition
from ioc.domain.event import Entry, EntryKind, Event, Flag
from ioc.rules.fold import announce, due, edits, levels, withdrawal
from ioc.rules.fold.observe import observe
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.select import select
from ioc.rules.language.rule import Rule
from ioc.rules.state.faults import disable_failed_rule
from ioc.rules.state.memory import KeyState, Memory
from ioc.rules.state.move import Move
from ioc.rules.state.observation import Observation
from ioc.rules.state.step import FoldStep


def step(rules: RuleSet, memory: Memory, entry: Entry) -> tuple[Transition, ...]:
    """Fold one entry into ``memory`` and return the transitions it makes, in order."""
    fold = Fold(rules, memory, entry)
    kind = entry.kind
    due_us = memory.next_due_log_us()
    if kind is EntryKind.GAP:
        due.resume(fold)
    elif due_us is not None and due_us <= fold.log_us:
        due.end_timers(fold)
    if kind is EntryKind.EVENT:
        assert entry.event is not None, "an event entry has its event"
        if entry.event.flags:
            flagged(fold, entry.event)
        else:
            reading(fold)
    elif kind in (EntryKind.TICK, EntryKind.GAP):
        memory.tick_us = fold.log_us
    elif kind is EntryKind.RULE:
        changed(fold)
    elif kind is EntryKind.DEVICE:
        edits.device_changed(fold)
    elif kind is EntryKind.AREA:
        edits.area_changed(fold)
    elif kind is EntryKind.CALENDAR:
        edits.calendar_changed(fold)
    elif kind is EntryKind.LIMIT:
        edits.limit_changed(fold)
    elif kind is EntryKind.ENGINE:
        memory.engine = dict(entry.value or {})
    memory.position, memory.log_us = entry.position, fold.log_us
    return tuple(fold.transitions)


def reading(fold: Fold) -> None:
    """Take a reading in: which rules and keys it falls to, what they make of it, and what follows."""
    select(fold)
    observe(fold)
    levels.follow(fold)


def flagged(fold: Fold, event: Event) -> None:
    """Take in an event with marks: what takes others back, or was imported, is no reading."""
    if Flag.WITHDRAWN in event.flags:
        withdrawal.take_back(fold, event)
    elif not event.history:
        reading(fold)


def changed(fold: FoldStep) -> None:
    """Let a rule change; one that breaks by it ends."""
    before = fold.rules.rules.get(fold.entry.subject or "")
    try:
        edits.rule_changed(fold)
    except Exception as error:
        rule = fold.rules.rules.get(fold.entry.subject or "") or before
        if rule is None:
            raise  # no rule was in force before or after: the fault is not a rule's
        disable_failed_rule(fold, rule, error)


class Fold(FoldStep):
    """A step, with what the stages do for kinds that find their keys themselves."""

    def take(self, rule: Rule, key: str, state: KeyState, seen: Observation, *, log_us: int | None = None) -> None:
        """Let a kind take in an event, and judge what it then says."""
        levels.take(self, rule, key, state, seen, log_us=log_us)

    def advance(self, rule: Rule, key: str, state: KeyState, *, limit_us: int) -> None:
        """End the timers of a key that are due by ``limit_us`` of its own time."""
        levels.advance(self, rule, key, state, limit_us=limit_us)

    def end_key(
        self, rule: Rule, key: str, state: KeyState, reason: str, *, at_us: int | None = None,
        limit_us: int | None = None,
    ) -> None:  # fmt: skip
        """End a key's alert, if one is open, for a reason of ours."""
        levels.end_key(self, rule, key, state, reason, at_us=at_us, limit_us=limit_us)

    def say(self, rule: Rule, key: str, move: Move) -> None:
        """Announce what the alert of a key does."""
        announce.say(self, rule, key, move)
