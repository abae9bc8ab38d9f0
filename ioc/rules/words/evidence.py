"""What a kind adds to the evidence of an alert, as people read it: with names, and inside the reader's wall."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ioc.domain.feed import FeedSpec
from ioc.rules.words.rule_words import RuleWords

Details = Mapping[str, Any]
"""What the evaluator of a kind wrote of a key, in JSON's own types."""


class EvidenceReader(Protocol):
    """Who reads the evidence: names for what it mentions, and what of it they may see."""

    @property
    def feeds(self) -> Mapping[str, FeedSpec]:
        """Return the pack's feeds."""
        ...

    def sees(self, member: Mapping[str, Any]) -> bool:
        """Tell whether a member lies inside the wall: neither its device nor its alert lies outside."""
        ...

    def sees_part(self, name: str | None) -> bool:
        """Tell whether the reader may be told what a measure was taken apart by; masked: no field of people."""
        ...

    def name(self, device: object) -> dict[str, Any] | None:
        """Return a device's name in both languages, None for one that is not registered."""
        ...

    def alert(self, member: Mapping[str, Any]) -> dict[str, Any]:
        """Return `alert`, `number`, `condition` and `title` of a member's alert."""
        ...


EvidenceForm = Callable[[Details, RuleWords | None, EvidenceReader], dict[str, Any]]
"""From details to JSON; without words where the rule has another form since."""


def split(members: Sequence[Details], reader: EvidenceReader) -> tuple[list[Details], int]:
    """Return (the members that the reader may see, how many others there are)."""
    seen = [member for member in members if reader.sees(member)]
    return seen, len(members) - len(seen)
