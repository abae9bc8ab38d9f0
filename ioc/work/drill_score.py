"""How well alerts were handled in a drill: from the moment an alert was there to each step of handling it.

In real seconds of the people who train, whatever speed the drill's own clock had. A step is an action, the same as on
the live screens: which, says the table of :mod:`ioc.work.transitions`. What somebody wrote is never guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.work.transitions import DRILL_STEPS, WORK_TRANSITIONS, WorkAction


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
    """What somebody did with an alert, at a real moment."""

    alert: str
    action: WorkAction
    at: datetime


def score(alerts: Sequence[DrillAlert], acts: Sequence[DrillAct], targets: Mapping[WorkAction, int]) -> dict[str, Any]:
    """Return, JSON-ready, the seconds to each step of each alert (null: never), and how many met their target."""
    rows: list[dict[str, Any]] = []
    for alert in sorted(alerts, key=lambda item: item.seen_at):
        seconds: dict[WorkAction, float | None] = dict.fromkeys(DRILL_STEPS)
        for act in sorted(acts, key=lambda item: item.at):
            if act.alert != alert.id or act.at < alert.seen_at:
                continue
            for step in (act.action, WORK_TRANSITIONS[act.action].implies):
                if step in seconds and seconds[step] is None:
                    seconds[step] = round((act.at - alert.seen_at).total_seconds(), 1)
        rows.append(
            {
                "alert": alert.id,
                "number": alert.number,
                "rule": alert.rule,
                "title": dict(alert.title),
                "severity": alert.severity,
                "seconds": {DRILL_STEPS[step]: value for step, value in seconds.items()},
            }
        )
    return {
        "targets": {name: targets.get(step) for step, name in DRILL_STEPS.items()},
        "alerts": rows,
        "steps": {name: _summary(rows, name, targets.get(step)) for step, name in DRILL_STEPS.items()},
    }


def _summary(rows: Sequence[Mapping[str, Any]], step: str, target: int | None) -> dict[str, Any]:
    done = sorted(row["seconds"][step] for row in rows if row["seconds"][step] is not None)
    met = sum(target is not None and seconds <= target for seconds in done)
    return {"of": len(rows), "done": len(done), "met": met, "median": done[len(done) // 2] if done else None}
