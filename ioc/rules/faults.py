"""A rule that breaks in our own code ends alone: every other rule goes on watching.

What a condition cannot work out is a failed evaluation, and no fault. This is about errors that nobody foresaw: they
would come again at the same entry after each restart, and nothing would be watched any more. So the rule is put out of
force from that entry on, its open alerts end with a reason, and people are told; its next form gets another try.
Like everything in the fold this is a function of the log, and of the code that folds it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ioc.domain.alert import Evidence, Transition, TransitionKind
from ioc.rules.folding import Folding
from ioc.rules.memory import AlertState, KeyState
from ioc.rules.rule import Rule, from_us
from ioc.rules.timers import Move, level_of

RULE_FAILED = "rule_failed"
REASON_LENGTH_MAX = 300


@contextlib.contextmanager
def guarded(fold: Folding, rule: Rule) -> Iterator[None]:
    """Let whatever a rule breaks in the block end that rule alone."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - nobody foresaw it
        put_out(fold, rule, error)


def put_out(fold: Folding, rule: Rule, error: Exception) -> None:
    """Put a broken rule out of force and end its alerts."""
    memory = fold.memory
    reason = f"failed at entry {fold.entry.position}: {type(error).__name__}: {error}"[:REASON_LENGTH_MAX]
    memory.failed[rule.id] = reason
    memory.tally.errors[rule.id] += 1
    fold.rules.remove(rule.id)
    fold.rules.refused[rule.id] = reason
    for key, state in sorted(memory.keys.get(rule.id, {}).items()):
        if state.alert is not None and state.alert.firing:
            _end(fold, rule, key, state, state.alert)
    memory.forget_rule(rule.id)


def _end(fold: Folding, rule: Rule, key: str, state: KeyState, alert: AlertState) -> None:
    at_us = max(fold.log_us, state.floor_us)
    alert.firing, alert.cleared_us = False, at_us
    level = level_of(rule, alert.severity)
    try:
        fold.say(rule, key, Move(TransitionKind.CLEARED, at_us, level, at_us, alert.severity, RULE_FAILED, at_us))
    except Exception:  # noqa: BLE001 - its own sentence may be what breaks: then it ends with its title alone
        fold.transitions.append(_bare(fold, rule, key, state, alert, at_us))


def _bare(fold: Folding, rule: Rule, key: str, state: KeyState, alert: AlertState, at_us: int) -> Transition:
    return Transition(
        kind=TransitionKind.CLEARED, alert_id=alert.id, rule=rule.id, rule_version=rule.version, rule_hash=rule.hash,
        key=key, opened_position=alert.opened_position, position=fold.entry.position, at=from_us(at_us),
        log_time=fold.entry.log_time, severity=alert.severity, title=rule.title, summary=rule.title,
        domain=rule.domain, evidence=Evidence("", {}, (), fold.entry.position), feed=state.feed, device=state.device,
        area=state.area, zone=state.zone, lat=state.lat, lon=state.lon, flap_count=alert.flap_count,
        restricted=rule.restricted, reason=RULE_FAILED,
    )  # fmt: skip
