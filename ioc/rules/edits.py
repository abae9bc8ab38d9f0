"""Entries that change what the fold knows: rules, devices, areas and the calendar, each with its full new value."""

from __future__ import annotations

from datetime import date

from ioc.domain.device import DeviceState
from ioc.rules import silences
from ioc.rules.faults import guarded
from ioc.rules.folding import Folding
from ioc.rules.keys import DEVICE_MEMBERS, add_place, names_of
from ioc.rules.kinds import Kind
from ioc.rules.memory import DEVICES_MAX, KeyState, LevelState, RuleRecord
from ioc.rules.rule import Rule
from ioc.rules.timers import expire, follow, observe, turn, verdict


def rule_changed(fold: Folding) -> None:
    """Put a rule in force, in its new form, or end it."""
    memory, rules = fold.memory, fold.rules
    identifier, value = fold.entry.subject, fold.entry.value
    assert identifier is not None, "a rule entry names its rule"
    memory.failed.pop(identifier, None)
    if value is None or not value["body"].get("enabled", True):
        rules.refused.pop(identifier, None)
        memory.rules.pop(identifier, None)
        end(fold, identifier, "rule_removed")
        return
    record = RuleRecord(body=value["body"], hash=value["hash"], version=value["version"])
    rule, before = rules.compile(identifier, record), rules.rules.get(identifier)
    if rule is None:
        memory.tally.refused[identifier] += 1  # the form in force stays: a bad edit must not end a watch
        return
    memory.rules[identifier] = record
    anew = before is None or not (rule.similar(before) and rule.mode is before.mode)
    if before is not None and anew:
        end(fold, identifier, "rule_changed")
    rules.put(rule)
    if anew and rule.kind is Kind.ABSENCE:
        silences.expect_all(fold, rule)
    if before is not None and not anew and rule.hash != before.hash:
        for key, state in sorted(memory.keys.get(identifier, {}).items()):
            if memory.keys[identifier].get(key) is state:
                refit(fold, rule, before, key, state)


def refit(fold: Folding, rule: Rule, before: Rule, key: str, state: KeyState) -> None:
    """Judge what a key knows by the rule's new form; a level that stayed as it was keeps its served time."""
    at_us = state.at_log(fold.log_us)
    fold.advance(before, key, state, limit_us=at_us)
    values = dict(state.values)
    context = {"feed": state.feed, "area": state.area, "zone": state.zone, "lat": state.lat, "lon": state.lon}
    add_place(values, state.device, context, fold.memory.devices.get(state.device, {}))
    if rule.kind is Kind.THRESHOLD and rule.where is not None and verdict(rule.where, values)[0] is False:
        fold.end_key(before, key, state, "rule_changed")
        del fold.memory.keys[rule.id][key]
        return
    kept = keep_levels(rule, before, state)
    # An edit counts from its entry on: what it makes due earlier is due now.
    state.floor_us = max(state.floor_us, at_us)
    if state.over and rule.hold_us is not None:
        expire(rule, state, at_us=at_us)
    else:
        state.over = False
        if rule.kind is not Kind.THRESHOLD:
            state.head_us = max(state.head_us, at_us)
            facts = fold.watch_of(rule, state).facts(rule, state, at_us)
            values = {} if facts is None else dict(facts)
        observe(rule, state, values, at_us=at_us, holidays=fold.memory.holidays, kept=kept)
    if rule.schedule is not None or before.schedule is not None:
        turn(rule, state, at_us=at_us, holidays=fold.memory.holidays)
    fold.advance(rule, key, state, limit_us=at_us)
    # A level that the edit took away ends here, with no timer of its own to say so.
    move = follow(rule, key, state, due_us=at_us, position=fold.entry.position)
    if move is not None:
        fold.say(rule, key, move)
    fold.reschedule(rule, key, state)


def keep_levels(rule: Rule, before: Rule, state: KeyState) -> list[LevelState]:
    """Give a key the levels of a rule's new form; return the conditions that stay as they were."""
    old = {level.severity: (level, state.levels[number]) for number, level in enumerate(before.levels)}
    same: list[LevelState] = []
    state.levels = []
    for level in rule.levels:
        kept, fresh = old.get(level.severity), LevelState()
        if kept is not None and (kept[0].when.text, kept[0].for_us) == (level.when.text, level.for_us):
            fresh = kept[1]
            same.append(fresh)
        elif kept is not None:
            fresh.live = kept[1].live
        state.levels.append(fresh)
    if (rule.clear.when and rule.clear.when.text) != (before.clear.when and before.clear.when.text):
        state.clear = LevelState()
    else:
        same.append(state.clear)
    return same


def end(fold: Folding, identifier: str, reason: str) -> None:
    """End every open alert of a rule and forget its keys; it sees no alert of others any more."""
    rule = fold.rules.remove(identifier)
    if rule is not None:
        for key, state in sorted(fold.memory.keys.get(identifier, {}).items()):
            fold.end_key(rule, key, state, reason)
    fold.memory.forget_rule(identifier)


def device_gone(fold: Folding, identifier: str) -> None:
    """End the alerts that are a device's own: it will never say that they are over. Its keys are forgotten."""
    for rule in sorted(fold.rules.rules.values(), key=lambda rule: rule.id):
        states = fold.memory.keys.get(rule.id, {})
        if "device" in rule.by and not rule.over_alerts:
            with guarded(fold, rule):
                for key in sorted(key for key, state in states.items() if state.device == identifier):
                    fold.end_key(rule, key, states[key], "device_removed")
                    del states[key]


def device_changed(fold: Folding) -> None:
    """Learn a device's names and place, or forget it; absence rules learn whom to expect."""
    memory = fold.memory
    identifier, value = fold.entry.subject, fold.entry.value
    assert identifier is not None, "a device entry names its device"
    if value is None or value.get("state") == DeviceState.RETIRED:
        device_gone(fold, identifier)
    if value is None:
        memory.devices.pop(identifier, None)
        memory.told.pop(identifier, None)
    elif identifier in memory.devices or len(memory.devices) < DEVICES_MAX:
        members = {name: value[name] for name in DEVICE_MEMBERS if value.get(name) is not None}
        memory.devices[identifier] = {**names_of(value), **members}
    else:
        memory.tally.full["devices"] += 1
    for rule in fold.rules.absences:
        with guarded(fold, rule):
            silences.expect(fold, rule, identifier)


def area_changed(fold: Folding) -> None:
    """Learn the name of a unit that stands today, or forget one that has ended."""
    value = fold.entry.value
    code = (value or {}).get("code") or (fold.entry.subject or "").split("@", 1)[0]
    if value is None:
        fold.memory.areas.pop(code, None)
    elif value.get("valid_to") is None:  # codes were re-used: only the unit that stands has the name
        fold.memory.areas[code] = names_of(value)


def calendar_changed(fold: Folding) -> None:
    """Learn the holidays, and let every rule with hours be what they make of it now."""
    memory = fold.memory
    memory.holidays = frozenset(date.fromisoformat(day["date"]) for day in (fold.entry.value or {}).get("holidays", ()))
    for rule in sorted(fold.rules.rules.values(), key=lambda rule: rule.id):
        if rule.schedule is None:
            continue
        with guarded(fold, rule):
            turn_keys(fold, rule)


def turn_keys(fold: Folding, rule: Rule) -> None:
    """Let every key of a rule with hours be what the hours make of it now."""
    memory = fold.memory
    for key, state in sorted(memory.keys.get(rule.id, {}).items()):
        at_us = state.at_log(fold.log_us)
        turn(rule, state, at_us=at_us, holidays=memory.holidays)
        state.floor_us = max(state.floor_us, at_us)
        fold.advance(rule, key, state, limit_us=at_us)
        fold.reschedule(rule, key, state)
