"""The orders of one device, and how many of its things they say are on at an instant."""

from __future__ import annotations

from typing import Any, NamedTuple

from ioc.rules.kinds.order.spec import IN_FORCE_US_MAX

ORDERS_MAX = 64
"""Of one device; at the bound the one of the earliest hour is forgotten, and counted."""


class SwitchOrder(NamedTuple):
    """One order, by its newest revision."""

    at_us: int
    until_us: int | None
    of: str
    on: bool
    given_us: int
    position: int
    number: str | None

    @property
    def end_us(self) -> int:
        """Return from when on it says nothing more."""
        last_us = self.given_us + IN_FORCE_US_MAX
        return last_us if self.until_us is None else min(self.until_us, last_us)


class Orders:
    """What a key remembers: its newest measure, and the orders by the event that gave each."""

    __slots__ = ("at_us", "given", "measured", "position")

    def __init__(self) -> None:
        self.measured: int | None = None
        self.at_us = 0
        """When that was measured."""
        self.position = 0
        self.given: dict[str, SwitchOrder] = {}

    def pack(self) -> Any:
        """Return it for a snapshot."""
        return [self.measured, self.at_us, self.position, {key: list(one) for key, one in self.given.items()}]

    @classmethod
    def unpacked(cls, packed: Any) -> Orders:
        """Return what a snapshot kept."""
        own = cls()
        own.measured, own.at_us, own.position, given = packed
        own.given = {key: SwitchOrder(*one) for key, one in given.items()}
        return own

    def give(self, key: str, one: SwitchOrder) -> bool:
        """Take an order in, in the place of an older revision; false: another had to be forgotten."""
        self.given[key] = one
        if len(self.given) <= ORDERS_MAX:
            return True
        del self.given[min(self.given, key=lambda name: (self.given[name].at_us, self.given[name].position))]
        return False

    def in_force(self, at_us: int) -> dict[str, SwitchOrder]:
        """Return the order that each thing stands by at an instant: of those in force that of the latest hour."""
        found: dict[str, SwitchOrder] = {}
        for one in self.given.values():
            if not one.at_us <= at_us < one.end_us:
                continue
            known = found.get(one.of)
            if known is None or (one.at_us, one.position) > (known.at_us, known.position):
                found[one.of] = one
        return found

    def on(self, at_us: int) -> set[str]:
        """Return the things that are on by order at an instant."""
        return {of for of, one in self.in_force(at_us).items() if one.on}

    def span(self, at_us: int, grace_us: int) -> tuple[int, int]:
        """Return how few and how many may be on: each as it was ordered at some instant of the grace before."""
        from_us = at_us - grace_us
        turns = {moment for one in self.given.values() for moment in (one.at_us, one.end_us)}
        moments = [from_us, *sorted(moment for moment in turns if from_us < moment <= at_us)]
        states = [self.on(moment) for moment in moments]
        return len(set.intersection(*states)), len(set.union(*states))
