"""What the engine remembers of a key's alert: since when, how bad, how often it came back, and how things are now."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from ioc.domain.severity import Severity

FLAPS_MAX = 12


class Trend(StrEnum):
    """Where the main measure of an open alert goes."""

    RISING = "rising"
    """It has moved up by the tolerance, and not down by it since."""
    FALLING = "falling"
    """It has moved down by the tolerance, and not up by it since."""
    STEADY = "steady"
    """It has moved by less than the tolerance for half an hour, or since the opening."""


@dataclass(slots=True)
class Now:
    """How things are with an open alert at the newest evaluation of its key (:mod:`ioc.rules.state.now`)."""

    measure: str
    """The rule's main measure; empty where it has none."""
    value: float | None
    """A boolean for a measure that is a yes or no."""
    time_us: int
    """When the newest reading was made that the value rests on."""
    position: int
    """The entry at which it was evaluated."""
    holds: bool = True
    """Whether the reading still fulfils the clause of a level."""
    peak: float | None = None
    peak_us: int = 0
    peak_position: int = 0
    trend: Trend | None = None
    mark: float = 0.0
    """The value from which the trend is measured."""
    mark_us: int = 0


@dataclass(slots=True)
class AlertState:
    """The newest alert of a key, firing or cleared not long ago."""

    id: str
    opened_position: int
    opened_us: int
    severity: Severity
    firing: bool = True
    cleared_us: int = 0
    flap_count: int = 0
    flaps_us: list[int] = field(default_factory=list)
    """When it reopened, newest last, bounded."""
    retrospective: bool = False
    now: Now | None = None
    """None: its kind has none, or nothing was evaluated yet since an older version's snapshot."""


def plain(kept: Any) -> dict[str, Any]:
    """Return the members of a dataclass by name, for a snapshot.

    Not left to orjson: it asks a slotted object for a member and lets go of it at once. What a compiled class keeps as
    a bare number is made for the asking, and would be gone before it is written: the process would crash.
    """
    return {each.name: getattr(kept, each.name) for each in fields(kept)}


def unpacked_alert(packed: dict[str, Any]) -> AlertState:
    """Return the alert that a snapshot kept; version 4 kept nothing of how things are now."""
    now = packed.get("now")
    if now is not None:
        now = Now(**{**now, "trend": None if now["trend"] is None else Trend(now["trend"])})
    return AlertState(**{**packed, "severity": Severity(packed["severity"]), "now": now})
