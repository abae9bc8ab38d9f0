"""The fold: (rules, memory, entry) -> transitions. Pure but for the memory it is handed; it reads no clock.

For one key every entry that touches it first ends the timers that are due by then, as a tick would. So it makes no
difference whether the tick that could have come before a reading was written, how far ticks are apart, or where a
batch was cut: what a timer does depends on the readings and their log times alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.domain.alert import Transition, TransitionKind
from ioc.domain.device import DeviceState
from ioc.domain.event import Entry, EntryKind, Event, hash16
from ioc.rules.announce import announce
from ioc.rules.condition import bind
from ioc.rules.memory import DEVICES_MAX, IDLE_US, KeyState, LevelState, Memory, Reading, RuleRecord
from ioc.rules.rule import EVENT, Mode, Rule, to_us
from ioc.rules.ruleset import RuleSet
from ioc.rules.timers import Move, advance, expire, follow, level_of, next_due, observe, verdict

KEY_LENGTH_MAX = 200
DEVICE_MEMBERS = (
    "name_vi", "name_en", "area", "zone", "lat", "lon", "place", "owner", "parent", "critical", "extra",
)  # fmt: skip


def step(rules: RuleSet, memory: Memory, entry: Entry) -> tuple[Transition, ...]:
    """Fold one entry into ``memory`` and return the transitions it makes, in order."""
    fold = Fold(rules, memory, entry)
    if entry.kind is EntryKind.EVENT:
        assert entry.event is not None, "an event entry has its event"
        if not entry.event.history:
            fold.event(entry.event)
    elif entry.kind in (EntryKind.TICK, EntryKind.GAP):
        memory.tick_us = fold.log_us
        fold.tick()
    elif entry.kind is EntryKind.RULE:
        fold.rule_changed()
    elif entry.kind is EntryKind.DEVICE:
        fold.device_changed()
    elif entry.kind is EntryKind.AREA:
        fold.area_changed()
    memory.position, memory.log_us = entry.position, fold.log_us
    return tuple(fold.transitions)


class Fold:
    """One step: the entry, and what it has led to so far."""

    def __init__(self, rules: RuleSet, memory: Memory, entry: Entry) -> None:
        self.rules = rules
        self.memory = memory
        self.entry = entry
        self.log_us = to_us(entry.log_time)
        self.transitions: list[Transition] = []

    # ------------------------------------------------------------ readings

    def event(self, event: Event) -> None:
        """Show a reading to the rules of its feed."""
        matching = self.rules.of_feed(event.feed)
        if not matching:
            return
        values, wrong = bind(event.data, self.rules.types[event.feed])
        add_context(values, event, self.memory.devices.get(event.device, {}))
        for rule in matching:
            self.reading(rule, event, values, wrong)

    def reading(self, rule: Rule, event: Event, values: Mapping[str, Any], wrong: tuple[str, ...]) -> None:
        """Show a reading to one rule."""
        tally = self.memory.tally
        tally.evaluated[rule.id] += 1
        if rule.where is not None:
            chosen, broke = verdict(rule.where, values)
            tally.errors[rule.id] += broke
            tally.no_data[rule.id] += chosen is None and not broke
            if not chosen:
                return
        key = key_of(rule, event, values)
        if key is None:
            tally.no_data[rule.id] += 1
            return
        effective_us, state = to_us(event.effective), self.memory.keys.get(rule.id, {}).get(key)
        if rule.per_event and event.revision:
            # What a revision says is so from its arrival on, though it is dated like the event that it corrects.
            effective_us = self.log_us if state is None else state.at_log(self.log_us)
        if state is None:
            # No later reading asks for an event's own key again: it may go as soon as it can no longer reopen.
            if not self.memory.room(rule.id, self.log_us, idle_us=rule.refire_us if rule.per_event else IDLE_US):
                tally.full[rule.id] += 1
                return
            levels = [LevelState() for _ in rule.levels]
            state = KeyState(effective_us, self.log_us, event.feed, event.device, levels, told_us=effective_us)
            self.memory.keys[rule.id][key] = state
        elif state.due_log_us is not None:
            self.advance(rule, key, state, limit_us=state.at_log(self.log_us))
        changed = False
        if effective_us < state.time_us:
            tally.late[rule.id] += 1
        else:
            changed = self.current(rule, key, state, event=event, effective_us=effective_us, values=values, wrong=wrong)
        if changed or state.due_log_us is not None:
            self.reschedule(rule, key, state)
        if rule.per_event and state.alert is None and state.idle:
            del self.memory.keys[rule.id][key]  # nearly every event: remembering each would fill the bound

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
    ) -> bool:
        """Take a reading as the key's current value; return whether a condition changed.

        While no timer runs and nothing changes, which is nearly always, there is nothing to advance.
        """
        pending = state.due_log_us is not None
        if pending:
            self.advance(rule, key, state, limit_us=effective_us)
        measures = {name: values[name] for name in rule.measures if name in values}
        if effective_us == state.time_us and is_repeat(state, event.device, effective_us, measures):
            return False
        if effective_us > state.time_us:
            # A second reading of the same instant must not move the key's clock, or it would put off a timer.
            state.time_us, state.log_us = effective_us, self.log_us
        state.feed, state.device = event.feed, event.device
        state.area, state.zone = values.get("area"), values.get("zone")
        state.lat, state.lon = values.get("lat"), values.get("lon")
        state.values.update(measures)
        state.readings.append(Reading(self.entry.position, event.device, effective_us, measures))
        changed, failed, without = observe(rule, state, values, at_us=effective_us)
        if failed + without < rule.conditions:
            state.told_us, state.over = effective_us, False
        failed += sum(name in rule.measures for name in wrong)
        if failed or without:
            state.errors += failed
            state.no_data += without
            self.memory.tally.errors[rule.id] += failed
            self.memory.tally.no_data[rule.id] += without
        if changed or pending:
            self.advance(rule, key, state, limit_us=effective_us)
        self.speak_up(rule, key, state)
        return changed

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
            self.say(rule, key, Move(TransitionKind.RAISED, at_us, top, since_us, alert.severity, "still_holds"))

    # ------------------------------------------------------------ time

    def tick(self) -> None:
        """End the timers that are due now, of every key."""
        for identifier, key in self.memory.take_due(self.log_us):
            rule = self.rules.rules.get(identifier)
            if rule is None:
                continue
            state = self.memory.keys[identifier][key]
            self.advance(rule, key, state, limit_us=state.at_log(self.log_us))
            self.reschedule(rule, key, state)

    def advance(self, rule: Rule, key: str, state: KeyState, *, limit_us: int) -> None:
        """End the timers of a key that are due by ``limit_us`` of its own time."""
        for move in advance(rule, key, state, limit_us=limit_us, position=self.entry.position):
            self.say(rule, key, move)

    def say(self, rule: Rule, key: str, move: Move) -> None:
        """Record a move: as a transition, or as a figure in monitor mode."""
        transition = announce(self.rules, self.memory, self.entry, rule=rule, key=key, move=move)
        if rule.mode is Mode.MONITOR:
            self.memory.tally.monitored[rule.id] += 1
        else:
            self.transitions.append(transition)

    def reschedule(self, rule: Rule, key: str, state: KeyState) -> None:
        """Put the key's next timer on the log's clock."""
        due_us = next_due(rule, state)
        self.memory.schedule(rule.id, key, None if due_us is None else state.log_us + due_us - state.time_us)

    # ------------------------------------------------------------ changes

    def rule_changed(self) -> None:
        """Put a rule in force, in its new form, or end it."""
        identifier, value = self.entry.subject, self.entry.value
        assert identifier is not None, "a rule entry names its rule"
        if value is None or not value["body"].get("enabled", True):
            self.memory.rules.pop(identifier, None)
            self.end(identifier, "rule_removed")
            self.rules.remove(identifier)
            return
        record = RuleRecord(body=value["body"], hash=value["hash"], version=value["version"])
        rule, before = self.rules.compile(identifier, record), self.rules.rules.get(identifier)
        if rule is None:
            self.memory.tally.refused[identifier] += 1  # the form in force stays: a bad edit must not end a watch
            return
        self.memory.rules[identifier] = record
        if before is not None and not (rule.similar(before) and rule.mode is before.mode):
            self.end(identifier, "rule_changed")
        self.rules.put(rule)
        if before is not None and rule.hash != before.hash:
            for key, state in list(self.memory.keys.get(identifier, {}).items()):
                self.refit(rule, before, key, state)

    def refit(self, rule: Rule, before: Rule, key: str, state: KeyState) -> None:
        """Judge a key's newest reading by the rule's new form; a level that stayed as it was keeps its served time."""
        at_us = state.at_log(self.log_us)
        self.advance(before, key, state, limit_us=at_us)
        values = dict(state.values)
        context = {"feed": state.feed, "area": state.area, "zone": state.zone, "lat": state.lat, "lon": state.lon}
        add_place(values, state.device, context, self.memory.devices.get(state.device, {}))
        if rule.where is not None and verdict(rule.where, values)[0] is False:
            self.end_key(before, key, state, "rule_changed")
            del self.memory.keys[rule.id][key]
            return
        old = {level.severity: (level, state.levels[number]) for number, level in enumerate(before.levels)}
        state.levels = []
        for level in rule.levels:
            kept, fresh = old.get(level.severity), LevelState()
            if kept is not None and (kept[0].when.text, kept[0].for_us) == (level.when.text, level.for_us):
                fresh = kept[1]
            elif kept is not None:
                fresh.live = kept[1].live
            state.levels.append(fresh)
        if (rule.clear.when and rule.clear.when.text) != (before.clear.when and before.clear.when.text):
            state.clear = LevelState()
        # An edit counts from its entry on: what it makes due earlier is due now.
        state.floor_us = max(state.floor_us, at_us)
        if state.over and rule.hold_us is not None:
            expire(rule, state, at_us=at_us)
        else:
            state.over = False
            observe(rule, state, values, at_us=at_us)
        self.advance(rule, key, state, limit_us=at_us)
        # A level that the edit took away ends here, with no timer of its own to say so.
        move = follow(rule, key, state, due_us=at_us, position=self.entry.position)
        if move is not None:
            self.say(rule, key, move)
        self.reschedule(rule, key, state)

    def end(self, identifier: str, reason: str) -> None:
        """End every open alert of a rule and forget its keys."""
        rule = self.rules.rules.get(identifier)
        if rule is not None:
            for key, state in sorted(self.memory.keys.get(identifier, {}).items()):
                self.end_key(rule, key, state, reason)
        self.memory.forget_rule(identifier)

    def end_key(self, rule: Rule, key: str, state: KeyState, reason: str) -> None:
        """End a key's alert, if one is open, for a reason of ours."""
        self.advance(rule, key, state, limit_us=state.at_log(self.log_us))
        alert = state.alert
        if alert is not None and alert.firing:
            at_us = max(self.log_us, state.floor_us)
            alert.firing, alert.cleared_us = False, at_us
            level = level_of(rule, alert.severity)
            self.say(rule, key, Move(TransitionKind.CLEARED, at_us, level, at_us, alert.severity, reason))

    def device_gone(self, identifier: str) -> None:
        """End the alerts that are a device's own: it will never say that they are over. Its keys are forgotten."""
        for rule in sorted(self.rules.rules.values(), key=lambda rule: rule.id):
            states = self.memory.keys.get(rule.id, {})
            if "device" in rule.by:
                for key in sorted(key for key, state in states.items() if state.device == identifier):
                    self.end_key(rule, key, states[key], "device_removed")
                    del states[key]

    def device_changed(self) -> None:
        """Learn a device's names and place, or forget it."""
        identifier, value = self.entry.subject, self.entry.value
        assert identifier is not None, "a device entry names its device"
        if value is None or value.get("state") == DeviceState.RETIRED:
            self.device_gone(identifier)
        if value is None:
            self.memory.devices.pop(identifier, None)
        elif identifier in self.memory.devices or len(self.memory.devices) < DEVICES_MAX:
            members = {name: value[name] for name in DEVICE_MEMBERS if value.get(name) is not None}
            self.memory.devices[identifier] = {**names_of(value), **members}
        else:
            self.memory.tally.full["devices"] += 1

    def area_changed(self) -> None:
        """Learn the name of a unit that stands today, or forget one that has ended."""
        value = self.entry.value
        code = (value or {}).get("code") or (self.entry.subject or "").split("@", 1)[0]
        if value is None:
            self.memory.areas.pop(code, None)
        elif value.get("valid_to") is None:  # codes were re-used: only the unit that stands has the name
            self.memory.areas[code] = names_of(value)


def is_repeat(state: KeyState, device: str, effective_us: int, values: Mapping[str, Any]) -> bool:
    """Tell whether the key has seen this very reading; among readings of one instant the last new one counts."""
    return any(
        item.effective_us == effective_us and item.device == device and item.values == values for item in state.readings
    )


def names_of(value: Mapping[str, Any]) -> dict[str, str]:
    """Return a registry entry's name in both languages, whether it stands as one member or as two columns."""
    name = value.get("name") or {"vi": value.get("name_vi"), "en": value.get("name_en")}
    return {f"name_{language}": name[language] for language in ("vi", "en") if name.get(language)}


def add_context(values: dict[str, Any], event: Event, device: Mapping[str, Any]) -> None:
    """Add to an event's values what rules may ask of its place and device."""
    context = {"feed": event.feed, "area": event.area, "zone": event.zone, "lat": event.lat, "lon": event.lon}
    add_place(values, event.device, context, device)
    values["flags"] = list(event.flags)


def add_place(values: dict[str, Any], identifier: str, context: Mapping[str, Any], device: Mapping[str, Any]) -> None:
    """Add the event's own place, else the registered one of its device."""
    values["device"] = identifier
    for name, value in context.items():
        found = value if value is not None else device.get(name)
        if found is not None:
            values[name] = found
    for name in ("place", "owner", "parent"):
        if device.get(name) is not None:
            values[name] = device[name]
    values["critical"] = bool(device.get("critical"))
    values["extra"] = device.get("extra") or {}


def key_of(rule: Rule, event: Event, values: Mapping[str, Any]) -> str | None:
    """Return the value of the rule's `by`, joined with `|`; None where a part is missing."""
    parts: list[str] = []
    for name in rule.by:
        value = event.key.hex() if name == EVENT else values.get(name)
        if value is None:
            return None
        parts.append(str(value).lower() if isinstance(value, bool) else str(value).replace("|", "\\|"))
    key = "|".join(parts)
    if len(key) > KEY_LENGTH_MAX:
        return f"{key[: KEY_LENGTH_MAX - 33]}~{hash16(key.encode()).hex()}"
    return key
