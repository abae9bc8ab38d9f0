"""What the live histories are made of: short rules of every kind, and readings at their borders, all from one seed.

Seconds stand for minutes: a rule's times are one to six seconds, so that a history of twelve has them all end.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

LIMIT = 50.0
SECONDS = 12.0
FEED, OTHER = "rainfall", "river_level"
FIELDS = {FEED: "rain_mm", OTHER: "level_cm"}
NEAR, AWAY = (20.82, 105.34), (20.90, 105.50)
"""(lat, lon) of two places far from each other."""
VALUES = (LIMIT - 1, LIMIT, LIMIT + 1, LIMIT + 10)
OFFSETS = (0.0, 0.0, 0.0, 0.0, -0.5, -1.0, -2.5, -7.0, 1.0, 90.0)
"""Seconds by which a reading's own clock is off: late, and ahead past the bound of two minutes or not."""
KINDS = (
    "threshold",
    "threshold",
    "levels",
    "window",
    "per",
    "change",
    "absence",
    "sequence",
    "near",
    "zone",
    "correlate",
)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happens at a moment of a history: ``what`` is send, edit, disable, enable or retire."""

    at: float
    what: str
    data: Any


@dataclass(frozen=True, slots=True)
class Script:
    """One history: its rules, its devices, and what happens."""

    name: str
    rules: tuple[dict[str, Any], ...]
    devices: tuple[tuple[str, str], ...]
    """(id, feed)."""
    acts: tuple[Act, ...]


def script(number: int, seed: int) -> Script:
    """Return the history of that number."""
    dice = random.Random(f"{seed} {number}")
    name = f"h{number:03d}"
    devices = (*((f"{name}-{letter}", FEED) for letter in "abc"), (f"{name}-d", OTHER))
    kinds = dice.sample(KINDS, 4)
    rules = tuple(_rule(f"live.{name}.{order}-{kind}", name, kind, dice) for order, kind in enumerate(kinds))
    acts = list(_readings(name, devices, dice))
    acts += _work(rules, devices, dice)
    return Script(name, rules, devices, tuple(sorted(acts, key=lambda act: act.at)))


def as_yaml(rule: dict[str, Any]) -> str:
    """Return a rule as a person would write it."""
    return yaml.safe_dump(rule, allow_unicode=True, sort_keys=False)


def _rule(identifier: str, name: str, kind: str, dice: random.Random) -> dict[str, Any]:
    def time(*choices: int) -> str:
        return f"{dice.choice(choices)}s"

    said = {"vi": "{device}", "en": "{device}"}
    ours = f'device.startsWith("{name}-")'
    above = f"{dice.choice(('>', '>='))} {LIMIT}"
    frame: dict[str, Any] = {
        "rule": identifier, "title": {"vi": kind, "en": kind}, "domain": "disaster", "feed": FEED, "where": ours,
        "refire": time(1, 2, 4),
    }  # fmt: skip
    clear = {"clear": {"for": time(1, 2)}} if dice.random() < 0.6 else {}
    held = {"for": time(1, 2, 3)} if dice.random() < 0.6 else {}
    level = {"severity": "medium", "when": f"rain_mm {above}", **held}
    match kind:
        case "threshold":
            body: dict[str, Any] = {"levels": [level], **clear}
        case "levels":
            body = {
                "levels": [level, {"severity": "critical", "when": f"rain_mm > {LIMIT + 5}", "for": time(1, 2)}],
                "clear": {"when": f"rain_mm < {LIMIT}", "for": time(1, 2)},
            }
        case "window":
            measure = dice.choice(({"avg": "rain_mm"}, {"max": "rain_mm"}, {"rise": "rain_mm"}, {"last": "rain_mm"}))
            wanted = "m > 5.0" if "rise" in measure else f"m {above}"
            body = {"over": time(4, 6), "measure": {"m": measure}, "levels": [{**level, "when": wanted}], **clear}
        case "per":
            body = {
                "over": time(4, 6), "by": ["zone"],
                "measure": {"m": {"max": "rain_mm", "where": f"rain_mm {above}", "per": "device", "take": "count"}},
                "levels": [{"severity": "low", "when": "m >= 2"}, {"severity": "high", "when": "m >= 3"}], **clear,
            }  # fmt: skip
        case "change":
            body = {"delta": "rain_mm", "levels": [{**level, "when": "delta >= 10.0"}], **clear}
        case "absence":
            body = {"absent": time(2, 3), "levels": [{"severity": "high", **held}]}
        case "sequence":
            frame = {name: value for name, value in frame.items() if name not in ("feed", "where")}
            body = {
                "sequence": [{"feed": FEED, "where": f"rain_mm {one} {LIMIT} && {ours}"} for one in (">", "<")],
                "within": time(3, 5), "hold": "1m", "by": ["zone"], "levels": [{"severity": "high"}],
            }  # fmt: skip
        case "near":
            body = {"near": {"radius": "500m", "over": time(3, 5), "min": 2}, "levels": [{"severity": "high"}], **clear}
        case "zone":
            place = {"circle": [NEAR[1], NEAR[0]], "radius": "2000m"}
            body = {dice.choice(("enter", "leave")): place, "levels": [{"severity": "high", **held}], **clear}
        case _:
            frame |= {"feed": "alert", "where": f'rule.startsWith("live.{name}.")'}
            body = {"by": ["zone"], "levels": [{"severity": "critical", "when": "firing >= 2"}], **clear}
    if kind == "threshold" and dice.random() < 0.3:
        frame["by"] = ["zone"]
    return {**frame, **body, "summary": said}


def _readings(name: str, devices: tuple[tuple[str, str], ...], dice: random.Random) -> Iterator[Act]:
    """Yield readings: bunched, at the limits, some late, skewed, repeated, silent for a while."""
    number = 0
    for device, feed in devices:
        at = dice.random()
        silent = dice.choice((0.0, 0.0, 4.0))
        while at < SECONDS:
            number += 1
            data: dict[str, Any] = {"id": f"{name}-{number}", FIELDS[feed]: dice.choice(VALUES)}
            lat, lon = dice.choice((NEAR, NEAR, AWAY))
            data |= {"lat": lat + dice.choice((0.0, 0.001, 0.003)), "lon": lon}
            act = Act(at, "send", (feed, device, data, dice.choice(OFFSETS)))
            yield act
            if dice.random() < 0.15:
                yield Act(at + 0.2, "send", act.data)  # a repeat: identity makes it one event
            at += dice.choice((0.2, 0.5, 1.0, 1.0, 2.0))
            if silent and at > SECONDS / 3:
                at, silent = at + silent, 0.0


def _work(rules: tuple[dict[str, Any], ...], devices: tuple[tuple[str, str], ...], dice: random.Random) -> list[Act]:
    """Return what people do meanwhile: an edit of a limit, a rule off and on again, a device that is retired."""
    acts = []
    edited = dice.choice(rules)
    acts.append(Act(dice.uniform(3, 9), "edit", (edited["rule"], _edited(edited, dice))))
    if dice.random() < 0.5:
        off = dice.choice(rules)["rule"]
        acts += [Act(dice.uniform(2, 6), "disable", off), Act(dice.uniform(7, 10), "enable", off)]
    if dice.random() < 0.3:
        acts.append(Act(dice.uniform(6, 10), "retire", dice.choice(devices)[0]))
    return acts


def _edited(rule: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """Return a rule with another time to clear, so that its keys and what they have served stay."""
    return {**rule, "clear": {**rule.get("clear", {}), "for": f"{dice.choice((1, 3))}s"}}


def stamped(data: dict[str, Any], offset: float) -> dict[str, Any]:
    """Return a reading with the time of its own clock."""
    return {"time": (datetime.now(UTC) + timedelta(seconds=offset)).isoformat(), **data}
