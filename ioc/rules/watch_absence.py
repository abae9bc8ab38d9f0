"""Absence: a key of which nothing is heard, known from the registry and not only from past data.

`quiet_us` is when, on the key's time, the silence begins. A silence that falls due while a gap is open is put off until
the gap ends (see :mod:`ioc.rules.silences`).
"""

from __future__ import annotations

from typing import Any

from ioc.rules.kinds import Absence
from ioc.rules.memory import KeyState, Tally
from ioc.rules.rule import Rule
from ioc.rules.watch import Facts, Plain, Taken, placed


class Silence:
    """Whether a key is silent, and since when or from when on."""

    __slots__ = ("members", "put_off", "quiet_us", "silent")

    def __init__(self, quiet_us: int) -> None:
        self.quiet_us = quiet_us
        self.silent = False
        self.put_off = False
        self.members: list[str] = []
        """The registered devices that it stands for; empty for a key that only events made."""

    def pack(self) -> Any:
        """Return it for a snapshot."""
        return [self.quiet_us, self.silent, self.put_off, self.members]


class AbsenceWatch(Plain):
    """The kind `absence`."""

    def begin(self, rule: Rule, at_us: int) -> Silence:
        """Return the memory of a key that begins now."""
        return Silence(at_us + shape_of(rule).absent_us)

    def take(self, rule: Rule, state: KeyState, taken: Taken, tally: Tally) -> Facts | None:  # noqa: ARG002
        """Hear of the key."""
        own = silence_of(state)
        own.silent, own.put_off = False, False
        own.quiet_us = taken.at_us + shape_of(rule).absent_us
        state.head_us = taken.at_us
        return placed(rule, state, taken.values, {"silent": False})

    def due(self, rule: Rule, state: KeyState) -> int | None:  # noqa: ARG002
        """Return when the silence begins."""
        own = silence_of(state)
        return None if own.silent or own.put_off else own.quiet_us

    def end(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:
        """Begin the silence."""
        silence_of(state).silent = True
        state.head_us = max(state.head_us, at_us)
        return placed(rule, state, None, {"silent": True})

    def facts(self, rule: Rule, state: KeyState, at_us: int) -> Facts | None:  # noqa: ARG002
        """Return whether it is silent."""
        return placed(rule, state, None, {"silent": silence_of(state).silent})

    def unpack(self, rule: Rule, packed: Any) -> Silence:  # noqa: ARG002
        """Return what a snapshot kept."""
        own = Silence(packed[0])
        _, own.silent, own.put_off, own.members = packed
        return own

    def details(self, rule: Rule, state: KeyState) -> dict[str, Any]:
        """Return when it was heard last."""
        return {"kind": "absence", "last_heard_us": state.time_us, "absent_s": shape_of(rule).absent_us / 1e6}


def shape_of(rule: Rule) -> Absence:
    """Return how long and of what the silence is."""
    assert type(rule.shape) is Absence, "an absence rule has its absence"
    return rule.shape


def silence_of(state: KeyState) -> Silence:
    """Return what a key remembers of its silence."""
    assert type(state.own) is Silence, "an absence key has its silence"
    return state.own
