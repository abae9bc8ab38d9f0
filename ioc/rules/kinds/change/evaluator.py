"""Change: a reading against the key's reading before it, both directions."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from ioc.rules.aggregates.accumulators import HOUR_US
from ioc.rules.kinds.change.spec import Change
from ioc.rules.kinds.window.evaluator import measures_of
from ioc.rules.language.rule import Rule
from ioc.rules.state.evaluator import KindEvaluator, Remainder, with_place
from ioc.rules.state.memory import KeyState
from ioc.rules.state.observation import Facts, Observation
from ioc.rules.state.step import FoldStep
from ioc.rules.state.tally import Tally


class LastValues:
    """The newest (value, time) of each field."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: dict[str, list[Any]] = {}

    def pack(self) -> Any:
        """Return it for a snapshot."""
        return self.values


class ChangeEvaluator(KindEvaluator):
    """The kind `change`."""

    def begin(self, rule: Rule, at_us: int) -> LastValues:  # noqa: ARG002 - a kind's shape
        """Return the memory of a key that has no reading yet."""
        return LastValues()

    def take(self, rule: Rule, state: KeyState, observation: Observation, tally: Tally) -> Facts | None:  # noqa: ARG002
        """Compare a reading with the one before."""
        spec, own = rule.spec, state.kind_state
        assert type(spec) is Change, "a change rule has its measures"
        assert type(own) is LastValues, "a change key knows the reading before"
        if self._again(spec, own, observation.values, observation.at_us):
            return None
        state.head_us = observation.at_us
        found = self._found(spec, own, observation.values, observation.at_us)
        return with_place(rule, state, observation.values, found)

    def _found(self, spec: Change, own: LastValues, values: Facts, at_us: int) -> dict[str, Any]:
        """Return how a reading differs from the one before, which it becomes itself."""
        found: dict[str, Any] = {}
        for measure in spec.measures:
            value, before = values.get(measure.field or ""), own.values.get(measure.field or "")
            if value is None or before is None:
                continue
            if measure.aggregate == "delta":
                found[measure.name] = value - before[0]
            elif at_us > before[1]:
                found[measure.name] = (value - before[0]) / ((at_us - before[1]) / HOUR_US)
        for measure in spec.measures:
            value = values.get(measure.field or "")
            if value is not None:
                own.values[measure.field or ""] = [value, at_us]
        return found

    def _again(self, spec: Change, own: LastValues, values: Facts, at_us: int) -> bool:
        """Tell whether a reading is the one before once more: of the same instant, and it says nothing else."""
        fields = [measure.field or "" for measure in spec.measures]
        told = {name: values[name] for name in fields if values.get(name) is not None}
        return bool(told) and all(own.values.get(name) == [value, at_us] for name, value in told.items())

    def do_without(
        self, step: FoldStep, rule: Rule, key: str, state: KeyState, gone: AbstractSet[int]  # noqa: ARG002
    ) -> Remainder | None:  # fmt: skip
        """Make the differences anew from those of the newest readings that are left."""
        spec, own = rule.spec, LastValues()
        assert type(spec) is Change, "a change rule has its measures"
        rest = [item for item in state.readings if item.position not in gone]
        if len(rest) == len(state.readings):
            return None
        state.kind_state, state.values = own, {}
        for item in rest:
            values = item.known()
            if not self._again(spec, own, values, item.effective_us):
                state.values |= self._found(spec, own, values, item.effective_us)
        return Remainder(bool(rest), rest[-1].effective_us if rest else None)

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:  # noqa: ARG002
        """Return the newest differences."""
        return with_place(rule, state, None, dict(state.values))

    def unpack(self, rule: Rule, packed: Any) -> LastValues:  # noqa: ARG002
        """Return what a snapshot kept."""
        own = LastValues()
        own.values = packed
        return own

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        """Return the differences."""
        return {"kind": "change", "measures": measures_of(rule, state.values)}
