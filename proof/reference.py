"""The independent evaluator: what docs/rules.md says of a log, worked out as plainly as can be, however slowly.

Written from that page alone, before its author had read the engine's fold; it shares no code with it beyond the
formulas of decrees and the digest. It keeps all readings, looks for what is due by asking every key, and knows no
snapshot, index, shortcut or bound: histories stay below the bounds of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from ioc.domain.event import Entry, EntryKind, Event
from ioc.domain.feed import FeedSpec
from proof.reference_alerts import Told, follow, live_within, tell
from proof.reference_edits import Registry, calendar, cluster_of, edit, outdated
from proof.reference_keys import Facts, Key, Truth, band_held, hold_end, level_due, seen
from proof.reference_kinds import KINDS, absent
from proof.reference_measures import Reading
from proof.reference_rules import EPOCH, MINUTE, SECOND, FailedError, Rule, active, read_rule

DEGRADED_OF = 20
GAP = 10 * SECOND
NEVER_SO_MANY = 100_000
SCHEDULE_DAYS = 400


def evaluate(entries: Iterable[Entry], feeds: Mapping[str, FeedSpec], zone: tzinfo = UTC) -> list[Told]:
    """Return every transition that a log leads to, in the order in which they are made."""
    world = World(feeds, zone)
    for entry in sorted(entries, key=lambda entry: entry.position):
        world.enter(entry)
    return world.told


def micros(moment: datetime) -> int:
    """Return microseconds since 1970."""
    seconds = moment - EPOCH
    return (seconds.days * 86_400 + seconds.seconds) * SECOND + seconds.microseconds


class World:
    """All that a log has said so far."""

    def __init__(self, feeds: Mapping[str, FeedSpec], zone: tzinfo) -> None:
        self.feeds, self.zone = feeds, zone
        self.rules: dict[str, Rule] = {}
        self.keys: dict[tuple[str, str], Key] = {}
        self.registry = Registry()
        self.holidays: list[str] = []
        self.told: list[Told] = []
        self.begun: list[str] = []
        self.depth = 0
        self.ticked: int | None = None
        self.position, self.log, self.kind = 0, 0, EntryKind.TICK

    def enter(self, entry: Entry) -> None:
        """Take one entry in: first all timers that are due by it, then what it says."""
        self.position, self.log, self.kind = entry.position, micros(entry.log_time), entry.kind
        if entry.kind is EntryKind.GAP:
            self.put_off_silences()
        self.end_timers()
        if entry.event is not None and not entry.event.history:
            self.event(entry.event)
        elif entry.kind is EntryKind.RULE:
            body = (entry.value or {}).get("body") or {}
            edit(self, str(entry.subject), read_rule(body, self.feeds) if body and body.get("enabled", True) else None)
        elif entry.kind is EntryKind.DEVICE:
            outdated(self, str(entry.subject), entry.value)
        elif entry.kind is EntryKind.CALENDAR:
            self.holidays = [str(day["date"]) for day in (entry.value or {}).get("holidays", ())]
            calendar(self)
        elif entry.kind in (EntryKind.TICK, EntryKind.GAP):
            self.ticked = self.log

    # ------------------------------------------------------------------ timers

    def put_off_silences(self) -> None:
        """Let silences that fell due within a gap begin to count again."""
        for key in self.keys.values():
            if key.rule.kind == "absence" and not key.own[0]:
                due = key.log_of(key.own[1])
                if (self.ticked is None or due > self.ticked) and due <= self.log:
                    key.own[1] += self.log + absent(key.rule)[0] - due

    def waits(self, key: Key, due: int) -> bool:
        """Tell whether a silence is not told by this entry, since our own outage may be behind it."""
        return (self.kind not in (EntryKind.TICK, EntryKind.GAP) and self.ticked is not None
                and self.log - self.ticked > GAP and key.log_of(due) > self.ticked)  # fmt: skip

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

    def due(self, key: Key) -> int | None:
        """Return the next instant at which something is due for a key."""
        own = KINDS[key.rule.kind].due(key)
        if own is not None and key.rule.kind == "absence" and self.waits(key, own):
            own = None
        found = [own, self.switch(key), hold_end(key)]
        found += [level_due(key, number) for number in range(len(key.lives))]
        if key.alert is not None and key.alert.firing and not any(key.lives):
            found.append(band_held(key))
        return min((at for at in found if at is not None), default=None)

    def end(self, key: Key, at: int) -> None:
        """Do all that is due for a key at one instant."""
        kind = KINDS[key.rule.kind]
        own = kind.due(key)
        if own is not None and own <= at and not (key.rule.kind == "absence" and self.waits(key, own)):
            self.judge(key, at, kind.leave(key, at), reading=False)
        if (switch := self.switch(key)) is not None and switch <= at:
            key.counts, key.switched, key.judged = not key.counts, at, at
        if (ended := hold_end(key)) is not None and ended <= at:
            key.truths = [(False, max(ended, since)) if truth is not False else (truth, since)
                          for truth, since in key.truths]  # fmt: skip
            key.band = key.band if key.band[0] else (True, max(ended, key.band[1]))
            key.over = True
        for number in [one for one in range(len(key.lives)) if (due := level_due(key, one)) is not None and due <= at]:
            key.lives[number] = not key.lives[number]
        follow(self, key, at)
        key.floor = max(key.floor, at)
        if cluster_of(key) and not key.readings and not (key.alert and key.alert.firing):
            del self.keys[key.rule.id, key.name]

    def switch(self, key: Key) -> int | None:
        """Return when a schedule's period begins or ends next: by asking of every minute that could be it."""
        if "active" not in key.rule.body:
            return None
        minute = key.judged // MINUTE + 1
        for at in range(minute * MINUTE, (minute + SCHEDULE_DAYS * 1_440) * MINUTE, MINUTE):
            if active(key.rule, at, self.zone, self.holidays) is not key.counts:
                return at
        return None

    # ------------------------------------------------------------------ readings

    def event(self, event: Event) -> None:
        """Give an event to every rule that listens to its feed."""
        place = self.registry.place(event)
        for rule in [self.rules[name] for name in sorted(self.rules)]:
            if event.feed not in rule.feeds:
                continue
            values = {**self.registry.bound(event.data, rule.types), **place}
            reading = Reading(self.position, micros(event.effective), event.feed, event.device, values)
            parts = self.registry.parts(rule, event, values)
            if rule.kind == "absence" and not self.registry.heard(rule, event):
                continue
            if parts is not None and self.chosen(rule, values, event.device):
                self.read(rule, parts, reading, self.log, revised=event.revision > 0)

    def chosen(self, rule: Rule, values: Mapping[str, Any], device: str) -> bool:
        """Tell whether an event exists for a rule."""
        try:
            known = self.registry.side(device) if rule.kind == "absence" else values
            return rule.where is None or rule.where(known) is True
        except FailedError:
            return False

    def read(self, rule: Rule, parts: tuple[str, ...], reading: Reading, log: int, *, revised: bool = False) -> None:
        """Give a reading to its key."""
        if rule.kind == "near":
            key = self.registry.join(self, rule, parts, reading, log)
            if key is None:
                return
        else:
            name = "|".join(parts)
            key = self.keys.get((rule.id, name)) or self.begin(rule, name, parts, reading.effective, log)
            if revised and "event" in rule.by:
                reading = reading._replace(effective=max(reading.effective, key.at(log)))
            self.end_until(key, reading.effective)
        late = reading.effective < key.t
        if reading.effective > key.t:
            key.t, key.log = reading.effective, log
        if not late:
            key.place, key.feed, key.heard = reading.values, reading.feed, True
        if rule.kind == "near":
            key.readings.append(reading)
            key.head = max(reading.effective, key.head or 0)
            taken: tuple[int, Facts] | None = (key.head, KINDS["near"].facts(key, key.head))
        else:
            taken = KINDS[rule.kind].take(key, reading, late=late)
        if taken is not None:
            self.taken(key, *taken)

    def begin(self, rule: Rule, name: str, parts: tuple[str, ...], at: int, log: int) -> Key:
        """Begin a key."""
        key = Key(rule, name, parts, at, log, self.zone, judged=at, truths=[(None, at)] * len(rule.levels),
                  band=(None, at), lives=[False] * len(rule.levels), feed=rule.feeds[0])  # fmt: skip
        key.counts = active(rule, at, self.zone, self.holidays)
        key.switched = None if key.counts else at
        if rule.kind == "absence":
            key.own = [False, at + absent(rule)[0]]
        self.keys[rule.id, name] = key
        return key

    def taken(self, key: Key, at: int, facts: Facts) -> None:
        """Evaluate a reading, and let follow what follows at once."""
        self.judge(key, at, facts, reading=True)
        self.end_until(key, at)
        alert = key.alert
        if alert is None or not (alert.firing and alert.retrospective) or self.log - at > live_within(key):
            return
        if any(level.severity == alert.severity and seen(key, found)[0]
               for level, found in zip(key.rule.levels, key.truths, strict=True)):  # fmt: skip
            tell(self, key, "raised", alert.severity, at, "still_holds")

    def judge(self, key: Key, at: int, facts: Facts, *, reading: bool) -> None:
        """Ask every condition what is known at an instant."""
        answered, failed = False, False

        def asked(clause: Any, limit: float | None, before: Truth) -> Truth:
            nonlocal answered, failed
            try:
                truth = clause({**key.place, **facts, "limit": limit})
            except FailedError:
                failed, truth = True, None
            answered = answered or truth is not None
            return before if truth is None or truth is before[0] else (truth, at)

        rule = key.rule
        key.truths = [asked(level.clause, rule.limit(level, at, self.zone), before)
                      for level, before in zip(rule.levels, key.truths, strict=True)]  # fmt: skip
        if rule.clear is not None:
            key.band = asked(rule.clear, rule.limit(None, at, self.zone), key.band)
        key.values = facts
        if reading:
            key.failed = [*key.failed, failed][-DEGRADED_OF:]
            if answered and (key.told is None or at >= key.told):
                key.told, key.over = at, False
