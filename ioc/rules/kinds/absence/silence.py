"""What a key of an absence rule remembers: whether it is silent, and since when or from when on."""

from __future__ import annotations

from typing import Any

from ioc.rules.kinds.absence.spec import Absence
from ioc.rules.language.rule import Rule
from ioc.rules.state.memory import KeyState, PackedState


class AbsenceState:
    """Whether a key is silent, and since when or from when on."""

    __slots__ = ("members", "put_off", "quiet_us", "silent", "unheard_us")

    def __init__(self, quiet_us: int) -> None:
        self.quiet_us = quiet_us
        self.unheard_us = quiet_us
        """When the silence would begin if nothing had been heard since the key began, or our own outage ended."""
        self.silent = False
        self.put_off = False
        self.members: list[str] = []
        """The registered devices that it stands for; empty for a key that only events made."""

    def pack(self) -> Any:
        """Return it for a snapshot."""
        return [self.quiet_us, self.silent, self.put_off, self.members, self.unheard_us]


def spec_of(rule: Rule) -> Absence:
    """Return how long and of what the silence is."""
    assert type(rule.spec) is Absence, "an absence rule has its absence"
    return rule.spec


def silence_of(state: KeyState) -> AbsenceState:
    """Return what a key remembers of its silence."""
    kept = state.kind_state
    if type(kept) is PackedState:
        kept = state.kind_state = unpacked(kept.data)
    assert type(kept) is AbsenceState, "an absence key has its silence"
    return kept


def unpacked(packed: Any) -> AbsenceState:
    """Return what a snapshot kept."""
    own = AbsenceState(packed[0])
    _, own.silent, own.put_off, own.members, *later = packed
    if later:  # a snapshot of before 0.3.0 does not know it
        own.unheard_us = later[0]
    return own
