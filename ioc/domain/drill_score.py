"""How well alerts were handled in a drill: from the moment an alert was there to each step of handling it.

In real seconds of the people who train, whatever speed the drill's own clock had. Three steps: *receive* is to
acknowledge; *call* and *dispatch* are remarks that say so at their beginning, `Gọi:` and `Điều động:` (in English
`Call:` and `Dispatch:`). The drill's screens have a button for each; no remark is guessed at.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class DrillStep(StrEnum):
    """One step of handling an alert."""

    RECEIVE = "receive"
    """Tiếp nhận: somebody has taken note of it."""
    CALL = "call"
    """Gọi: those concerned were called."""
    DISPATCH = "dispatch"
    """Điều động: somebody was sent."""


ACKNOWLEDGED = "alert.acknowledge"
WORDS = {DrillStep.CALL: ("gọi:", "call:"), DrillStep.DISPATCH: ("điều động:", "dispatch:")}


@dataclass(frozen=True, slots=True)
class DrillAlert:
    """An alert of a drill and the real moment from which it could be seen."""

    id: str
    number: str
    rule: str
    title: Mapping[str, str]
    severity: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class DrillAct:
    """What somebody did with an alert, at a real moment; ``action`` is the audit trail's."""

    alert: str
    action: str
    text: str | None
    at: datetime


def steps_of(act: DrillAct) -> set[DrillStep]:
    """Return the steps that an act is; a remark counts by its first word, also one made with an acknowledgement."""
    text = unicodedata.normalize("NFC", act.text or "").strip().casefold()
    found = {step for step, words in WORDS.items() if text.startswith(words)}
    return found | {DrillStep.RECEIVE} if act.action == ACKNOWLEDGED else found


def score(alerts: Sequence[DrillAlert], acts: Sequence[DrillAct], targets: Mapping[DrillStep, int]) -> dict[str, Any]:
    """Return, JSON-ready, the seconds to each step of each alert (null: never), and how many met their target."""
    rows: list[dict[str, Any]] = []
    for alert in sorted(alerts, key=lambda item: item.seen_at):
        seconds: dict[DrillStep, float | None] = dict.fromkeys(DrillStep)
        for act in sorted(acts, key=lambda item: item.at):
            if act.alert == alert.id and act.at >= alert.seen_at:
                for step in steps_of(act):
                    if seconds[step] is None:
                        seconds[step] = round((act.at - alert.seen_at).total_seconds(), 1)
        rows.append(
            {
                "alert": alert.id,
                "number": alert.number,
                "rule": alert.rule,
                "title": dict(alert.title),
                "severity": alert.severity,
                "seconds": {str(step): value for step, value in seconds.items()},
            }
        )
    return {
        "targets": {str(step): targets.get(step) for step in DrillStep},
        "alerts": rows,
        "steps": {str(step): _summary(rows, step, targets.get(step)) for step in DrillStep},
    }


def _summary(rows: Sequence[Mapping[str, Any]], step: DrillStep, target: int | None) -> dict[str, Any]:
    done = sorted(row["seconds"][str(step)] for row in rows if row["seconds"][str(step)] is not None)
    met = sum(target is not None and seconds <= target for seconds in done)
    return {"of": len(rows), "done": len(done), "met": met, "median": done[len(done) // 2] if done else None}
