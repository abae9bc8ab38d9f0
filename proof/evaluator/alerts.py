"""How an alert follows from the levels that live, for the independent evaluator. Written from docs/rules.md alone."""

from __future__ import annotations

from proof.evaluator.keys import Alert, Key, band_held
from proof.evaluator.log_state import ExpectedTransition, LogState
from proof.evaluator.rules import MINUTE, RANKS

CHATTERING, DEGRADED = 5, 5


def apply_levels(state: LogState, key: Key, due: int) -> None:
    """Let the alert show the highest living level."""
    living = [level.severity for level, lives in zip(key.rule.levels, key.lives, strict=True) if lives]
    alert, at = key.alert, max(due, key.floor)
    if living:
        shown = living[-1]
        if alert is None or not alert.firing:
            again = alert is not None and at - alert.cleared_at <= key.rule.refire
            make_transition(state, key, "reopened" if again else "opened", shown, due)
        elif shown != alert.severity:
            make_transition(state, key, "raised" if RANKS[shown] > RANKS[alert.severity] else "lowered", shown, due)
    elif alert is not None and alert.firing:
        held = band_held(key)
        if held is not None and held <= due:
            make_transition(state, key, "cleared", alert.severity, due, "hold_over" if key.over else "")


def make_transition(
    state: LogState, key: Key, kind: str, severity: str, due: int, reason: str = "", *, ended: bool = False
) -> None:
    """Make a transition, and give it to the rules over alerts."""
    at, before = max(due, key.floor), key.alert
    if before is None or kind == "opened":
        key.alert = Alert(state.position, severity)
    alert = key.alert
    assert alert is not None, "just made"
    if kind == "reopened":
        alert.flaps += 1
        alert.reopened.append(at)
    higher = kind == "opened" or RANKS[severity] > RANKS[alert.severity]
    labels = []
    if sum(at - 10 * MINUTE <= one <= at for one in alert.reopened) > CHATTERING and not higher:
        labels.append("chattering")
    if sum(key.failed) >= DEGRADED:
        labels.append("degraded")
    alert.firing, alert.severity = kind != "cleared", severity
    alert.cleared_at = at if kind == "cleared" else alert.cleared_at
    alert.retrospective = retrospective(state, key, at, severity, cleared=kind == "cleared")
    values = tuple(sorted((name, value) for name, value in key.values.items() if value is not None))
    if key.rule.body.get("mode", "alert") == "alert":
        made = ExpectedTransition(
            key.rule.id, key.name, kind, severity, at, reason, alert.retrospective, tuple(labels), alert.flaps,
            alert.opened, state.position, values, cited(state, key, severity, at),
        )  # fmt: skip
        state.transitions.append(made)
    seen_at = state.log if ended else min(key.log + max(due - key.t, 0), state.log)
    state.queue.append((state.depth, kind, state.registry.as_reading(state.position, key, at), seen_at))
    if state.depth == 0:
        state.show()


def cited(state: LogState, key: Key, severity: str, at: int) -> float | None:
    """Return the limit that the evidence of a level cites; after an edit, of the nearest level below."""
    below = [level for level in key.rule.levels if RANKS[level.severity] <= RANKS[severity]]
    level = below[-1] if below else key.rule.levels[0]
    return key.rule.limit(level, at, state.zone) if level.table is None else key.held.get(level.severity)


def live_micros(key: Key) -> int:
    """Return from what age on a transition of a key is retrospective."""
    return key.rule.live_micros[key.feed]


def retrospective(state: LogState, key: Key, at: int, severity: str, *, cleared: bool) -> bool:
    """Tell whether a transition comes too late to call for anything."""
    within = live_micros(key)
    if state.log - at <= within:
        return False
    says = [(level.severity, found[0])
            for level, found in zip(key.rule.levels, key.truths, strict=True)]  # fmt: skip
    if cleared:
        same = not any(truth for _, truth in says)
    else:
        same = any(named == severity and truth is not False for named, truth in says)
    return not (key.heard and state.log - key.t <= within and same)


def end_key(state: LogState, key: Key, reason: str, at: int | None = None) -> None:
    """End a key, and its alert with a reason."""
    if key.alert is not None and key.alert.firing:
        make_transition(state, key, "cleared", key.alert.severity, state.log if at is None else at, reason, ended=True)
    state.keys.pop((key.rule.id, key.name), None)
