"""Entries that change what the fold knows: rules, devices, areas and the calendar, each with its full new value."""

from __future__ import annotations

from datetime import date

from ioc.domain.device import DeviceState
from ioc.rules.fold import announce, levels
from ioc.rules.kinds.registry import evaluator_of, kind_evaluator
from ioc.rules.language.clause import verdict
from ioc.rules.language.rule import Rule
from ioc.rules.state import timers
from ioc.rules.state.faults import fault_guard
from ioc.rules.state.keys import DEVICE_MEMBERS, add_place, names_of
from ioc.rules.state.memory import DEVICES_MAX, KeyState, LevelState, RuleRecord
from ioc.rules.state.now import renew
from ioc.rules.state.step import FoldStep
from ioc.rules.state.timers import apply_levels, expire, observe, turn


def rule_changed(step: FoldStep) -> None:
    """Put a rule in force, in its new form, or end it."""
    memory, rules = step.memory, step.rules
    identifier, value = step.entry.subject, step.entry.value
    assert identifier is not None, "a rule entry names its rule"
    memory.failed.pop(identifier, None)
    if value is None or not value["body"].get("enabled", True):
        rules.refused.pop(identifier, None)
        memory.rules.pop(identifier, None)
        end(step, identifier, "rule_removed")
        return
    record = RuleRecord(body=value["body"], hash=value["hash"], version=value["version"])
    rule, before = rules.compile(identifier, record), rules.rules.get(identifier)
    if rule is None:
        memory.tally.refused[identifier] += 1  # a bad edit must not end a watch: the form in force stays
        return
    memory.rules[identifier] = record
    anew = before is None or not (rule.similar(before) and rule.mode is before.mode)
    if before is not None and anew:
        end(step, identifier, "rule_changed")
    rules.put(rule)
    if anew and rule.spec.asks_registry:
        for device in sorted(memory.devices):
            kind_evaluator(rule.kind).expect(step, rule, device)
    if before is not None and not anew and rule.hash != before.hash:
        for key, state in sorted(memory.keys.get(identifier, {}).items()):
            if memory.keys[identifier].get(key) is state:
                refit(step, rule, before, key, state)


def refit(step: FoldStep, rule: Rule, before: Rule, key: str, state: KeyState) -> None:
    """Judge what a key knows by the rule's new form; a level that stayed as it was keeps its served time."""
    at_us = state.at_log(step.log_us)
    levels.advance(step, before, key, state, limit_us=at_us)
    values = dict(state.values)
    context = {"feed": state.feed, "area": state.area, "zone": state.zone, "lat": state.lat, "lon": state.lon}
    add_place(values, state.device, context, step.memory.devices.get(state.device, {}))
    if rule.spec.by_reading and rule.where is not None and verdict(rule.where, values)[0] is False:
        levels.end_key(step, before, key, state, "rule_changed")
        del step.memory.keys[rule.id][key]
        return
    kept = keep_levels(rule, before, state)
    # An edit counts from its entry on: a timer that it moves into the past is due now.
    state.floor_us = max(state.floor_us, at_us)
    if state.over and rule.hold_us is not None:
        expire(rule, state, at_us=at_us)
    else:
        state.over = False
        if not rule.spec.by_reading:
            state.head_us = max(state.head_us, at_us)
            evaluator = evaluator_of(rule, state)
            assert evaluator is not None, "only a threshold has none"
            facts = evaluator.facts(rule, state, at_us)
            values = {} if facts is None else dict(facts)
        memory = step.memory
        observe(rule, state, values, at_us=at_us, limits=memory.limits, holidays=memory.holidays, kept=kept)
        if state.alert is not None and state.alert.firing:
            renew(memory, rule, key, state, position=step.entry.position)
    if rule.schedule is not None or before.schedule is not None:
        turn(rule, state, at_us=at_us, holidays=step.memory.holidays)
    levels.advance(step, rule, key, state, limit_us=at_us)
    # A level that the edit took away ends here, with no timer of its own to say so.
    move = apply_levels(rule, key, state, due_us=at_us, position=step.entry.position)
    if move is not None:
        announce.say(step, rule, key, move)
    timers.reschedule(step.memory, rule, key, state, evaluator_of(rule, state))


def keep_levels(rule: Rule, before: Rule, state: KeyState) -> list[LevelState]:
    """Give a key the levels of a rule's new form; return the clauses' states that stay as they were."""
    old = {level.severity: (level, state.levels[number]) for number, level in enumerate(before.levels)}
    same: list[LevelState] = []
    held = dict(zip((level.severity for level in before.levels), state.limits, strict=False))
    state.levels = []
    state.limits = [held.get(level.severity) for level in rule.levels] if rule.asks_table else []
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


def end(step: FoldStep, identifier: str, reason: str) -> None:
    """End every open alert of a rule and forget its keys; it sees no alert of others any more."""
    rule = step.rules.remove(identifier)
    if rule is not None:
        for key, state in sorted(step.memory.keys.get(identifier, {}).items()):
            levels.end_key(step, rule, key, state, reason)
    step.memory.forget_rule(identifier)


def device_gone(step: FoldStep, identifier: str) -> None:
    """End the alerts that are a device's own: it will never say that they are over. Its keys are forgotten."""
    for rule in sorted(step.rules.rules.values(), key=lambda rule: rule.id):
        states = step.memory.keys.get(rule.id, {})
        if "device" in rule.by and not rule.over_alerts:
            with fault_guard(step, rule):
                for key in sorted(key for key, state in states.items() if state.device == identifier):
                    levels.end_key(step, rule, key, states[key], "device_removed")
                    del states[key]


def device_changed(step: FoldStep) -> None:
    """Learn a device's names and place, or forget it; absence rules learn whom to expect."""
    memory = step.memory
    identifier, value = step.entry.subject, step.entry.value
    assert identifier is not None, "a device entry names its device"
    if value is None or value.get("state") == DeviceState.RETIRED:
        device_gone(step, identifier)
    if value is None:
        memory.devices.pop(identifier, None)
        memory.told.pop(identifier, None)
    elif identifier in memory.devices or len(memory.devices) < DEVICES_MAX:
        members = {name: value[name] for name in DEVICE_MEMBERS if value.get(name) is not None}
        memory.devices[identifier] = {**names_of(value), **members}
    else:
        memory.tally.full["devices"] += 1
    for rule in step.rules.expecting:
        with fault_guard(step, rule):
            kind_evaluator(rule.kind).expect(step, rule, identifier)


def area_changed(step: FoldStep) -> None:
    """Learn the name of a unit that stands today, or forget one that has ended."""
    value = step.entry.value
    code = (value or {}).get("code") or (step.entry.subject or "").split("@", 1)[0]
    if value is None:
        step.memory.areas.pop(code, None)
    elif value.get("valid_to") is None:  # codes were re-used: only the unit that stands has the name
        step.memory.areas[code] = names_of(value)


def limit_changed(step: FoldStep) -> None:
    """Learn a limit by device, class or area, or forget it; no key is judged anew before its next reading or timer."""
    assert step.entry.subject is not None, "a limit entry names its limit"
    if not step.memory.limits.put(step.entry.subject, step.entry.value):
        step.memory.tally.full["limits"] += 1


def calendar_changed(step: FoldStep) -> None:
    """Learn the holidays, and let every rule with hours be what they make of it now."""
    memory = step.memory
    memory.holidays = frozenset(date.fromisoformat(day["date"]) for day in (step.entry.value or {}).get("holidays", ()))
    for rule in sorted(step.rules.rules.values(), key=lambda rule: rule.id):
        if rule.schedule is None:
            continue
        with fault_guard(step, rule):
            turn_keys(step, rule)


def turn_keys(step: FoldStep, rule: Rule) -> None:
    """Let every key of a rule with hours be what the hours make of it now."""
    memory = step.memory
    for key, state in sorted(memory.keys.get(rule.id, {}).items()):
        at_us = state.at_log(step.log_us)
        turn(rule, state, at_us=at_us, holidays=memory.holidays)
        state.floor_us = max(state.floor_us, at_us)
        levels.advance(step, rule, key, state, limit_us=at_us)
        timers.reschedule(step.memory, rule, key, state, evaluator_of(rule, state))
