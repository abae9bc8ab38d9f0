"""From a key's move to the Transition that the world sees: names, sentence, evidence, and whether it comes too late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.domain.alert import Evidence, EvidenceReading, Transition, TransitionKind
from ioc.domain.event import Entry
from ioc.domain.feed import Label
from ioc.rules.keys import parts_of
from ioc.rules.kinds import Kind
from ioc.rules.memory import KeyState, Memory
from ioc.rules.rule import EVENT, SECOND_US, Rule, from_us, to_us
from ioc.rules.ruleset import RuleSet
from ioc.rules.summary import Place, summarise, summarise_cleared
from ioc.rules.timers import HOLD_OVER, Move
from ioc.rules.watches import WATCHES

CHATTERING_FLAPS = 5
"""More reopenings than this within ten minutes are one chattering alert."""
DEGRADED_FAILURES = 5
"""So many of a key's last twenty readings failed: its transitions are labelled `degraded`."""
CHATTERING_US = 10 * 60 * SECOND_US
SEVERAL = (Kind.WINDOW, Kind.CORRELATE)
"""Kinds whose keys may hold more than one device."""
LATER_MOVES = (TransitionKind.CLEARED, TransitionKind.LOWERED)


def announce(rules: RuleSet, memory: Memory, entry: Entry, *, rule: Rule, key: str, move: Move) -> Transition:
    """Return the transition of ``move``, made at ``entry``."""
    state = memory.keys[rule.id][key]
    alert = state.alert
    assert alert is not None, "a move has an alert"
    cleared = move.kind is TransitionKind.CLEARED
    level = rule.levels[move.level]
    # What a silence has lasted counts from when the key was last heard.
    since_us = min(state.time_us, move.since_us) if rule.kind is Kind.ABSENCE and not cleared else move.since_us
    held_us = max(move.at_us - since_us, 0)
    watch = WATCHES.get(rule.kind)
    sentence = summarise_cleared if cleared else summarise
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
            level=level,
            # After a passed hold they are no longer how things are now.
            values=named if move.reason == HOLD_OVER else {**named, **state.values},
            place=place_of(rules, memory, device=device, area=area, zone=zone, named=named),
            held_us=max(move.at_us - alert.opened_us, 0) if cleared else held_us,
            at_us=move.at_us,
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
            details={} if watch is None else moments(watch.details(rule, state)),
        ),
        feed=state.feed,
        device=device,
        area=area,
        zone=zone,
        lat=state.lat if device or rule.per_event or rule.kind is Kind.NEAR else None,
        lon=state.lon if device or rule.per_event or rule.kind is Kind.NEAR else None,
        flap_count=alert.flap_count,
        retrospective=retrospective,
        restricted=rule.restricted,
        reason=move.reason,
        labels=labels_of(rule, state, move),
    )


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
    """Return the condition that held, as written; for the default clear band and a passed hold that none did."""
    if move.kind is not TransitionKind.CLEARED:
        return rule.levels[move.level].when.text
    if rule.clear.when is not None and move.reason != HOLD_OVER:
        return rule.clear.when.text
    return " && ".join(f"!({level.when.text})" for level in rule.levels)


def is_retrospective(rule: Rule, state: KeyState, move: Move, *, log_us: int) -> bool:
    """Tell whether a move comes too late to act on.

    It is older than `live_within`, and the key's newest reading is no live one that still says the same.
    """
    live_within_us = rule.live_within_us[state.feed]
    if log_us - move.at_us <= live_within_us:
        return False
    if log_us - state.time_us > live_within_us:
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


def subject(rule: Rule, state: KeyState, memory: Memory) -> tuple[str | None, str | None, str | None]:
    """Return (device, area, zone) of an alert: an alert per zone is of no single device, one per area neither.

    One per event is of the event's own place, and of its device where that is a registered one.
    """
    if rule.kind is Kind.NEAR:
        return None, state.area, state.zone
    if "device" not in rule.by:
        if EVENT in rule.by:
            return state.device if state.device in memory.devices else None, state.area, state.zone
        if "area" in rule.by:
            return None, state.area, state.zone
        if "zone" in rule.by:
            return None, None, state.zone
        if rule.kind in SEVERAL:
            return None, state.area, state.zone
    return state.device, state.area, state.zone


def place_of(
    rules: RuleSet,
    memory: Memory,
    *,
    device: str | None,
    area: str | None,
    zone: str | None,
    named: Mapping[str, str],
) -> Place:
    """Return the names of an alert's place, as the log knows them at this entry; ``named`` is what its key says."""
    record = memory.devices.get(device or "", {})
    words = {name: known[name] for known in (named, record) for name in ("owner", "parent") if known.get(name)}
    return Place(
        device=label(record, "name") or (Label(device, device) if device else None),
        area=label(memory.areas.get(area or "", {}), "name") or (Label(area, area) if area else None),
        zone=rules.zones.get(zone) or Label(zone, zone) if zone else None,
        words={name: label(memory.devices.get(word, {}), "name") or Label(word, word) for name, word in words.items()},
    )


def label(record: Mapping[str, Any], name: str) -> Label | None:
    """Return the two-language member of a registry entry."""
    vi, en = record.get(f"{name}_vi"), record.get(f"{name}_en")
    return Label(vi, en or vi) if vi else None
