"""A rule that breaks in our own code ends alone: every other rule goes on watching.

What a clause cannot work out is a failed evaluation, and no fault. This is about errors that nobody foresaw: they
would come again at the same entry after each restart, and nothing would be watched any more. So the rule is put out of
force from that entry on, its open alerts end with a reason, and people are told; its next form gets another try.
Like everything in the fold this is a function of the log, and of the code that folds it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ioc.domain.alert import Evidence, Transition, TransitionKind
from ioc.rules.language.rule import Rule, from_us
from ioc.rules.state.alert_state import AlertState
from ioc.rules.state.memory import KeyState
from ioc.rules.state.move import Move
from ioc.rules.state.step import FoldStep
from ioc.rules.state.timers import level_of

RULE_FAILED = "rule_failed"
REASON_LENGTH_MAX = 300


@contextlib.contextmanager
def fault_guard(step: FoldStep, rule: Rule) -> Iterator[None]:
    """Let whatever a rule breaks in the block end that rule alone."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - nobody foresaw it
        disable_failed_rule(step, rule, error)


def disable_failed_rule(step: FoldStep, rule: Rule, error: Exception) -> None:
    """Put a broken rule out of force and end its alerts."""
    memory = step.memory
    reason = f"failed at entry {step.entry.position}: {type(error).__name__}: {error}"[:REASON_LENGTH_MAX]
    memory.failed[rule.id] = reason
    memory.tally.errors[rule.id] += 1
    step.rules.remove(rule.id)
    step.rules.refused[rule.id] = reason
    for key, state in sorted(memory.keys.get(rule.id, {}).items()):
        if state.alert is not None and state.alert.firing:
            _end(step, rule, key, state, state.alert)
    memory.forget_rule(rule.id)


def _end(step: FoldStep, rule: Rule, key: str, state: KeyState, alert: AlertState) -> None:
    at_us = max(step.log_us, state.floor_us)
    alert.firing, alert.cleared_us = False, at_us
    level = level_of(rule, alert.severity)
    try:
        step.say(rule, key, Move(TransitionKind.CLEARED, at_us, level, at_us, alert.severity, RULE_FAILED, at_us))
    except Exception:  # noqa: BLE001 - its own sentence may be what breaks: then it ends with its title alone
        step.transitions.append(_bare(step, rule, key, state, alert, at_us))


def _bare(step: FoldStep, rule: Rule, key: str, state: KeyState, alert: AlertState, at_us: int) -> Transition:
    return Transition(
        kind=TransitionKind.CLEARED, alert_id=alert.id, rule=rule.id, rule_version=rule.version, rule_hash=rule.hash,
        key=key, opened_position=alert.opened_position, position=step.entry.position, at=from_us(at_us),
        log_time=step.entry.log_time, severity=alert.severity, title=rule.title, summary=rule.title,
        domain=rule.domain, evidence=Evidence("", {}, (), step.entry.position), feed=state.feed, device=state.device,
        area=state.area, zone=state.zone, lat=state.lat, lon=state.lon, flap_count=alert.flap_count,
        restricted=rule.restricted, reason=RULE_FAILED,
    )  # fmt: skip
