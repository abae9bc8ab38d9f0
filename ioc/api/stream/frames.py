"""What each frame of the stream is about, and who gets it: whoever may read the same over its own route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ioc.domain.people.account import KeyKind, Principal
from ioc.domain.people.capabilities import Capability


@dataclass(frozen=True, slots=True)
class FrameSpec:
    """One name of an event of the stream. A change of a kind that has none goes to nobody."""

    about: str
    capability: Capability
    keys: frozenset[KeyKind] = frozenset()
    """Kinds of machine keys that get it; people get it by the capability."""
    walled: bool = False
    """Whether the thing lies in an area: who does not see that gets none of it."""
    by_id: bool = False
    """Whether it is told by its id alone, to be read anew: what it is differs from reader to reader."""


SCREENS = frozenset({KeyKind.DISPLAY, KeyKind.DISTRICT})

FRAMES: Mapping[str, FrameSpec] = {
    "alert": FrameSpec("an alert that changed, or has other news", Capability.SEE, SCREENS, walled=True),
    "device": FrameSpec("a device that changed, fell silent or reports again", Capability.SEE, SCREENS, walled=True),
    "incident": FrameSpec("an incident that changed, by its id", Capability.SEE, SCREENS, walled=True, by_id=True),
    "backtest": FrameSpec("how far a backtest is", Capability.SEE),
    "domain": FrameSpec("a domain whose tile changed; so far nothing sends it", Capability.SEE, SCREENS),
    "silence": FrameSpec(
        "a silence that was made, changed, began or ended", Capability.SEE, frozenset({KeyKind.DISTRICT})
    ),
    "rule": FrameSpec("a rule that changed", Capability.SEE, frozenset({KeyKind.DISTRICT})),
}


def frames_for(principal: Principal) -> frozenset[str]:
    """Return the names of the frames that somebody gets."""
    return frozenset(name for name, frame in FRAMES.items() if principal.may(frame.capability, frame.keys))
