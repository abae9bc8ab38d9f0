"""The fold: (rules, memory, entry) -> transitions. Pure but for the memory it is handed; it reads no clock.

Every entry first ends the timers of all keys that are due by its log time, in the order of their due times, as a tick
would. So it makes no difference whether the tick that could have come before a reading was written, how far ticks are
apart, or where a batch was cut: what a timer does depends on the readings and their log times alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from ioc.domain.alert import Transition, TransitionKind
from ioc.domain.event import Entry, EntryKind, Event
from ioc.rules import clusters, edits, over_alerts, silences
from ioc.rules.announce import announce
from ioc.rules.condition import bind
from ioc.rules.faults import guarded, put_out
from ioc.rules.keys import in_context, key_of, told_of
from ioc.rules.kinds import Kind
from ioc.rules.memory import IDLE_US, KeyState, LevelState, Memory, Packed, Reading
from ioc.rules.rule import Mode, Rule, to_us
from ioc.rules.ruleset import RuleSet
from ioc.rules.timers import BUDGET_BITS, Move, advance, level_of, next_due, observe, verdict
from ioc.rules.watch import Facts, Taken, Watch
from ioc.rules.watches import WATCHES

# A tuple's own way to be made; by its generated __new__ it costs twice as much.
_made = cast("Callable[[type[Reading], tuple[Any, ...]], Reading]", tuple.__new__)
DEPTH_MAX = 3
"""How deep rules over alerts may stand on each other."""


def step(rules: RuleSet, memory: Memory, entry: Entry) -> tuple[Transition, ...]:
    """Fold one entry into ``memory`` and return the transitions it makes, in order."""
    fold = Fold(rules, memory, entry)
    kind = entry.kind
    due_us = memory.next_due_log_us()
    if kind is EntryKind.GAP:
        silences.resume(fold)
    elif due_us is not None and due_us <= fold.log_us:
        fold.end_timers()
    if kind is EntryKind.EVENT:
        assert entry.event is not None, "an event entry has its event"
        if not entry.event.flags or not entry.event.history:
            fold.event(entry.event)
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
    memory.position, memory.log_us = entry.position, fold.log_us
    return tuple(fold.transitions)


def changed(fold: Fold) -> None:
    """Let a rule change; one that breaks by it ends."""
    before = fold.rules.rules.get(fold.entry.subject or "")
    try:
        edits.rule_changed(fold)
    except Exception as error:
        rule = fold.rules.rules.get(fold.entry.subject or "") or before
        if rule is None:
            raise  # none was in force and none is: what broke is no rule
        put_out(fold, rule, error)


class Fold:
    """One step: the entry, and what it has led to so far."""

    def __init__(self, rules: RuleSet, memory: Memory, entry: Entry) -> None:
        self.rules = rules
        self.memory = memory
        self.entry = entry
        self.log_us = to_us(entry.log_time)
        self.effective_us = 0
        """The effective time of the entry's event."""
        self.transitions: list[Transition] = []
        self.unseen: list[tuple[Transition, Mode, int, int]] = []
        """(transition, its rule's mode, log time at which it was due, depth): not yet seen by rules over alerts."""
        self.depth = 0
        """How deep the rules over alerts stand that are being evaluated; 0: none is."""

    # ------------------------------------------------------------ readings

    def event(self, event: Event) -> None:
        """Show a reading to the rules of its feed."""
        matching = self.rules.matching(event.feed)
        if matching is None:
            return
        self.effective_us = to_us(event.effective)
        bound, wrong = bind(event.data, self.rules.types[event.feed])
        values = in_context(bound, event, told_of(self.memory, event.device))
        for rule in matching(values):
            try:
                self.reading(rule, event, values, wrong)
            except Exception as error:  # noqa: BLE001 - nobody foresaw it: the rule ends, the others go on
                put_out(self, rule, error)

    def reading(self, rule: Rule, event: Event, values: Mapping[str, Any], wrong: tuple[str, ...]) -> None:
        """Show a reading to one rule."""
        tally = self.memory.tally
        tally.evaluated[rule.id] += 1
        if rule.kind is Kind.ABSENCE:
            silences.heard(self, rule, event, values)
            return
        if rule.where is not None and not self.chosen(rule, values):
            return
        effective_us = self.effective_us
        if rule.kind is Kind.NEAR:
            clusters.joined(self, rule, event, values, effective_us)
            return
        key = key_of(rule, event.key, values)
        if key is None:
            tally.no_data[rule.id] += 1
            return
        state = self.memory.keys.get(rule.id, {}).get(key)
        if rule.per_event and event.revision:
            # What a revision says is so from its arrival on, though it is dated like the event that it corrects.
            effective_us = self.log_us if state is None else state.at_log(self.log_us)
        if state is None:
            # No later reading asks for an event's own key again: it may go as soon as it can no longer reopen.
            idle_us = rule.refire_us if rule.per_event else IDLE_US
            state = self.begin(rule, key, effective_us, feed=event.feed, device=event.device, idle_us=idle_us)
            if state is None:
                return
        if rule.kind is Kind.THRESHOLD:
            if effective_us < state.time_us:
                tally.late[rule.id] += 1
            else:
                self.current(rule, key, state, event=event, effective_us=effective_us, values=values, wrong=wrong)
            if rule.per_event and state.alert is None and state.idle:
                del self.memory.keys[rule.id][key]  # nearly every event: remembering each would fill the bound
            return
        taken = Taken(self.entry.position, effective_us, event.feed, event.device, values)
        self.take(rule, key, state, taken)

    def chosen(self, rule: Rule, values: Mapping[str, Any]) -> bool:
        """Tell whether an event exists for a rule: its `where` is true."""
        assert rule.where is not None, "asked only of a rule that chooses"
        chosen, broke = verdict(rule.where, values)
        if chosen is None:
            self.memory.tally.errors[rule.id] += broke
            self.memory.tally.no_data[rule.id] += not broke
        return bool(chosen)

    def begin(
        self,
        rule: Rule,
        key: str,
        at_us: int,
        *,
        feed: str,
        device: str,
        idle_us: int = IDLE_US,
        log_us: int | None = None,
    ) -> KeyState | None:
        """Return the state of a new key; None where the rule has no room for one more."""
        if not self.memory.room(rule.id, self.log_us, idle_us=idle_us):
            self.memory.tally.full[rule.id] += 1
            return None
        levels = [LevelState() for _ in rule.levels]
        state = KeyState(at_us, self.log_us if log_us is None else log_us, feed, device, levels, told_us=at_us)
        watch = WATCHES.get(rule.kind)
        if watch is not None:
            state.own = watch.begin(rule, at_us)
        self.memory.keys[rule.id][key] = state
        return state

    def current(
        self,
        rule: Rule,
        key: str,
        state: KeyState,
        *,
        event: Event,
        effective_us: int,
        values: Mapping[str, Any],
        wrong: tuple[str, ...],
    ) -> None:
        """Take a threshold's reading as the key's current value.

        While no timer runs and nothing changes, which is nearly always, there is nothing to advance.
        """
        pending = state.due_log_us is not None
        if pending:
            self.advance(rule, key, state, limit_us=effective_us)
        names = rule.measures
        looked_at = tuple([values.get(name) for name in names])
        if effective_us == state.time_us and is_repeat(state, event.device, effective_us, looked_at):
            if pending:
                self.reschedule(rule, key, state)
            return
        if effective_us > state.time_us:
            # A second reading of the same instant must not move the key's clock, or it would put off a timer.
            state.time_us, state.log_us = effective_us, self.log_us
        state.head_us = effective_us
        self.placed(state, event.feed, event.device, values)
        for name, value in zip(names, looked_at, strict=True):
            if value is not None:
                state.values[name] = value
        state.readings.append(_made(Reading, (self.entry.position, event.device, effective_us, names, looked_at)))
        failed = sum(name in rule.measures for name in wrong) if wrong else 0
        changed = self.judge(rule, state, values, told_us=effective_us, failed=failed)
        if changed or pending:
            self.advance(rule, key, state, limit_us=effective_us)
        self.speak_up(rule, key, state)
        if changed or pending or state.due_log_us is not None:
            self.reschedule(rule, key, state)

    def take(self, rule: Rule, key: str, state: KeyState, taken: Taken, *, log_us: int | None = None) -> None:
        """Let a kind take in an event, and judge what it then says."""
        watch = self.watch_of(rule, state)
        taken.late = taken.at_us < state.time_us
        if taken.late and not watch.late:
            self.memory.tally.late[rule.id] += 1
            return
        due_us = None if state.due_log_us is None else state.time_us + state.due_log_us - state.log_us
        if not taken.late and due_us is not None and due_us <= taken.at_us:
            self.advance(rule, key, state, limit_us=taken.at_us)
            due_us = self.next_due(rule, state)
        self.noted(rule, state, taken, log_us=log_us)
        facts = watch.take(rule, state, taken, self.memory.tally)
        if facts is not None and not (taken.late and state.over):
            state.values = {name: facts[name] for name in rule.measures if facts.get(name) is not None}
            changed = self.judge(rule, state, facts, told_us=None if taken.late else taken.at_us)
            if changed or (due_us is not None and due_us <= state.head_us):
                self.advance(rule, key, state, limit_us=state.head_us)
        if not taken.late and facts is not None:
            self.speak_up(rule, key, state)
        self.reschedule(rule, key, state)

    def noted(self, rule: Rule, state: KeyState, taken: Taken, *, log_us: int | None = None) -> None:
        """Keep an event as evidence; where it is not late the key is where and when it is."""
        if not taken.late:
            if taken.at_us > state.time_us:
                state.time_us, state.log_us = taken.at_us, self.log_us if log_us is None else log_us
            self.placed(state, taken.feed, taken.device, taken.values)
        kept = tuple([taken.values.get(name) for name in rule.inputs])
        state.readings.append(_made(Reading, (taken.position, taken.device, taken.at_us, rule.inputs, kept)))

    def judge(self, rule: Rule, state: KeyState, facts: Facts, *, told_us: int | None, failed: int = 0) -> bool:
        """Hold facts against the conditions at the key's head; return whether one changed."""
        changed, broke, without = observe(rule, state, facts, at_us=state.head_us, holidays=self.memory.holidays)
        if told_us is not None and broke + without < len(rule.conditions):
            state.told_us, state.over = told_us, False
        failed += broke
        if failed or without:
            state.errors += failed
            state.no_data += without
            self.memory.tally.errors[rule.id] += failed
            self.memory.tally.no_data[rule.id] += without
        if failed or state.failed:
            state.failed = (state.failed << 1 | bool(failed)) & BUDGET_BITS
        return changed

    def placed(self, state: KeyState, feed: str, device: str, values: Mapping[str, Any]) -> None:
        """Let a key be where its newest event is."""
        state.feed, state.device = feed, device
        state.area, state.zone = values.get("area"), values.get("zone")
        state.lat, state.lon = values.get("lat"), values.get("lon")

    def speak_up(self, rule: Rule, key: str, state: KeyState) -> None:
        """Say aloud an alert that opened too late to be heard, once a live reading shows that it still holds."""
        alert = state.alert
        if alert is None or not alert.firing or not alert.retrospective:
            return
        top = level_of(rule, alert.severity)
        live = self.log_us - state.time_us <= rule.live_within_us[state.feed]
        if live and state.levels[top].truth:
            since_us = state.levels[top].since_us
            at_us = max(state.floor_us, state.time_us)
            self.say(rule, key, Move(TransitionKind.RAISED, at_us, top, since_us, alert.severity, "still_holds", at_us))

    # ------------------------------------------------------------ time

    def end_timers(self) -> None:
        """End the timers that are due by now, of every key, one due time of one key after the other."""
        memory = self.memory
        open_gap = self.entry.kind is not EntryKind.TICK and silences.gap_is_open(memory, self.log_us)
        for due_log_us, identifier, key in memory.take_due(self.log_us):
            rule = self.rules.rules.get(identifier)
            state = memory.keys.get(identifier, {}).get(key)
            if rule is None or state is None:
                continue
            if not (open_gap and silences.put_off(self, rule, key, state)):
                self.end_one(rule, key, state, due_log_us)

    def end_one(self, rule: Rule, key: str, state: KeyState, due_log_us: int) -> None:
        """End what is due of one key at one instant of the log's clock."""
        with guarded(self, rule):
            self.advance(rule, key, state, limit_us=state.time_us + due_log_us - state.log_us)
            if rule.kind is Kind.NEAR and clusters.is_over(state):
                del self.memory.keys[rule.id][key]
            else:
                self.reschedule(rule, key, state)

    def kind_of(self, rule: Rule, state: KeyState) -> Watch | None:
        """Return the kind of a rule; None for a threshold."""
        return None if rule.kind is Kind.THRESHOLD else self.watch_of(rule, state)

    def watch_of(self, rule: Rule, state: KeyState) -> Watch:
        """Return the kind of a rule, and make sure that the key's memory of it is unpacked."""
        watch = WATCHES[rule.kind]
        if type(state.own) is Packed:
            state.own = watch.unpack(rule, state.own.data)
        return watch

    def advance(self, rule: Rule, key: str, state: KeyState, *, limit_us: int) -> None:
        """End the timers of a key that are due by ``limit_us`` of its own time."""
        for move in advance(
            rule, key, state, limit_us=limit_us, position=self.entry.position, watch=self.kind_of(rule, state),
            holidays=self.memory.holidays,
        ):  # fmt: skip
            self.say(rule, key, move)

    def say(self, rule: Rule, key: str, move: Move) -> None:
        """Record a move: as a transition, or as a figure in monitor mode; rules over alerts see both, at once.

        At once, not when the entry is done: how many of a key's timers end at one entry depends on the ticks, and what
        rules over alerts make of them must not.
        """
        transition = announce(self.rules, self.memory, self.entry, rule=rule, key=key, move=move)
        if rule.mode is Mode.MONITOR:
            self.memory.tally.watch(transition)
        else:
            self.transitions.append(transition)
        if self.rules.over_alerts:
            state = self.memory.keys[rule.id][key]
            due_log_us = min(self.log_us, state.log_us + max(move.due_us - state.time_us, 0))
            self.unseen.append((transition, rule.mode, due_log_us, self.depth))
            if not self.depth:
                self.drain()

    def drain(self) -> None:
        """Show the transitions so far to the rules over alerts, in the order in which they are made, and theirs too."""
        while self.unseen:
            transition, mode, log_us, depth = self.unseen.pop(0)
            if depth >= DEPTH_MAX:
                self.memory.tally.deep[transition.rule] += 1
                continue
            self.depth = depth + 1
            over_alerts.seen(self, transition, mode, log_us)
        self.depth = 0

    def next_due(self, rule: Rule, state: KeyState) -> int | None:
        """Return when, on the key's time, its next timer ends."""
        return next_due(rule, state, self.kind_of(rule, state), self.memory.holidays)

    def reschedule(self, rule: Rule, key: str, state: KeyState) -> None:
        """Put the key's next timer on the log's clock."""
        due_us = next_due(rule, state, self.kind_of(rule, state), self.memory.holidays)
        self.memory.schedule(rule.id, key, state, None if due_us is None else state.log_us + due_us - state.time_us)

    def end_key(
        self, rule: Rule, key: str, state: KeyState, reason: str, *, at_us: int | None = None,
        limit_us: int | None = None,
    ) -> None:  # fmt: skip
        """End a key's alert, if one is open, for a reason of ours; first what is due by ``limit_us`` of its time."""
        self.advance(rule, key, state, limit_us=state.at_log(self.log_us) if limit_us is None else limit_us)
        alert = state.alert
        if alert is not None and alert.firing:
            at_us = max(self.log_us if at_us is None else at_us, state.floor_us)
            alert.firing, alert.cleared_us = False, at_us
            level = level_of(rule, alert.severity)
            move = Move(TransitionKind.CLEARED, at_us, level, at_us, alert.severity, reason, state.at_log(self.log_us))
            self.say(rule, key, move)


def is_repeat(state: KeyState, device: str, effective_us: int, values: tuple[Any, ...]) -> bool:
    """Tell whether the key has seen this very reading; among readings of one instant the last new one counts."""
    return any(
        item.effective_us == effective_us and item.device == device and item.values == values for item in state.readings
    )
