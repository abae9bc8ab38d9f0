"""A key of a rule as the independent evaluator keeps it, and what its conditions count as.

Written from docs/rules.md alone. Instants are microseconds of the key's own time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from proof.evaluator.measures import Reading
from proof.evaluator.rules import Rule

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
    said: list[bool | None] = field(default_factory=list)
    """What the newest reading or timer said of each level, whatever the hours."""
    said_band: bool | None = None
    truths: list[Truth] = field(default_factory=list)
    band: Truth = (None, 0)
    lives: list[bool] = field(default_factory=list)
    answered_at: int = 0
    """When the newest reading was made that answered a condition; before any, when the key began."""
    over: bool = False
    """The hold of that reading has ended."""
    judged: int = 0
    """The newest instant at which the rule's hours were asked."""
    alert: Alert | None = None
    place: Mapping[str, Any] = field(default_factory=dict)
    feed: str = ""
    heard: bool = False
    readings: list[Reading] = field(default_factory=list)
    failed: list[bool] = field(default_factory=list)
    values: Facts = field(default_factory=dict)
    known: Facts = field(default_factory=dict)
    """Of a threshold: the newest value of each field that the rule looks at."""
    own: Any = None
    unheard: int = 0
    """Of an absence: when the silence would begin if nothing were heard."""
    held: dict[str, float | None] = field(default_factory=dict)
    """Of a rule with a table: by severity, the limit that a level was held against when it last answered."""

    def at(self, log: int) -> int:
        """Return the key's time at a log time."""
        return self.t + max(log - self.log, 0)

    def log_of(self, due: int) -> int:
        """Return when an instant of the key's time is due on the log's clock."""
        return self.log + (due - self.t)

    @property
    def firing(self) -> bool:
        """Tell whether its alert fires."""
        return self.alert is not None and self.alert.firing


def hold_end(key: Key) -> int | None:
    """Return when the newest answer ceases to stand, if that changes anything."""
    if key.rule.hold is None or key.over:
        return None
    matters = any(truth for truth, _ in key.truths) or (key.firing and band_held(key) is None)
    return key.answered_at + key.rule.hold if matters else None


def end_hold(key: Key, at: int) -> None:
    """Let every condition be false, and the clear band true."""
    key.over = True
    key.said, key.said_band = [False] * len(key.said), True
    key.truths = [(truth, since) if truth is False else (False, at) for truth, since in key.truths]
    key.band = key.band if key.band[0] else (True, at)


def turn(key: Key, at: int, *, counts: bool) -> None:
    """Let every condition be what the hours make of it from an instant on, never before they were last asked."""
    if "active" in key.rule.body:
        at = key.judged = max(key.judged, at)
    wanted = key.said if counts else [False] * len(key.said)
    key.truths = [
        before if before[0] is truth else (truth, at) for before, truth in zip(key.truths, wanted, strict=True)
    ]
    band = key.said_band if counts else True
    key.band = key.band if key.band[0] is band else (band, at)


def level_due(key: Key, number: int) -> int | None:
    """Return when a level begins to live, or ends."""
    truth, since = key.truths[number]
    if truth is None or truth is key.lives[number]:
        return None
    return since + (key.rule.levels[number].wait if truth else key.rule.clear_for)


def band_held(key: Key) -> int | None:
    """Return from when on the clear band is held."""
    if key.rule.clear is not None:
        return key.band[1] + key.rule.clear_for if key.band[0] else None
    if any(truth is not False for truth, _ in key.truths):
        return None
    return max(since for _, since in key.truths) + key.rule.clear_for
