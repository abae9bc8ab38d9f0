"""Change: a reading against the key's reading before it, both directions."""

from __future__ import annotations

from typing import Any

from ioc.rules.accumulate import HOUR_US
from ioc.rules.kinds import Change
from ioc.rules.memory import KeyState, Tally
from ioc.rules.rule import Rule
from ioc.rules.watch import Facts, Plain, Taken, placed
from ioc.rules.watch_window import measures_of


class Before:
    """The newest (value, time) of each field."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: dict[str, list[Any]] = {}

    def pack(self) -> Any:
        """Return it for a snapshot."""
        return self.values


class ChangeWatch(Plain):
    """The kind `change`."""

    def begin(self, rule: Rule, at_us: int) -> Before:  # noqa: ARG002 - a kind's shape
        """Return the memory of a key that has no reading yet."""
        return Before()

    def take(self, rule: Rule, state: KeyState, taken: Taken, tally: Tally) -> Facts | None:  # noqa: ARG002
        """Compare a reading with the one before."""
        shape, own = rule.shape, state.own
        assert type(shape) is Change, "a change rule has its measures"
        assert type(own) is Before, "a change key knows the reading before"
        state.head_us = taken.at_us
        found: dict[str, Any] = {}
        for measure in shape.measures:
            value, before = taken.values.get(measure.field or ""), own.values.get(measure.field or "")
            if value is None or before is None:
                continue
            if measure.aggregate == "delta":
                found[measure.name] = value - before[0]
            elif taken.at_us > before[1]:
                found[measure.name] = (value - before[0]) / ((taken.at_us - before[1]) / HOUR_US)
        for measure in shape.measures:
            value = taken.values.get(measure.field or "")
            if value is not None:
                own.values[measure.field or ""] = [value, taken.at_us]
        return placed(rule, state, taken.values, found)

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:  # noqa: ARG002
        """Return the newest differences."""
        return placed(rule, state, None, dict(state.values))

    def unpack(self, rule: Rule, packed: Any) -> Before:  # noqa: ARG002
        """Return what a snapshot kept."""
        own = Before()
        own.values = packed
        return own

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        """Return the differences."""
        return {"kind": "change", "measures": measures_of(rule, state.values)}
