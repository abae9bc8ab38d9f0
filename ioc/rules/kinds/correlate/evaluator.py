"""Correlate: conditions of other rules that fire together, held by the keys that they fall to."""

from __future__ import annotations

from typing import Any

from ioc.domain.alert import Transition
from ioc.domain.severity import Severity
from ioc.rules.kinds.correlate.members import MemberAlerts, correlate, held_of, unpacked
from ioc.rules.language.rule import Rule
from ioc.rules.state.evaluator import KindEvaluator, with_place
from ioc.rules.state.memory import KeyState
from ioc.rules.state.observation import Facts, Observation
from ioc.rules.state.step import FoldStep
from ioc.rules.state.tally import Tally


class CorrelateEvaluator(KindEvaluator):
    """The kind `correlate`."""

    def show_alert(
        self, step: FoldStep, rule: Rule, transition: Transition, values: dict[str, Any], log_us: int
    ) -> None:
        """Take a condition out of the key that it was in, and put it where it belongs now."""
        correlate(step, rule, transition, values, log_us)

    def begin(self, rule: Rule, at_us: int) -> MemberAlerts:  # noqa: ARG002 - a kind's shape
        """Return the memory of a key that holds nothing."""
        return MemberAlerts()

    def take(self, rule: Rule, state: KeyState, observation: Observation, tally: Tally) -> Facts | None:  # noqa: ARG002
        """Return what the key holds now."""
        state.head_us = max(observation.at_us, state.time_us)
        return self._held(rule, state, observation)

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:  # noqa: ARG002
        """Return what the key holds."""
        return self._held(rule, state, None)

    def _held(self, rule: Rule, state: KeyState, observation: Observation | None) -> Facts:
        members = held_of(state).members.values()
        found = {
            "firing": len(members),
            "rules": len({member[0] for member in members}),
            "domains": len({member[4] for member in members}),
            "devices": len({member[5] for member in members if member[5]}),
            "rank": max((Severity(member[3]).rank for member in members), default=0),
        }
        return with_place(rule, state, None if observation is None else observation.values, found)

    def unpack(self, rule: Rule, packed: Any) -> MemberAlerts:  # noqa: ARG002
        """Return what a snapshot kept."""
        return unpacked(packed)

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:  # noqa: ARG002
        """Return the conditions, bounded."""
        members = [
            {"rule": member[0], "key": member[1], "alert": member[2], "severity": member[3], "domain": member[4],
             "device": member[5], "at_us": member[6]}
            for member in list(held_of(state).members.values())[-50:]
        ]  # fmt: skip
        return {"kind": "correlate", "members": members}
