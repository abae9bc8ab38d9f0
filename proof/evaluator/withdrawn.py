"""What becomes of the keys that rest on readings which a person takes back, for the independent evaluator.

Written from docs/rules.md alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from proof.evaluator.alerts import end_key
from proof.evaluator.edits import keys_of, place_now
from proof.evaluator.keys import Facts, Key
from proof.evaluator.kinds import KINDS as PLAIN_KINDS
from proof.evaluator.kinds import LAST_READINGS, WINDOW, absent
from proof.evaluator.log import LogEvent
from proof.evaluator.log_state import LogState
from proof.evaluator.measures import Reading
from proof.evaluator.orders import KINDS, ORDERS


def take_back(state: LogState, event: LogEvent) -> None:
    """Judge the keys that rest on readings which a person takes back by what they know without them."""
    gone = event.data.get("_withdrawn", ())
    for rule in [state.rules[name] for name in sorted(state.rules)]:
        for key in keys_of(state, rule.id) if event.feed in rule.feeds else ():
            if rule.kind == "threshold":
                threshold_without(state, key, gone)
            elif rule.kind == "order" and ORDERS.do_without(key, gone):
                go_on(state, key, left=ORDERS.newest(key) is not None or bool(key.own))
            elif rule.kind == "window" and (left := WINDOW.do_without(key, gone)) is not None:
                go_on(state, key, left=left)
            elif rule.kind in OTHERS and parted(key, gone):
                OTHERS[rule.kind](state, key)


def parted(key: Key, gone: Collection[int]) -> bool:
    """Take readings out of a key's newest ones, of a cluster out of all; tell whether there was one of them."""
    last = key.readings if key.rule.kind == "near" else key.readings[-LAST_READINGS:]
    if key.rule.kind == "change":
        last = (key.own or [])[-LAST_READINGS:]
    lost = [one for one in last if one.position in gone]
    if lost:
        whole = last if key.rule.kind == "change" else key.readings
        key.readings = [one for one in whole if one not in lost]
    return bool(lost)


def change_without(state: LogState, key: Key) -> None:
    """Make the differences anew, as if the readings that are left had come alone."""
    facts: Facts = {}
    left, key.readings, key.own = key.readings, [], []
    for one in left:
        taken = PLAIN_KINDS["change"].take(key, one, late=False)
        facts |= {} if taken is None else taken[1]
    go_on(state, key, left=bool(left), newest=left[-1].effective if left else None, facts=facts)


def absence_without(state: LogState, key: Key) -> None:
    """Count the silence from the newest reading that is left."""
    expected = key.name in state.registry.expected(key.rule)
    if not key.readings and not expected:
        go_on(state, key, left=False)
        return
    waits = absent(key.rule)[0]
    begins = max([key.unheard, *(one.effective + waits for one in key.readings[-LAST_READINGS:])])
    if not key.own[0] and begins != key.own[1]:
        key.own = [False, begins]
        go_on(state, key, left=True)


def sequence_without(state: LogState, key: Key) -> None:
    """Let the events that are left make their chains anew."""
    left, key.readings, key.own, key.values = key.readings, [], None, {}
    completed = [
        taken[0] for one in left if (taken := PLAIN_KINDS["sequence"].take(key, one, late=False)) is not None
    ]  # fmt: skip
    facts = dict(key.values)
    go_on(state, key, left=bool(left), newest=max(completed, default=None), facts=facts)


def near_without(state: LogState, key: Key) -> None:
    """Count the points that are left."""
    newest = max((one.effective for one in key.readings), default=None)
    go_on(state, key, left=newest is not None, newest=newest)


def zone_without(state: LogState, key: Key) -> None:
    """Be where the points that are left say."""
    left, key.readings, key.own = key.readings, [], None
    for one in left:
        PLAIN_KINDS["zone"].take(key, one, late=False)
    go_on(state, key, left=bool(left), newest=left[-1].effective if left else None)


OTHERS = {
    "change": change_without, "absence": absence_without, "sequence": sequence_without, "near": near_without,
    "zone": zone_without,
}  # fmt: skip
"""The kinds whose readings leave them as those of a threshold do."""


def go_on(state: LogState, key: Key, *, left: bool, newest: int | None = None, facts: Facts | None = None) -> None:
    """Judge a key by what is left, of which ``newest`` was made last; with nothing left it ends."""
    if left:
        judge_without(state, key, newest, facts)
    else:
        end_key(state, key, "withdrawn")


def threshold_without(state: LogState, key: Key, gone: Collection[int]) -> None:
    """Judge a key of a threshold by its newest other readings."""
    last = key.readings[-LAST_READINGS:]
    rest = [one for one in last if one.position not in gone]
    if len(rest) == len(last):
        return
    lost = [name for name in key.known if newest_with(last, name) not in [None, *rest]]
    key.readings = rest
    if not rest:
        end_key(state, key, "withdrawn")
        return
    for name in lost:
        other = newest_with(rest, name)
        if other is None:
            del key.known[name]
        else:
            key.known[name] = other.values[name]
    if lost:
        judge_without(state, key, max(one.effective for one in rest))


def newest_with(readings: Sequence[Reading], name: str) -> Reading | None:
    """Return the last of some readings that has a value."""
    return next((one for one in reversed(readings) if one.values.get(name) is not None), None)


def judge_without(state: LogState, key: Key, newest: int | None, facts: Facts | None = None) -> None:
    """Ask every condition anew; where what is known says nothing a level is false and the clear band true."""
    at = key.at(state.log)
    if newest is not None:
        key.answered_at = min(key.answered_at, newest)
    if key.over:
        return
    known = dict(key.known)
    if key.rule.kind == "threshold":
        key.place = place_now(state, key)
    else:
        key.head = at if key.head is None else max(at, key.head)
        known = key.values = KINDS[key.rule.kind].facts(key, key.head) if facts is None else facts
    key.said, key.said_band = [False] * len(key.said), True
    key.floor = max(key.floor, at)
    state.judge(key, at, known)
    state.end_until(key, at)
