"""Rules over alerts: what other rules' conditions do, in the same step (docs/rules.md, Rules over alerts)."""

from __future__ import annotations

from typing import Any

from ioc.domain.alert import Transition
from ioc.rules.kinds.registry import kind_evaluator
from ioc.rules.language.rule import Mode
from ioc.rules.state.faults import fault_guard
from ioc.rules.state.keys import add_place
from ioc.rules.state.step import FoldStep


def seen(step: FoldStep, transition: Transition, mode: Mode, log_us: int) -> None:
    """Show a transition to every rule over alerts but its own; ``log_us`` is the log time at which it was due."""
    values = values_of(step, transition, mode)
    for rule in step.rules.over_alerts:
        if rule.id == transition.rule or rule.id not in step.rules.rules:
            continue
        step.memory.tally.evaluated[rule.id] += 1
        with fault_guard(step, rule):
            kind_evaluator(rule.kind).show_alert(step, rule, transition, values, log_us)


def values_of(step: FoldStep, transition: Transition, mode: Mode) -> dict[str, Any]:
    """Return what rules may ask of an alert."""
    device = step.memory.devices.get(transition.device or "", {})
    values: dict[str, Any] = {
        "rule": transition.rule, "key": transition.key, "domain": transition.domain,
        "severity": transition.severity.value, "rank": transition.severity.rank,
        "mode": mode.value,
    }  # fmt: skip
    place = {"feed": transition.feed, "area": transition.area, "zone": transition.zone, "lat": transition.lat,
             "lon": transition.lon}  # fmt: skip
    add_place(values, transition.device or "", place, device)
    if transition.device is None:
        del values["device"]
    values["flags"] = []
    return values
