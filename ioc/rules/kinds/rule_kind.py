"""What a kind of rule is registered with: all that the rest of the house asks of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ioc.rules.kinds.reading import KindParts, RuleSource
from ioc.rules.state.evaluator import KindEvaluator
from ioc.rules.words.evidence import EvidenceForm
from ioc.rules.words.rule_words import KindWords


@dataclass(frozen=True, slots=True)
class RuleKind:
    """One kind of rule."""

    name: str
    members: tuple[str, ...]
    """What of a rule's body makes it; a rule that changes one of them ends its alerts and begins anew."""
    read: Callable[[RuleSource], KindParts]
    """From the body to what the kind is made of."""
    evaluator: KindEvaluator | None
    """What the fold does with it; None: it holds each reading against the clauses as it is."""
    words: KindWords
    evidence: EvidenceForm | None = None
    """What it adds to evidence, as people read it; None: nothing."""
    lists_silent: bool = False
    """Whether beside the evidence of an area or zone stand the devices that are silent."""
    over_alerts: bool = False
    """Whether it may listen to the alerts of other rules."""
    claims: Callable[[Mapping[str, Any]], Sequence[str]] | None = None
    """Which members of a body make a rule of this kind; None: each of ``members``."""
    feeds: Callable[[Mapping[str, Any]], list[Any] | None] | None = None
    """The feeds that its members name; None: the member `feed` names them."""

    def claimed(self, body: Mapping[str, Any]) -> Sequence[str]:
        """Return the members of a body that make it a rule of this kind."""
        return self.claims(body) if self.claims is not None else [name for name in body if name in self.members]
