"""A key of a rule as the independent evaluator keeps it, and what its conditions count as.

Written from docs/rules.md alone. Instants are microseconds of the key's own time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from proof.reference_measures import Reading
from proof.reference_rules import Rule

Truth = tuple[bool | None, int]
"""What a condition says, and since when."""
Facts = dict[str, Any]
"""What a key knows, by name."""


@dataclass
class Alert:
    """The newest alert of a key."""

    opened: int
    severity: str
    firing: bool = True
    retrospective: bool = False
    cleared_at: int = 0
    flaps: int = 0
    reopened: list[int] = field(default_factory=list)


@dataclass
class Key:
    """One key of one rule: all its readings, and what its conditions say."""

    rule: Rule
    name: str
    parts: tuple[str, ...]
    t: int
    log: int
    zone: tzinfo
    head: int | None = None
    floor: int = 0
    truths: list[Truth] = field(default_factory=list)
    band: Truth = (None, 0)
    lives: list[bool] = field(default_factory=list)
    told: int | None = None
    over: bool = False
    """The hold of the newest answer has ended."""
    counts: bool = True
    switched: int | None = None
    judged: int = 0
    alert: Alert | None = None
    place: Mapping[str, Any] = field(default_factory=dict)
    feed: str = ""
    heard: bool = False
    readings: list[Reading] = field(default_factory=list)
    failed: list[bool] = field(default_factory=list)
    values: Facts = field(default_factory=dict)
    own: Any = None

    def at(self, log: int) -> int:
        """Return the key's time at a log time."""
        return self.t + max(log - self.log, 0)

    def log_of(self, due: int) -> int:
        """Return when an instant of the key's time is due on the log's clock."""
        return self.log + (due - self.t)


def hold_end(key: Key) -> int | None:
    """Return when the newest answer ceases to stand, if that changes anything."""
    if key.rule.hold is None or key.told is None:
        return None
    ends = key.told + key.rule.hold
    held = band_held(key)
    firing = key.alert is not None and key.alert.firing and (held is None or held > ends)
    return ends if any(truth for truth, _ in key.truths) or (firing and not key.over) else None


def level_due(key: Key, number: int) -> int | None:
    """Return when a level begins to live, or ends."""
    truth, since = seen(key, key.truths[number])
    if truth is None or truth is key.lives[number]:
        return None
    return since + (key.rule.levels[number].wait if truth else key.rule.clear_for)


def seen(key: Key, found: Truth) -> Truth:
    """Return what a condition counts as, given the schedule."""
    if key.switched is None:
        return found
    return (found[0], max(found[1], key.switched)) if key.counts else (False, key.switched)


def band_held(key: Key) -> int | None:
    """Return from when on the clear band is held."""
    if not key.counts:
        return key.switched
    if key.rule.clear is not None:
        truth, since = seen(key, key.band)
        return since + key.rule.clear_for if truth else None
    levels = [seen(key, found) for found in key.truths]
    if any(truth is not False for truth, _ in levels):
        return None
    return max(since for _, since in levels) + key.rule.clear_for
