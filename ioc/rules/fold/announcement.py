"""From a key's move to the Transition that the world sees: names, sentence, evidence, and whether it comes too late."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ioc.domain.alert import Evidence, EvidenceReading, Transition, TransitionKind
from ioc.domain.event import Entry
from ioc.domain.feed import Label
from ioc.rules.fold.alert_now import alert_now
from ioc.rules.fold.places import place_of, subject
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.summary import PlaceNames, summarise, summarise_cleared
from ioc.rules.kinds.registry import KINDS
from ioc.rules.language.rule import SECOND_US, Mode, Rule, from_us, to_us
from ioc.rules.state.alert_state import AlertState
from ioc.rules.state.keys import parts_of
from ioc.rules.state.memory import KeyState, Memory
from ioc.rules.state.move import Move
from ioc.rules.state.timers import HOLD_OVER

CHATTERING_FLAPS = 5
"""More reopenings than this within ten minutes are one chattering alert."""
DEGRADED_FAILURES = 5
"""So many of a key's last twenty readings failed: its transitions are labelled `degraded`."""
CHATTERING_US = 10 * 60 * SECOND_US
LATER_MOVES = (TransitionKind.CLEARED, TransitionKind.LOWERED)


def transition_of(rules: RuleSet, memory: Memory, entry: Entry, *, rule: Rule, key: str, move: Move) -> Transition:
    """Return the transition of ``move``, made at ``entry``; ``rule`` as it is held against the key."""
    state = memory.keys[rule.id][key]
    alert = state.alert
    assert alert is not None, "a move has an alert"
    cleared = move.kind is TransitionKind.CLEARED
    level = rule.levels[move.level]
    # What a silence has lasted counts from when the key was last heard.
    since_us = min(state.time_us, move.since_us) if rule.spec.asks_registry and not cleared else move.since_us
    held_us = max(move.at_us - since_us, 0)
    evaluator = KINDS[rule.kind].evaluator
    opens = move.kind in (TransitionKind.OPENED, TransitionKind.REOPENED)
    retrospective = is_retrospective(rule, state, move, log_us=to_us(entry.log_time))
    if not cleared:
        alert.retrospective = retrospective
    device, area, zone = subject(rule, state, memory)
    named = parts_of(rule, key)
    return Transition(
        kind=move.kind,
        alert_id=alert.id,
        rule=rule.id,
        rule_version=rule.version,
        rule_hash=rule.hash,
        key=key,
        opened_position=alert.opened_position,
        position=entry.position,
        at=from_us(move.at_us),
        log_time=entry.log_time,
        severity=alert.severity,
        title=rule.title,
        summary=sentence(
            rule,
            # Once the hold has passed, the key's values no longer say how things are.
            named if move.reason == HOLD_OVER else {**named, **state.values},
            place_of(rules, memory, device=device, area=area, zone=zone, named=named),
            move=move,
            alert=alert,
            held_us=held_us,
        ),
        domain=rule.domain,
        evidence=Evidence(
            clause=clause(rule, move),
            values=dict(state.values),
            readings=tuple(
                EvidenceReading(item.position, item.device, from_us(item.effective_us), item.known())
                for item in state.readings
            ),
            position=entry.position,
            limit=rule.limit_of(level, move.at_us),
            held_since=from_us(since_us),
            held_seconds=held_us / SECOND_US,
            details={} if evaluator is None else moments(evaluator.details(rule, state)),
        ),
        feed=state.feed,
        device=device,
        area=area,
        zone=zone,
        lat=state.lat if device or rule.per_event or rule.spec.makes_keys else None,
        lon=state.lon if device or rule.per_event or rule.spec.makes_keys else None,
        flap_count=alert.flap_count,
        retrospective=retrospective,
        restricted=rule.restricted,
        reason=move.reason,
        labels=labels_of(rule, state, move),
        # Of a clearing alert at once: its key may be forgotten before anybody asks the memory.
        now=alert_now(rules, memory, rule=rule, key=key, state=state) if cleared and rule.mode is Mode.ALERT else None,
        ends_by_person=rule.ends_by_person,
        acknowledge_due=due_at(entry, rule.due.acknowledge_us) if opens else None,
        resolve_due=due_at(entry, rule.due.resolve_us) if opens else None,
    )


def sentence(
    rule: Rule, values: Mapping[str, Any], place: PlaceNames, *, move: Move, alert: AlertState, held_us: int
) -> Label:
    """Return what a move says: of one that clears how long it was and how bad, of others what there is to do."""
    level = rule.levels[move.level]
    if move.kind is not TransitionKind.CLEARED or rule.ends_by_person:  # an alert that only people end is not over yet
        return summarise(rule, level=level, values=values, place=place, held_us=held_us, at_us=move.at_us)
    lasted_us = max(move.at_us - alert.opened_us, 0)
    return summarise_cleared(
        rule, level=level, values=values, place=place, held_us=lasted_us, at_us=move.at_us, now=alert.now
    )


def due_at(entry: Entry, within_us: int | None) -> datetime | None:
    """Return until when something must be done that the entry made known; nobody could know before."""
    return None if within_us is None else entry.log_time + timedelta(microseconds=within_us)


def labels_of(rule: Rule, state: KeyState, move: Move) -> dict[str, str]:
    """Return what an operator should know of how far to trust a transition."""
    labels = {"chattering": "true"} if is_chattering(state, move, rule) else {}
    if is_degraded(state):
        labels["degraded"] = "true"
    return labels


def is_degraded(state: KeyState) -> bool:
    """Tell whether a key is beyond its error budget."""
    return state.failed.bit_count() >= DEGRADED_FAILURES


def moments(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return details with their `*_us` members as RFC 3339 under the name without it, lists of members too."""
    told: dict[str, Any] = {}
    for name, value in details.items():
        if name.endswith("_us") and isinstance(value, int):
            told[name.removesuffix("_us")] = from_us(value).isoformat()
        elif isinstance(value, list):
            told[name] = [moments(item) if isinstance(item, dict) else item for item in value]
        else:
            told[name] = value
    return told


def clause(rule: Rule, move: Move) -> str:
    """Return the clause that held, as written; for the default clear band and a passed hold that none did."""
    if move.kind is not TransitionKind.CLEARED:
        return rule.levels[move.level].when.text
    if rule.clear.when is not None and move.reason != HOLD_OVER:
        return rule.clear.when.text
    return " && ".join(f"!({level.when.text})" for level in rule.levels)


def is_retrospective(rule: Rule, state: KeyState, move: Move, *, log_us: int) -> bool:
    """Tell whether a move comes too late to act on.

    It is older than `live_within`, and the key's newest reading is no live one that still says the same.
    """
    live_age_us_max = rule.live_age_us_max[state.feed]
    if log_us - move.at_us <= live_age_us_max:
        return False
    if log_us - state.time_us > live_age_us_max:
        return True
    if move.kind is TransitionKind.CLEARED:
        return any(level.truth for level in state.levels)
    return state.levels[move.level].truth is False


def is_chattering(state: KeyState, move: Move, rule: Rule) -> bool:
    """Tell whether a move is one of too many; a rise in level never is."""
    alert = state.alert
    assert alert is not None, "a move has an alert"
    recent = [flap_us for flap_us in alert.flaps_us if move.at_us - CHATTERING_US <= flap_us <= move.at_us]
    if len(recent) <= CHATTERING_FLAPS:
        return False
    severity = rule.levels[move.level].severity
    return move.kind in LATER_MOVES or move.was is None or severity.rank <= move.was.rank
