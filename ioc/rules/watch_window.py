"""Windows: aggregates over the panes of a key, at events and whenever a pane leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.rules.kinds import Window
from ioc.rules.memory import KeyState, Tally
from ioc.rules.rule import Rule
from ioc.rules.watch import Facts, Plain, Taken, placed
from ioc.rules.windows import WindowState


class WindowWatch(Plain):
    """The kind `window`."""

    late = True

    def begin(self, rule: Rule, at_us: int) -> WindowState:
        """Return an empty window."""
        del at_us
        return WindowState(_shape(rule), rule.zone)

    def take(self, rule: Rule, state: KeyState, taken: Taken, tally: Tally) -> Facts | None:
        """Put an event into its pane; a late one only where the window still holds its pane."""
        window, own = _shape(rule), _own(state)
        pane = taken.at_us // window.pane_us
        if not taken.late and taken.at_us > state.head_us:
            state.head_us = taken.at_us
        head = state.head_us // window.pane_us
        own.roll(window, head)
        if pane > head - window.panes:
            full = own.add(window, pane, taken.values, taken.at_us)
            if full:
                tally.full[rule.id] += full
        elif taken.late:
            tally.late[rule.id] += 1
            return None
        return placed(rule, state, None if taken.late else taken.values, own.values(window, head))

    def due(self, rule: Rule, state: KeyState) -> int | None:
        """Return when the oldest pane that holds something leaves."""
        return _own(state).due_us(_shape(rule))

    def end(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        """Let the pane leave."""
        return self.facts(rule, state, at_us)

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        """Return the measures at ``at_us``."""
        window, own = _shape(rule), _own(state)
        state.head_us = max(state.head_us, at_us)
        head = state.head_us // window.pane_us
        own.roll(window, head)
        return placed(rule, state, None, own.values(window, head))

    def unpack(self, rule: Rule, packed: Any) -> WindowState:
        """Return the window that a snapshot kept."""
        return WindowState(_shape(rule), rule.zone).unpack(packed)

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        """Return the window's ends, its measures and its panes."""
        window = _shape(rule)
        head = state.head_us // window.pane_us
        return {
            "kind": "window",
            "over_s": window.over_us / 1e6,
            "pane_s": window.pane_us / 1e6,
            "from_us": (head - window.panes + 1) * window.pane_us,
            "to_us": state.head_us,
            "measures": measures_of(rule, state.values),
            **_own(state).told(window, head),
        }


def measures_of(rule: Rule, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a rule's own measures."""
    shape = rule.shape
    names = {measure.name for measure in getattr(shape, "measures", ())}
    return {name: value for name, value in values.items() if name in names}


def _shape(rule: Rule) -> Window:
    assert type(rule.shape) is Window, "a window rule has its window"
    return rule.shape


def _own(state: KeyState) -> WindowState:
    assert type(state.own) is WindowState, "a window key has its window"
    return state.own
