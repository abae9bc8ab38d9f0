"""Correlate: conditions of other rules that fire together, held by the keys that they fall to."""

from __future__ import annotations

from typing import Any

from ioc.domain.severity import Severity
from ioc.rules.memory import KeyState, Tally
from ioc.rules.rule import Rule
from ioc.rules.watch import Facts, Plain, Taken, placed

MEMBERS_MAX = 500
"""Conditions that one key holds."""


class Held:
    """The conditions of a key by `rule` and `key`: [rule, key, alert id, severity, domain, device, since]."""

    __slots__ = ("members",)

    def __init__(self) -> None:
        self.members: dict[str, list[Any]] = {}

    def pack(self) -> Any:
        """Return it for a snapshot."""
        return self.members


class CorrelateWatch(Plain):
    """The kind `correlate`. Where a condition belongs is decided before, in :mod:`ioc.rules.over_alerts`."""

    def begin(self, rule: Rule, at_us: int) -> Held:  # noqa: ARG002 - a kind's shape
        """Return the memory of a key that holds nothing."""
        return Held()

    def take(self, rule: Rule, state: KeyState, taken: Taken, tally: Tally) -> Facts | None:  # noqa: ARG002
        """Return what the key holds now."""
        state.head_us = max(taken.at_us, state.time_us)
        return self._held(rule, state, taken)

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:  # noqa: ARG002
        """Return what the key holds."""
        return self._held(rule, state, None)

    def _held(self, rule: Rule, state: KeyState, taken: Taken | None) -> Facts:
        members = held_of(state).members.values()
        found = {
            "firing": len(members),
            "rules": len({member[0] for member in members}),
            "domains": len({member[4] for member in members}),
            "devices": len({member[5] for member in members if member[5]}),
            "rank": max((Severity(member[3]).rank for member in members), default=0),
        }
        return placed(rule, state, None if taken is None else taken.values, found)

    def unpack(self, rule: Rule, packed: Any) -> Held:  # noqa: ARG002
        """Return what a snapshot kept."""
        own = Held()
        own.members = packed
        return own

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:  # noqa: ARG002
        """Return the conditions, bounded."""
        members = [
            {"rule": member[0], "key": member[1], "alert": member[2], "severity": member[3], "domain": member[4],
             "device": member[5], "at_us": member[6]}
            for member in list(held_of(state).members.values())[-50:]
        ]  # fmt: skip
        return {"kind": "correlate", "members": members}


def held_of(state: KeyState) -> Held:
    """Return what a key holds."""
    assert type(state.own) is Held, "a correlate key has what it holds"
    return state.own
