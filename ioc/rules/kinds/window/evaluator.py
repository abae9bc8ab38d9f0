"""Windows: aggregates over the panes of a key, at events and whenever a pane leaves."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ioc.rules.aggregates.windows import HOURLY, WindowState
from ioc.rules.language.kinds import Window
from ioc.rules.language.rule import Rule
from ioc.rules.state.evaluator import KindEvaluator, Remainder, with_place
from ioc.rules.state.memory import KeyState
from ioc.rules.state.observation import Facts, Observation
from ioc.rules.state.step import FoldStep
from ioc.rules.state.tally import Tally


class WindowEvaluator(KindEvaluator):
    """The kind `window`."""

    late = True

    def begin(self, rule: Rule, at_us: int) -> WindowState:
        """Return an empty window."""
        del at_us
        return WindowState(_spec(rule), rule.zone)

    def take(self, rule: Rule, state: KeyState, observation: Observation, tally: Tally) -> Facts | None:
        """Put an event into its pane; a late one only where the window still holds its pane."""
        window, own = _spec(rule), _own(state)
        pane = observation.at_us // window.pane_us
        if not observation.late and observation.at_us > state.head_us:
            state.head_us = observation.at_us
        head = state.head_us // window.pane_us
        own.roll(window, head)
        if pane > head - window.panes - window.back:
            if observation.by_hand:
                reading = (observation.position, pane, observation.values, observation.at_us)
                full = own.add_by_hand(window, reading, head=head, zone=rule.zone)
            else:
                full = own.add(window, pane, observation.values, observation.at_us, head=head)
                if own.others is not None:
                    own.others.add(window, pane, observation.values, observation.at_us, head=head)
            if full:
                tally.full[rule.id] += full
        elif observation.late:
            tally.late[rule.id] += 1
            return None
        return with_place(rule, state, None if observation.late else observation.values, own.values(window, head))

    def due(self, rule: Rule, state: KeyState) -> int | None:
        """Return when a pane leaves that holds something, or is over for a measure of whole hours."""
        return _own(state).due_us(_spec(rule), state.head_us)

    def end(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        """Let the pane leave, or be over."""
        return self.facts(rule, state, at_us)

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        """Return the measures at ``at_us``."""
        window, own = _spec(rule), _own(state)
        state.head_us = max(state.head_us, at_us)
        head = state.head_us // window.pane_us
        own.roll(window, head)
        return with_place(rule, state, None, own.values(window, head))

    def unpack(self, rule: Rule, packed: Any) -> WindowState:
        """Return the window that a snapshot kept."""
        window = _spec(rule)
        own = WindowState(window, rule.zone).unpack(packed[:4])
        if len(packed) > len(packed[:4]):
            own.by_hand, own.others = packed[4], WindowState(window, rule.zone).unpack(packed[5])
        return own

    def do_without(
        self, step: FoldStep, rule: Rule, key: str, state: KeyState, gone: AbstractSet[int]  # noqa: ARG002
    ) -> Remainder | None:  # fmt: skip
        """Make the measures anew without readings that a person took back."""
        window = _spec(rule)
        left = _own(state).do_without(window, gone, head=state.head_us // window.pane_us, zone=rule.zone)
        return None if left is None else Remainder(left)

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        """Return the window's ends, its measures and its panes."""
        window = _spec(rule)
        head = state.head_us // window.pane_us
        whole = all(measure.aggregate in HOURLY for measure in window.measures)
        return {
            "kind": "window",
            "over_s": window.over_us / 1e6,
            "pane_s": window.pane_us / 1e6,
            "from_us": (head - window.panes + (0 if whole else 1)) * window.pane_us,
            "to_us": head * window.pane_us if whole else state.head_us,
            "measures": measures_of(rule, state.values),
            **_own(state).told(window, head),
        }


def measures_of(rule: Rule, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a rule's own measures."""
    names = {measure.name for measure in rule.spec.own_measures}
    return {name: value for name, value in values.items() if name in names}


def _spec(rule: Rule) -> Window:
    assert type(rule.spec) is Window, "a window rule has its window"
    return rule.spec


def _own(state: KeyState) -> WindowState:
    assert type(state.kind_state) is WindowState, "a window key has its window"
    return state.kind_state
