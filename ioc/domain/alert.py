"""Alerts: a condition that the engine keeps. ``Transition`` is what the pure engine says of it.

What people do with an alert stands in :mod:`ioc.work`. Neither side writes the other's columns.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ioc.domain.feed import Label
from ioc.domain.severity import Severity


class Condition(StrEnum):
    """Whether the thing the rule speaks of holds; written by the engine only."""

    FIRING = "firing"
    """It holds now."""
    CLEARED = "cleared"
    """It is over."""


class TransitionKind(StrEnum):
    """How an alert's condition moved."""

    OPENED = "opened"
    """A new alert."""
    RAISED = "raised"
    """A higher level holds."""
    LOWERED = "lowered"
    """The highest level ended, a lower one lives on."""
    CLEARED = "cleared"
    """No level lives and the clear band held for its time, or the rule was removed."""
    REOPENED = "reopened"
    """It came back within `refire`: the same alert, one more flap."""


BEGUN = (TransitionKind.OPENED, TransitionKind.REOPENED)
"""Moves by which an alert comes to fire."""


@dataclass(frozen=True, slots=True)
class EvidenceReading:
    """One reading behind a transition: its log position, time and the values the rule looked at."""

    position: int
    device: str
    effective: datetime
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Limit:
    """A threshold with its legal source. An unverified one is labelled so on the screen."""

    value: float
    unit: str
    source: str
    verified: bool
    valid_from: str | None = None
    name: Label | None = None
    """What people call it, such as BĐ II; None: by its value."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a transition happened; enough for an auditor to compute it again."""

    clause: str
    """The clause that held, as written in the rule."""
    values: Mapping[str, Any]
    """The measures' values, by name."""
    readings: tuple[EvidenceReading, ...]
    """Newest kept, bounded."""
    position: int
    """The entry that tipped it."""
    limit: Limit | None = None
    held_since: datetime | None = None
    held_seconds: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)
    """What the rule's kind adds, in JSON's own types: `kind` and a window's ends, a silence's beginning, a sequence's
    steps, a cluster's or a correlation's members."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One move of one alert's condition, made by the pure engine."""

    kind: TransitionKind
    alert_id: str
    rule: str
    rule_version: int
    rule_hash: str
    key: str
    """The value of the rule's `by`, joined with `|`."""
    opened_position: int
    position: int
    at: datetime
    """When it became true, by the timers: tick spacing never changes it."""
    log_time: datetime
    severity: Severity
    title: Label
    summary: Label
    domain: str
    evidence: Evidence
    feed: str = ""
    device: str | None = None
    area: str | None = None
    zone: str | None = None
    lat: float | None = None
    lon: float | None = None
    flap_count: int = 0
    retrospective: bool = False
    restricted: bool = False
    reason: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    now: AlertNow | None = field(default=None, repr=False, compare=False)
    """Of one that clears: how things were then, as the key's memory may go with it."""
    ends_by_person: bool = False
    """The alert is open until somebody tells its outcome; that its condition is over ends nothing."""
    acknowledge_due: datetime | None = None
    """Until when somebody must have it, and until when its outcome must be told; set where it opens or reopens."""
    resolve_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class MeasuredValue:
    """One value of an alert's main measure, with when it was read and the log position at which it was evaluated."""

    value: float | None
    """A boolean for a measure that is a yes or no; None where the kind has no number."""
    unit: str
    time: datetime
    position: int
    text: Label
    label: Label | None = None
    """Of a peak, which way it is one: highest, lowest, strongest."""


@dataclass(frozen=True, slots=True)
class AlertNow:
    """How things are with one alert: written by the engine alone, never by people."""

    alert_id: str
    position: int
    """The log position that it is true at."""
    headline: Label
    """Title, place, now and peak in one line."""
    now: MeasuredValue | None = None
    peak: MeasuredValue | None = None
    trend: str | None = None
    closing: Label | None = None
    """Of one that is over, title, place, peak and how long it was, in one line; None while it goes on."""


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert that fires by what is committed."""

    id: str
    rule: str
    key: str
    severity: Severity
    opened_at: datetime
    opened_position: int
    flap_count: int
    retrospective: bool
    feed: str
    device: str
    area: str | None = None
    zone: str | None = None
    lat: float | None = None
    lon: float | None = None


def alert_id(rule: str, key: str, opened_position: int) -> str:
    """Return `al_` and 16 base32 letters of (rule, key, opening position)."""
    text = f"{rule}\x00{key}\x00{opened_position}".encode()
    return "al_" + base64.b32encode(hashlib.blake2b(text, digest_size=10).digest()).decode().lower()
