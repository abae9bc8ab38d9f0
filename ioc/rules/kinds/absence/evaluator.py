"""Absence: a key of which nothing is heard, known from the registry and not only from past data.

`quiet_us` is when, on the key's time, the silence begins. A silence that falls due while a gap is open is put off until
the gap ends (see :mod:`ioc.rules.kinds.absence.silences`).
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from ioc.domain.event import Event
from ioc.rules.kinds.absence import silences
from ioc.rules.kinds.absence.silence import AbsenceState, silence_of, spec_of, unpacked
from ioc.rules.language.rule import Rule
from ioc.rules.state.evaluator import KindEvaluator, Remainder, with_place
from ioc.rules.state.memory import KeyState
from ioc.rules.state.observation import Facts, Observation, Sighting
from ioc.rules.state.step import FoldStep
from ioc.rules.state.tally import Tally


class AbsenceEvaluator(KindEvaluator):
    """The kind `absence`."""

    finds_keys = True

    def find(self, step: FoldStep, rule: Rule, event: Event, values: Mapping[str, Any]) -> Sighting | None:
        """Return the key that the event's device stands for."""
        return silences.heard(step, self, rule, event, values)

    def begin(self, rule: Rule, at_us: int) -> AbsenceState:
        """Return the memory of a key that begins now."""
        return AbsenceState(at_us + spec_of(rule).absent_us)

    def take(self, rule: Rule, state: KeyState, observation: Observation, tally: Tally) -> Facts | None:  # noqa: ARG002
        """Hear of the key."""
        own = silence_of(state)
        own.silent, own.put_off = False, False
        own.quiet_us = observation.at_us + spec_of(rule).absent_us
        state.head_us = observation.at_us
        return with_place(rule, state, observation.values, {"silent": False})

    def due(self, rule: Rule, state: KeyState) -> int | None:  # noqa: ARG002
        """Return when the silence begins."""
        own = silence_of(state)
        return None if own.silent or own.put_off else own.quiet_us

    def end(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        """Begin the silence."""
        silence_of(state).silent = True
        state.head_us = max(state.head_us, at_us)
        return with_place(rule, state, None, {"silent": True})

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:  # noqa: ARG002
        """Return whether it is silent."""
        return with_place(rule, state, None, {"silent": silence_of(state).silent})

    def do_without(
        self, step: FoldStep, rule: Rule, key: str, state: KeyState, gone: AbstractSet[int]
    ) -> Remainder | None:  # fmt: skip
        """Count the silence from the newest reading that is left."""
        return silences.do_without(step, rule, key, state, gone)

    def unpack(self, rule: Rule, packed: Any) -> AbsenceState:  # noqa: ARG002
        """Return what a snapshot kept."""
        return unpacked(packed)

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        """Return when it was heard last."""
        absent_us = spec_of(rule).absent_us
        heard_us = state.readings[-1].effective_us if state.readings else silence_of(state).unheard_us - absent_us
        return {"kind": "absence", "last_heard_us": min(heard_us, state.time_us), "absent_s": absent_us / 1e6}

    def put_off(self, step: FoldStep, rule: Rule, key: str, state: KeyState) -> bool:
        """Put off a silence that falls due while a gap is open."""
        return silences.put_off(step, self, rule, key, state)

    def resume(self, step: FoldStep, rule: Rule, key: str, state: KeyState, *, was_put_off: bool) -> bool:
        """Let a silence that fell due in the gap begin anew."""
        return silences.resume(step, self, rule, key, state, was_put_off=was_put_off)

    def expect(self, step: FoldStep, rule: Rule, device: str) -> None:
        """Bring a device's membership up to date."""
        silences.expect(step, self, rule, device)
