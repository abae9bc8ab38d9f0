"""What was ordered of a device against what is measured, for the independent evaluator. Written from docs/rules.md.

``own`` of a key is {event key: order}; an order is (hour, end, thing, on, position), all that was ever given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from proof.evaluator.keys import Facts, Key
from proof.evaluator.kinds import KINDS as OTHER_KINDS
from proof.evaluator.kinds import LAST_READINGS, Kind
from proof.evaluator.log import LogEvent
from proof.evaluator.measures import Reading
from proof.evaluator.rules import DAY, EPOCH, SECOND, FailedError, Rule, duration

KEPT = 31 * DAY
Order = tuple[int, int, str, bool, int]


def micros(text: Any) -> int | None:
    """Return microseconds since 1970 of an RFC 3339 time, None for what is none."""
    if not isinstance(text, str):
        return None
    lasted = datetime.fromisoformat(text) - EPOCH
    return (lasted.days * 86_400 + lasted.seconds) * SECOND + lasted.microseconds


def order_of(rule: Rule, event: LogEvent, values: Mapping[str, Any], *, given: int, position: int) -> Order | None:
    """Return an order, None where it does not say enough."""
    said = rule.body["orders"]
    at, of = micros(values.get(said["at"])), values.get(said["of"])
    try:
        on = rule.clauses[said["on"]](values)
    except FailedError:
        on = None
    if at is None or of is None or on is None or not event.key:
        return None
    until = micros(values.get(said.get("until", "")))
    end = given + KEPT if until is None else min(until, given + KEPT)
    return at, end, str(of), on, position


class OrderKind(Kind):
    """The newest measure, and the orders of its hour."""

    def take(self, key: Key, reading: Reading, *, late: bool) -> tuple[int, Facts] | None:
        """Take a measure or an order in."""
        del late
        newest = self.newest(key)
        key.readings.append(reading)
        if newest is not None and self.measures(key, reading) and reading.effective < newest.effective:
            return None
        key.head = max(reading.effective, key.head or reading.effective)
        facts = self.facts(key, key.head)
        return (key.head, facts) if facts else None

    def newest(self, key: Key) -> Reading | None:
        """Return the newest measure; of one instant the one that came last."""
        measured = [one for one in key.readings if self.measures(key, one)]
        return max(measured, key=lambda one: (one.effective, one.position), default=None)

    def measures(self, key: Key, reading: Reading) -> bool:
        """Tell whether a reading is a measure; else it is an order."""
        return reading.values.get(key.rule.body["measured"]["field"]) is not None

    def do_without(self, key: Key, gone: Sequence[int]) -> bool:
        """Forget readings and orders; tell whether the key rested on one."""
        newest = self.newest(key)
        orders = {name: one for name, one in (key.own or {}).items() if one[-1] not in gone}
        rested = len(orders) < len(key.own or {}) or (newest is not None and newest.position in gone)
        rest = [one for one in key.readings[-LAST_READINGS:] if one.position not in gone]
        if newest is not None and newest.position not in gone and newest not in rest:
            rest.insert(0, newest)
        key.own, key.readings = orders, rest
        return rested

    def facts(self, key: Key, at: int) -> Facts:
        """Return both figures."""
        del at
        newest = self.newest(key)
        if newest is None:
            return {}
        grace = duration(key.rule.body["orders"]["grace"])
        orders = list((key.own or {}).values())
        moments = {newest.effective - grace, newest.effective}
        for order in orders:
            moments |= {one for one in order[:2] if newest.effective - grace <= one <= newest.effective}
        things = {order[2] for order in orders}
        least = sum(all(is_on(orders, thing, one) for one in moments) for thing in things)
        most = sum(any(is_on(orders, thing, one) for one in moments) for thing in things)
        now = sum(is_on(orders, thing, newest.effective) for thing in things)
        measured = newest.values[key.rule.body["measured"]["field"]]
        return {"measured": measured, "ordered": now, "ordered_min": least, "ordered_max": most}


def is_on(orders: list[Order], thing: str, at: int) -> bool:
    """Tell whether a thing is on by the newest hour of the orders in force for it."""
    in_force = [(hour, position, on) for hour, end, of, on, position in orders if of == thing and hour <= at < end]
    return max(in_force)[2] if in_force else False


ORDERS = OrderKind()
KINDS: Mapping[str, Kind] = {**OTHER_KINDS, "order": ORDERS}
"""Every kind."""
