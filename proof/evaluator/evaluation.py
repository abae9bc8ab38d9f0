"""The independent evaluator: what docs/rules.md says of a log, worked out as plainly as can be, however slowly.

Written from that page alone, before its author had read the engine's fold; it imports nothing of ioc. It keeps
all readings, looks for what is due by asking every key, and knows no snapshot, index, shortcut or bound: histories
stay below the bounds of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from proof.evaluator.alerts import apply_levels, live_micros, make_transition
from proof.evaluator.edits import calendar, change_device, cluster_of, edit, join, spread
from proof.evaluator.keys import Facts, Key, band_held, end_hold, hold_end, level_due, turn
from proof.evaluator.kinds import absent, of_whole_hours
from proof.evaluator.limits import limit_of
from proof.evaluator.log import Feed, LogEntry, LogEvent
from proof.evaluator.log_state import ExpectedTransition
from proof.evaluator.measures import Reading
from proof.evaluator.orders import KINDS, order_of
from proof.evaluator.registry import Registry, written
from proof.evaluator.rules import EPOCH, SECOND, FailedError, Rule, active, next_switch, read_rule
from proof.evaluator.withdrawn import take_back

DEGRADED_OF, DEPTH_MAX = 20, 3
TICK, GAP, RULE, DEVICE, CALENDAR, LIMIT = "tick", "gap", "rule", "device", "calendar", "limit"
"""Kinds of entries."""
IMPORTED = "history"
"""The flag of imported history, which no rule evaluates."""
WITHDRAWN = "withdrawn"
"""The flag of an entry that takes readings back."""
BY_HAND = "manual"
"""The door of what people enter."""
OUTAGE = 10 * SECOND
NEVER_SO_MANY = 100_000


def evaluate(entries: Iterable[LogEntry], feeds: Mapping[str, Feed], zone: tzinfo = UTC) -> list[ExpectedTransition]:
    """Return every transition that a log leads to, in the order in which they are made."""
    state = Evaluation(feeds, zone)
    for entry in sorted(entries, key=lambda entry: entry.position):
        state.enter(entry)
    return state.transitions


def micros(moment: datetime) -> int:
    """Return microseconds since 1970."""
    seconds = moment - EPOCH
    return (seconds.days * 86_400 + seconds.seconds) * SECOND + seconds.microseconds


def with_sums(feed: Feed, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reading's values with what is the sum of others, where it is missing and they are not."""
    sums = {
        name: sum(values[part] for part in spec.sum_of)
        for name, spec in feed.fields.items()
        if spec.sum_of and name not in values and all(part in values for part in spec.sum_of)
    }
    return {**values, **sums}


class Evaluation:
    """All that a log has said so far."""

    def __init__(self, feeds: Mapping[str, Feed], zone: tzinfo) -> None:
        self.feeds, self.zone = feeds, zone
        self.rules: dict[str, Rule] = {}
        self.keys: dict[tuple[str, str], Key] = {}
        self.registry = Registry()
        self.holidays: list[str] = []
        self.limits: dict[str, Mapping[str, Any]] = {}
        self.transitions: list[ExpectedTransition] = []
        self.begun: list[str] = []
        self.depth = 0
        self.queue: list[tuple[int, str, Reading, int]] = []
        """(depth, kind, reading, log time) of transitions that rules over alerts have not seen yet."""
        self.ticked: int | None = None
        self.position, self.log, self.kind = 0, 0, TICK

    def enter(self, entry: LogEntry) -> None:
        """Take one entry in: first all timers that are due by it, then what it says."""
        self.position, self.log, self.kind = entry.position, micros(entry.log_time), entry.kind
        if entry.kind == GAP:
            self.put_off_silences()
        self.end_timers()
        if entry.event is not None and WITHDRAWN in entry.event.flags:
            take_back(self, entry.event)
        elif entry.event is not None and IMPORTED not in entry.event.flags:
            self.event(entry.event)
        elif entry.kind == RULE:
            body = (entry.value or {}).get("body") or {}
            edit(self, str(entry.subject), read_rule(body, self.feeds) if body and body.get("enabled", True) else None)
        elif entry.kind == DEVICE:
            change_device(self, str(entry.subject), entry.value)
        elif entry.kind == CALENDAR:
            self.holidays = [str(day["date"]) for day in (entry.value or {}).get("holidays", ())]
            calendar(self)
        elif entry.kind == LIMIT:
            self.limits.pop(str(entry.subject), None)
            if entry.value is not None:
                self.limits[str(entry.subject)] = entry.value
        elif entry.kind in (TICK, GAP):
            self.ticked = self.log

    def show(self) -> None:
        """Show transitions to the rules over alerts in the order in which they are made, and theirs too."""
        while self.queue:
            depth, kind, reading, log = self.queue.pop(0)
            if depth < DEPTH_MAX:
                self.depth = depth + 1
                spread(self, kind, reading, log)
        self.depth = 0

    # ------------------------------------------------------------------ timers

    def put_off_silences(self) -> None:
        """Let silences that fell due within a gap begin to count again."""
        for key in self.keys.values():
            if key.rule.kind == "absence" and not key.own[0]:
                due = key.log_of(key.own[1])
                if (self.ticked is None or due > self.ticked) and due <= self.log:
                    key.own[1] += self.log + absent(key.rule)[0] - due
                    key.unheard = key.own[1]

    def waits(self, key: Key, due: int) -> bool:
        """Tell whether a silence is not told by this entry, since our own outage may be behind it."""
        return (self.kind not in (TICK, GAP) and self.ticked is not None
                and self.log - self.ticked > OUTAGE and key.log_of(due) > self.ticked)  # fmt: skip

    def end_timers(self) -> None:
        """End every timer that is due by the entry's log time, one due time of one key after the other."""
        for _ in range(NEVER_SO_MANY):
            due = [(key.log_of(at), *name, at) for name, key in self.keys.items() if (at := self.due(key)) is not None]
            first = min((one for one in due if one[0] <= self.log), default=None)
            if first is None:
                return
            self.end(self.keys[first[1], first[2]], first[3])
        raise AssertionError(f"timers without end at {self.position}")

    def end_until(self, key: Key, at: int) -> None:
        """End the timers of one key that are due by an instant of its time."""
        for _ in range(NEVER_SO_MANY):
            due = self.due(key)
            if due is None or due > at:
                return
            self.end(key, due)
        raise AssertionError(f"timers without end at {self.position}, {key.name}")

    def due(self, key: Key, *, with_own: bool = True) -> int | None:
        """Return the next instant at which something is due for a key, by its kind too unless told not to."""
        own = KINDS[key.rule.kind].due(key) if with_own else None
        if own is not None and key.rule.kind == "absence" and self.waits(key, own):
            own = None
        found = [own, self.switch(key), hold_end(key)]
        found += [level_due(key, number) for number in range(len(key.lives))]
        if key.alert is not None and key.alert.firing and not any(key.lives):
            found.append(band_held(key))
        return min((at for at in found if at is not None), default=None)

    def end(self, key: Key, at: int) -> None:
        """Do all that is due for a key at one instant."""
        key.floor = max(key.floor, at)
        kind = KINDS[key.rule.kind]
        own = kind.due(key)
        if (
            own is not None
            and own <= at
            and not (key.rule.kind == "absence" and self.waits(key, own))
            and not self.comes_last(key, own)
        ):
            facts = kind.leave(key, at)
            if not key.over:
                key.values = facts
                self.judge(key, at, facts)
        if (switch := self.switch(key)) is not None and switch <= at:
            turn(key, switch, counts=active(key.rule, switch, self.zone, self.holidays))
        if (ended := hold_end(key)) is not None and ended <= at:
            end_hold(key, ended)
        for number in [one for one in range(len(key.lives)) if (due := level_due(key, one)) is not None and due <= at]:
            key.lives[number] = not key.lives[number]
        apply_levels(self, key, at)
        if cluster_of(key) and not key.readings and not (key.alert and key.alert.firing):
            del self.keys[key.rule.id, key.name]

    def comes_last(self, key: Key, own: int) -> bool:
        """Tell whether an hour that is over waits for what else is due by then, as a reading would."""
        others = self.due(key, with_own=False)
        return key.rule.kind == "window" and of_whole_hours(key.rule) and others is not None and others <= own

    def switch(self, key: Key) -> int | None:
        """Return when a schedule's period begins or ends next, if that could change anything."""
        if not (key.firing or any(key.said) or any(key.lives) or any(truth for truth, _ in key.truths)):
            return None
        counts = active(key.rule, key.judged, self.zone, self.holidays)
        return next_switch(key.rule, key.judged, self.zone, tuple(self.holidays), counts=counts)

    # ------------------------------------------------------------------ readings

    def event(self, event: LogEvent) -> None:
        """Give an event to every rule that listens to its feed."""
        place = self.registry.place(event)
        for rule in [self.rules[name] for name in sorted(self.rules)]:
            if event.feed not in rule.feeds:
                continue
            values = {**with_sums(self.feeds[event.feed], self.registry.bound(event.data, rule.types)), **place}
            if rule.kind == "order":
                self.order(rule, event, values)
                continue
            if rule.kind == "absence":
                if not self.registry.heard(rule, event):
                    continue
                side = self.registry.side(event.device)
                values = {**place, **{name: value for name, value in side.items() if value is not None}}
            asked = side if rule.kind == "absence" and side else values
            parts = self.registry.parts(rule, event, asked)
            reading = Reading(
                self.position, micros(event.effective), event.feed, event.device, values, by_hand=event.door == BY_HAND
            )
            if parts is not None and self.chosen(rule, asked):
                self.read(rule, parts, reading, self.log, revised=event.revision > 0)

    def order(self, rule: Rule, event: LogEvent, values: dict[str, Any]) -> None:
        """Give a measure to its device, an order to the one that it names."""
        said, at = rule.body["orders"], micros(event.effective)
        if event.feed != said["feed"]:
            if values.get(rule.body["measured"]["field"]) is not None:
                self.read(
                    rule,
                    (written(event.device),),
                    Reading(self.position, at, event.feed, event.device, values),
                    self.log,
                )
            return
        device, given = values.get(said["device"]), order_of(rule, event, values, given=at, position=self.position)
        if not device or given is None:
            return
        name = written(device)
        key = self.keys.get((rule.id, name)) or self.begin(rule, name, (name,), self.log, self.log)
        key.own = {**(key.own or {}), event.key.hex(): given}
        place = {name: value for name, value in self.registry.side(device).items() if value is not None}
        reading = Reading(self.position, key.at(self.log), rule.feeds[0], device, {"device": device, **place})
        self.read(rule, (name,), reading, self.log)

    def chosen(self, rule: Rule, values: Mapping[str, Any]) -> bool:
        """Tell whether an event exists for a rule."""
        try:
            return rule.where is None or rule.where(values) is True
        except FailedError:
            return False

    def read(self, rule: Rule, parts: tuple[str, ...], reading: Reading, log: int, *, revised: bool = False) -> None:
        """Give a reading to its key."""
        known = None
        if rule.kind == "near":
            key = join(self, rule, parts, reading, log)
            if key is None:
                return
        else:
            name = "|".join(parts)
            known = self.keys.get((rule.id, name))
            if revised and "event" in rule.by:
                reading = reading._replace(effective=log if known is None else known.at(log))
            key = known or self.begin(rule, name, parts, reading.effective, log)
            self.end_until(key, reading.effective)
        late = reading.effective < key.t
        if rule.kind == "absence" and known is not None and reading.effective == key.t:
            late = True  # the very instant that it was last heard of: no news
        if reading.effective > key.t:
            key.t, key.log = reading.effective, log
        before = (key.place, key.feed, key.heard)
        if not late or rule.kind == "near":
            key.place, key.feed, key.heard = reading.values, reading.feed, True
        if rule.kind == "near":
            key.readings.append(reading)
            key.head = max(reading.effective, key.head or 0)
            taken: tuple[int, Facts] | None = (key.head, KINDS["near"].leave(key, key.head))
            late, reading = False, reading._replace(effective=key.t)
        else:
            taken = KINDS[rule.kind].take(key, reading, late=late)
        if taken is None and rule.kind == "threshold":
            key.place, key.feed, key.heard = before  # a repeat changes nothing
        if taken is not None:
            self.observe(key, *taken, made_at=None if late else reading.effective)
        if "event" in rule.by and key.alert is None and not any([*key.lives, *(truth for truth, _ in key.truths)]):
            del self.keys[rule.id, key.name]

    def begin(self, rule: Rule, name: str, parts: tuple[str, ...], at: int, log: int) -> Key:
        """Begin a key."""
        levels = len(rule.levels)
        key = Key(rule, name, parts, at, log, self.zone, judged=at, answered_at=at, said=[None] * levels,
                  truths=[(None, at)] * levels, band=(None, at), lives=[False] * levels,
                  feed=rule.feeds[0])  # fmt: skip
        if rule.kind == "absence":
            key.own = [False, at + absent(rule)[0]]
            key.unheard = key.own[1]
        self.keys[rule.id, name] = key
        return key

    def observe(self, key: Key, at: int, facts: Facts, *, made_at: int | None) -> None:
        """Evaluate a reading, and let follow what follows at once; ``made_at`` None: it is late and renews no hold."""
        if made_at is None and key.over:
            return
        key.values = key.known if key.rule.kind == "threshold" else facts
        answered, failed = self.judge(key, at, facts)
        key.failed = [*key.failed, failed][-DEGRADED_OF:]
        if made_at is not None and answered:
            key.answered_at, key.over = made_at, False
        self.end_until(key, at)
        alert = key.alert
        if made_at is None or alert is None or not (alert.firing and alert.retrospective):
            return
        if self.log - key.t <= live_micros(key) and any(
            level.severity == alert.severity and truth
            for level, (truth, _) in zip(key.rule.levels, key.truths, strict=True)
        ):
            make_transition(self, key, "raised", alert.severity, key.t, "still_holds")

    def judge(self, key: Key, at: int, facts: Facts, only: Sequence[int] | None = None) -> tuple[bool, bool]:
        """Ask conditions what is known at an instant; return whether one answered, and whether one failed.

        ``only``: the levels to ask, the clear band being one more than the last.
        """
        rule, answered, failed = key.rule, False, False
        clauses = [*(level.clause for level in rule.levels), *([rule.clear] if rule.clear is not None else [])]
        said = [*key.said, key.said_band]
        for number, clause in enumerate(clauses):
            if only is not None and number not in only:
                continue
            level = rule.levels[number if number < len(rule.levels) else 0]
            limit = limit_of(self, key, level, at)
            try:
                truth = clause({**key.place, **facts, "limit": limit})
            except FailedError:
                failed, truth = True, None
            if truth is not None:
                answered, said[number] = True, truth
                if number < len(rule.levels) and any(one.table for one in rule.levels):
                    key.held[level.severity] = limit
        *key.said, key.said_band = said
        turn(key, at, counts=active(rule, max(at, key.judged), self.zone, self.holidays))
        return answered, failed
