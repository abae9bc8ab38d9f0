"""Alerts: a condition the engine keeps, and the work people do on it, apart from each other.

``Transition`` is what the pure engine says; ``WorkAction`` what a person does. Neither writes the other's columns.
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
from ioc.errors import TransitionError


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


class WorkState(StrEnum):
    """How far people are with an alert; written by people only."""

    NEW = "new"
    """Chưa nhận: nobody has taken note."""
    ACKNOWLEDGED = "acknowledged"
    """Đã nhận: somebody has it."""
    RESOLVED = "resolved"
    """Đã xử lý: done; refused while the condition fires."""


class WorkAction(StrEnum):
    """What a person does with an alert."""

    ACKNOWLEDGE = "acknowledge"
    """Take note of it."""
    COMMENT = "comment"
    """Write something down; any state."""
    RESOLVE = "resolve"
    """Say that it is done."""
    REOPEN = "reopen"
    """Undo a resolve or an acknowledge: back to new."""


WORK_TRANSITIONS: Mapping[WorkAction, Mapping[WorkState, WorkState]] = {
    WorkAction.ACKNOWLEDGE: {WorkState.NEW: WorkState.ACKNOWLEDGED},
    WorkAction.COMMENT: {state: state for state in WorkState},
    WorkAction.RESOLVE: {WorkState.NEW: WorkState.RESOLVED, WorkState.ACKNOWLEDGED: WorkState.RESOLVED},
    WorkAction.REOPEN: {WorkState.RESOLVED: WorkState.NEW, WorkState.ACKNOWLEDGED: WorkState.NEW},
}


def next_work_state(state: WorkState, action: WorkAction, condition: Condition) -> WorkState:
    """Return the state after ``action``.

    Raises:
        TransitionError: the state does not allow it, or the condition still fires (resolve).
    """
    if action is WorkAction.RESOLVE and condition is Condition.FIRING:
        raise TransitionError("the condition still fires: it cannot be resolved before it clears")
    target = WORK_TRANSITIONS[action].get(state)
    if target is None:
        raise TransitionError(f"{action} is not possible while the alert is {state}")
    return target


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


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a transition happened; enough for an auditor to compute it again."""

    clause: str
    """The CEL condition that held, as written in the rule."""
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
