"""How an alert follows from the levels that live, for the independent evaluator. Written from docs/rules.md alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from proof.reference_keys import Alert, Key, band_held
from proof.reference_rules import MINUTE, RANKS

if TYPE_CHECKING:
    from proof.reference import World

CHATTERING, DEGRADED = 5, 5


class Told(NamedTuple):
    """One transition, comparable with the engine's. Times are microseconds since 1970."""

    rule: str
    key: str
    kind: str
    severity: str
    at: int
    reason: str
    retrospective: bool
    labels: tuple[str, ...]
    flaps: int
    opened: int
    position: int
    values: tuple[tuple[str, Any], ...]


def follow(world: World, key: Key, due: int) -> None:
    """Let the alert show the highest living level."""
    living = [level.severity for level, lives in zip(key.rule.levels, key.lives, strict=True) if lives]
    alert, at = key.alert, max(due, key.floor)
    if living:
        shown = living[-1]
        if alert is None or not alert.firing:
            again = alert is not None and at - alert.cleared_at <= key.rule.refire
            tell(world, key, "reopened" if again else "opened", shown, due)
        elif shown != alert.severity:
            tell(world, key, "raised" if RANKS[shown] > RANKS[alert.severity] else "lowered", shown, due)
    elif alert is not None and alert.firing:
        held = band_held(key)
        if held is not None and held <= due:
            tell(world, key, "cleared", alert.severity, due, "hold_over" if key.over else "")


def tell(world: World, key: Key, kind: str, severity: str, due: int, reason: str = "", *, ended: bool = False) -> None:
    """Make a transition, and give it to the rules over alerts."""
    at, before = max(due, key.floor), key.alert
    if before is None or kind == "opened":
        key.alert = Alert(world.position, severity)
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
    alert.retrospective = retrospective(world, key, at, severity, cleared=kind == "cleared")
    values = tuple(sorted((name, value) for name, value in key.values.items() if value is not None))
    if key.rule.body.get("mode", "alert") == "alert":
        world.told.append(Told(key.rule.id, key.name, kind, severity, at, reason, alert.retrospective,
                              tuple(labels), alert.flaps, alert.opened, world.position, values))  # fmt: skip
    seen_at = world.log if ended else min(key.log + max(due - key.t, 0), world.log)
    world.queue.append((world.depth, kind, world.registry.as_reading(world.position, key, at), seen_at))
    if world.depth == 0:
        world.show()


def live_within(key: Key) -> int:
    """Return from what age on a transition of a key is retrospective."""
    return key.rule.live_within[key.feed]


def retrospective(world: World, key: Key, at: int, severity: str, *, cleared: bool) -> bool:
    """Tell whether a transition comes too late to call for anything."""
    within = live_within(key)
    if world.log - at <= within:
        return False
    says = [(level.severity, found[0])
            for level, found in zip(key.rule.levels, key.truths, strict=True)]  # fmt: skip
    if cleared:
        same = not any(truth for _, truth in says)
    else:
        same = any(named == severity and truth is not False for named, truth in says)
    return not (key.heard and world.log - key.t <= within and same)


def finish(world: World, key: Key, reason: str, at: int | None = None) -> None:
    """End a key, and its alert with a reason."""
    if key.alert is not None and key.alert.firing:
        tell(world, key, "cleared", key.alert.severity, world.log if at is None else at, reason, ended=True)
    world.keys.pop((key.rule.id, key.name), None)
