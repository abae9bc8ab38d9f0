"""How fast the rule engine folds, alone: with more and more rules of which five match each event, and with the pack.

The fold is pure, so it is measured as it is, in process, without a store: readings made beforehand, in turn.
CPU seconds, not wall seconds: others may be at work on the machine. Rounds take turns; figures are medians.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ioc.domain.event import Entry, EntryKind, Event, canonical, hash16
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.packs.loader import load_pack
from ioc.packs.pack import plain
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.state.memory import Memory
from proof.harness.instance import version_facts

START = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
MATCHING = 5
COUNTS = (10, 100, 1_000)
DEVICES = 200
PACK_RATE = 2_000
"""Events a second of log time in the pack's run: what a whole province sends."""
METER = FeedSpec(
    "meter", Label("meter", "meter"), "bench",
    {name: FieldSpec(name, Label(name, name), FieldType.NUMBER) for name in ("value", "other")},
)  # fmt: skip


def measure(*, events: int, rounds: int) -> dict[str, Any]:
    """Return the figures of one run."""
    roads = {f"{kind} {count}": _meters(kind, count, events) for kind in ("threshold", "window") for count in COUNTS}
    rates: dict[str, list[float]] = {name: [] for name in (*roads, "pack")}
    pack_rules, pack_entries, evaluated = _pack(events)
    for _ in range(rounds):
        for name, (setting, entries) in roads.items():
            rates[name].append(_rate(setting, entries, {"meter": METER})[0])
        rate, tally = _rate(pack_rules, pack_entries, load_pack("hoabinh").feeds)
        rates["pack"].append(rate)
        evaluated = tally
    found = {name: round(statistics.median(several)) for name, several in rates.items()}
    ratios = {
        f"{kind}_1000_to_10": round(
            statistics.median(
                many / few for many, few in zip(rates[f"{kind} 1000"], rates[f"{kind} 10"], strict=True)
            ), 2
        )
        for kind in ("threshold", "window")
    }  # fmt: skip
    return {
        "command": f"python -m bench rules --events {events} --rounds {rounds}",
        **version_facts(),
        "events_per_cpu_second": found,
        "matching_rules": MATCHING,
        "ratios": ratios,
        "pack": {"rules": len([entry for entry in pack_rules if entry.kind is EntryKind.RULE]),
                 "evaluated_per_event": round(evaluated / len(pack_entries), 2)},
    }  # fmt: skip


def _rate(setting: Sequence[Entry], entries: Sequence[Entry], feeds: Mapping[str, FeedSpec]) -> tuple[float, int]:
    rules, memory = RuleSet(feeds), Memory()
    for entry in setting:
        step(rules, memory, entry)
    assert not rules.refused, rules.refused
    memory.tally.evaluated.clear()
    started = time.process_time()
    for entry in entries:
        step(rules, memory, entry)
    return len(entries) / (time.process_time() - started), memory.tally.evaluated.total()


def _meters(kind: str, count: int, events: int) -> tuple[list[Entry], list[Entry]]:
    """Return rules, five for each of ``count`` / 5 areas, and readings of the same devices spread over those areas.

    The devices, the readings and the keys are the same whatever ``count``: only the rules that do not match differ.
    """
    areas = count // MATCHING
    setting = []
    for number in range(count):
        body: dict[str, Any] = {
            "rule": f"bench.{number:04d}", "title": {"vi": "Đo", "en": "Measured"}, "domain": "bench", "feed": "meter",
            "where": f'area == "a-{number // MATCHING:04d}"', "summary": {"vi": "{device}", "en": "{device}"},
        }  # fmt: skip
        if kind == "window":
            body |= {"over": "10m", "measure": {"mean": {"avg": "value"}},
                     "levels": [{"severity": "low", "when": "mean > 100"}]}  # fmt: skip
        else:
            body |= {"levels": [{"severity": "low", "when": "value > 100"}]}
        setting.append(_rule(number + 1, body))
    readings = []
    for number in range(events):
        now = START + timedelta(microseconds=500 * number)
        data = {"value": float(number % 50), "other": 1.0}
        device = number % DEVICES
        readings.append(
            _event(count + 1 + number, now, "meter", f"m-{device:04d}", data, area=f"a-{device % areas:04d}")
        )
    return setting, readings


def _pack(events: int) -> tuple[list[Entry], list[Entry], int]:
    """Return the pack's registry and rules, and readings of its devices at the rate of a whole province."""
    pack = load_pack("hoabinh")
    dice = random.Random(2017)  # noqa: S311 - readings, not secrets
    setting: list[Entry] = []
    for device in pack.devices:
        setting.append(Entry(len(setting) + 1, START, EntryKind.DEVICE, subject=device.id, value=plain(device)))
    setting += [_rule(len(setting) + 1 + number, dict(rule.body)) for number, rule in enumerate(pack.rules)]
    sources = [device for device in pack.devices if device.feed in pack.feeds]
    readings = []
    for number in range(events):
        now = START + timedelta(seconds=number / PACK_RATE)
        device = sources[number % len(sources)]
        data = _reading(pack.feeds[device.feed], dice)
        readings.append(
            _event(len(setting) + 1 + number, now, device.feed, device.id, data, area=device.area, zone=device.zone)
        )
    return setting, readings, 0


def _reading(feed: FeedSpec, dice: random.Random) -> dict[str, Any]:
    """Return a calm reading: every number in the lower fifth of what is plausible."""
    found: dict[str, Any] = {}
    for name, field in feed.fields.items():
        if field.type in (FieldType.NUMBER, FieldType.INTEGER):
            low, high = field.plausible_min or 0.0, field.plausible_max or 100.0
            value = low + (high - low) * dice.random() / 5.0
            found[name] = int(value) if field.type is FieldType.INTEGER else round(value, 1)
        elif field.type is FieldType.BOOLEAN:
            found[name] = name == "up"
        elif field.type is FieldType.TEXT:
            found[name] = field.values[0] if field.values else "x"
    return found


def _rule(position: int, body: Mapping[str, Any]) -> Entry:
    value = {"body": body, "hash": hash16(canonical(body)).hex(), "version": 1}
    return Entry(position, START, EntryKind.RULE, subject=body["rule"], value=value)


def _event(position: int, now: datetime, feed: str, device: str, data: dict[str, Any], **place: Any) -> Entry:
    key = hash16(str(position).encode())
    event = Event(feed=feed, device=device, key=key, effective=now, received_at=now, data=data, **place)
    return Entry(position, now, EntryKind.EVENT, event=event)
